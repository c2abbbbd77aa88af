-- A tenant's login is a member of another role
-- severity: critical
-- covers: pitfalls 6, 29
-- source: PostgreSQL, chapter "Database Roles": what a role may do, its members may
-- why: Logins of tenants are members of nothing, or of freehold_tenant alone: whatever else they reach, the tenant's SQL reaches.
select a.name as object, format('it is a member of %s', r.role::regrole) as why,
       coalesce((select format('revoke %s from %I', r.role::regrole, a.name)
                 from pg_auth_members m where m.roleid = r.role and m.member = a.oid limit 1),
                '-- revoke the role in between, through which it is one') as fix
from reachable r join app_roles a on a.oid = r.app
where r.role <> r.app and r.role <> 'freehold_tenant'::regrole

-- fault:
grant pg_read_all_data to freehold_tenant;
-- names: freehold_tenant

-- fault:
create role check_middle;
grant freehold_owner to check_middle;
grant check_middle to freehold_app;
-- names: freehold_app

-- clean:
create role check_middle;
grant check_middle to freehold_owner;
