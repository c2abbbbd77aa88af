-- An application logs in as a role that is exempt from row-level security
-- severity: critical
-- covers: pitfall 6; pgrls SEC016
-- source: PostgreSQL, CREATE ROLE: BYPASSRLS
-- why: BYPASSRLS switches every policy off for the role, so that each of its queries reads every tenant.
select format('role %s', a.oid::regrole) as object, 'it has BYPASSRLS' as why, format('alter role %s nobypassrls', a.oid::regrole) as fix
from app_roles a join pg_roles r on r.oid = a.oid
where r.rolbypassrls and not r.rolsuper

-- fault:
alter role check_app bypassrls;
-- names: role check_app

-- clean:
create role check_backup login bypassrls;
grant usage on schema app to check_backup;
grant select on app.notes to check_backup;
