-- A role that is exempt from row-level security can log in and write tenant tables
-- severity: medium
-- covers: pitfall 6; pgrls SEC016
-- source: PostgreSQL, CREATE ROLE: BYPASSRLS
-- why: If an application uses this role, policies do nothing for it. Roles for backups read only, and are left out here.
select format('role %s', r.oid::regrole) as object,
       format('it has BYPASSRLS, can log in, and writes tenant tables such as %s', min(t.name)) as why,
       format('alter role %s nobypassrls', r.oid::regrole) as fix
from pg_roles r
cross join tenant_tables t
where (select o.roles is null from options o) and r.rolbypassrls and r.rolcanlogin and not r.rolsuper
  and exists (select from aclexplode(t.acl) x
              where x.privilege_type in ('INSERT', 'UPDATE', 'DELETE') and x.grantee <> t.owner and pg_has_role(r.oid, x.grantee, 'member'))
group by r.oid

-- fault:
set local freehold_check.roles = '';
create role check_service login bypassrls;
grant usage on schema app to check_service;
grant select, update on app.notes to check_service;
-- names: role check_service

-- clean:
set local freehold_check.roles = '';
create role check_backup login bypassrls;
grant usage on schema app to check_backup;
grant select on app.notes to check_backup;
create role check_service nologin bypassrls;
grant usage on schema app to check_service;
grant insert on app.notes to check_service;
