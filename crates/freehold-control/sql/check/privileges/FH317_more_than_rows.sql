-- Applications hold rights on a tenant table that policies do not govern
-- severity: medium
-- covers: pitfall 14; pitfall 10
-- source: PostgreSQL, GRANT; chapter "Row Security Policies": referential integrity checks bypass row security
-- why: A foreign key of one's own tells which keys other tenants have (REFERENCES), a trigger runs in everybody's statements
--      (TRIGGER), and maintenance locks everybody out (MAINTAIN). Applications need none of them.
select t.name as object, format('%s may use %s on it', string_agg(distinct g.grantee_name, ', '), string_agg(distinct g.privilege, ', ')) as why,
       format('revoke %s on %s from %s', lower(string_agg(distinct g.privilege, ', ')), t.name, string_agg(distinct g.grantee_name, ', ')) as fix
from grants g
join (select oid, name from tenant_tables union select oid, name from tenant_roots) as t on t.oid = g.relation
where g.privilege in ('REFERENCES', 'TRIGGER', 'MAINTAIN')
  -- Who is exempt from policies anyway is a finding of its own.
  and g.grantee not in (select r.oid from pg_roles r where r.rolsuper or r.rolbypassrls)
group by t.name

-- fault:
grant references, trigger on app.notes to public;
-- names: app.notes

-- fault:
grant all on app.tenants to check_app;
-- names: app.tenants

-- clean:
grant select on app.notes to check_app;
create role check_operator nologin;
grant references, trigger on app.notes to check_operator;
