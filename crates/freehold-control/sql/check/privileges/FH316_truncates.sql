-- Applications may TRUNCATE a tenant table
-- severity: high
-- covers: pitfall 14
-- source: PostgreSQL, chapter "Row Security Policies": TRUNCATE is not subject to row security
-- why: Policies do not govern TRUNCATE: one statement empties the table of every tenant's rows.
select t.name as object, format('%s may TRUNCATE it', string_agg(distinct g.grantee_name, ', ')) as why,
       format('revoke truncate on %s from %s', t.name, string_agg(distinct g.grantee_name, ', ')) as fix
from grants g
join (select oid, name from tenant_tables union select oid, name from tenant_roots) as t on t.oid = g.relation
where g.privilege = 'TRUNCATE'
  -- Who is exempt from policies anyway is a finding of its own.
  and g.grantee not in (select r.oid from pg_roles r where r.rolsuper or r.rolbypassrls)
group by t.name

-- fault:
grant all on app.notes to check_app;
-- names: app.notes

-- fault:
create role check_team nologin;
grant check_team to check_app;
grant truncate on app.tenants to check_team;
-- names: app.tenants

-- clean:
create role check_loader login;
grant truncate on app.notes to check_loader;
