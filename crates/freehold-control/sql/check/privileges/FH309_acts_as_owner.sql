-- An application can act as the owner of tenant tables
-- severity: high
-- covers: pitfall 6
-- source: PostgreSQL, chapter "Row Security Policies": only the owner changes policies
-- why: Policies are forced on the owner, but the owner may drop them, or stop forcing them. Any SQL of the application can, too.
select format('role %s', a.oid::regrole) as object,
       format(case when r.role = a.oid then 'it owns tenant tables such as %2$s'
                   else 'it is a member of %1$s, which owns tenant tables such as %2$s' end, r.role::regrole, owned.example) as why,
       case when r.role = a.oid
            then format('-- give them to a role that nobody logs in as: reassign owned by %s to ...', r.role::regrole)
            else (select string_agg(format('revoke %s from %s', m.roleid::regrole, m.member::regrole), '; ')
                  from pg_auth_members m where m.roleid = r.role and m.member in (select e.role from reachable e where e.app = a.oid)) end as fix
from reachable r
join app_roles a on a.oid = r.app
join pg_roles w on w.oid = a.oid and not w.rolsuper and not w.rolbypassrls
join pg_roles o on o.oid = r.role and not o.rolsuper and not o.rolbypassrls
join (select t.owner, min(t.name) as example from tenant_tables t
      -- Those that are not forced on the owner are a finding of their own.
      group by t.owner having not bool_or(t.enabled and not t.forced)) as owned on owned.owner = r.role
where a.configured or a.oid in (select e.app from reachable e join grants g on g.grantee = e.role join tenant_tables n on n.oid = g.relation)

-- fault:
create role check_team nologin;
grant check_owner to check_team;
grant check_team to check_app;
-- names: role check_app

-- fault:
alter table app.notes owner to check_app;
-- names: role check_app

-- clean:
set local freehold_check.roles = '';
create role check_migrations login;
grant check_owner to check_migrations;
