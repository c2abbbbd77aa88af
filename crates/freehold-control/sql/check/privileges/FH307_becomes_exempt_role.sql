-- An application can become a role that is exempt from row-level security
-- severity: critical
-- covers: pitfall 6; pgrls SEC029
-- source: PostgreSQL, SET ROLE; chapter "Role Membership"
-- why: Membership does not hand the exemption on, but one SET ROLE does, and any SQL the application runs can contain it.
with recursive settable as (
    select a.oid as app, a.oid as role, null::oid as member from app_roles a
    union
    select s.app, m.roleid, m.member
    from settable s join pg_auth_members m on m.member = s.role
    -- From version 16 on a membership may be without SET.
    where coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)
)
select format('role %s', s.app::regrole) as object,
       format('SET ROLE makes it %s, which %s', s.role::regrole, case when e.rolsuper then 'is a superuser' else 'has BYPASSRLS' end) as why,
       format('revoke %s from %s', s.role::regrole, s.member::regrole) as fix
from settable s
join app_roles a on a.oid = s.app
join pg_roles w on w.oid = s.app and not w.rolsuper and not w.rolbypassrls
join pg_roles e on e.oid = s.role and (e.rolsuper or e.rolbypassrls)
where s.member is not null
  -- PostgREST logs in as this role, and takes another with each request, of its own accord.
  and (a.configured or w.rolcanlogin and w.rolname <> 'authenticator'
       and a.oid in (select r.app from reachable r join pg_roles n on n.oid = r.role and not n.rolbypassrls
                     join grants g on g.grantee = r.role join tenant_tables t on t.oid = g.relation))

-- fault:
create role check_admin nologin bypassrls;
create role check_team nologin;
grant check_admin to check_team;
grant check_team to check_app;
-- names: role check_app

-- fault:
set local freehold_check.roles = '';
create role check_root nologin superuser;
grant check_root to check_app;
-- names: role check_app

-- clean:
create role check_admin nologin bypassrls;
create role check_operator login;
grant check_admin to check_operator;

-- clean:
set local freehold_check.roles = '';
create role check_admin nologin bypassrls;
create role check_operator login;
grant check_admin to check_operator;
