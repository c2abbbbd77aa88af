-- An application may grant a role to others
-- severity: high
-- covers: pitfall 6
-- source: PostgreSQL, GRANT: WITH ADMIN OPTION
-- why: With the admin option any SQL of the application grants the role to whom it likes, itself included.
select distinct format('role %s', r.app::regrole) as object, format('it has the admin option on %s', m.roleid::regrole) as why,
       format('revoke admin option for %s from %s', m.roleid::regrole, m.member::regrole) as fix
from reachable r
join app_roles a on a.oid = r.app
join pg_auth_members m on m.member = r.role and m.admin_option
where a.configured
   or a.oid in (select e.app from reachable e join grants g on g.grantee = e.role join tenant_tables t on t.oid = g.relation
                where g.privilege in ('INSERT', 'UPDATE', 'DELETE'))

-- fault:
create role check_team nologin;
grant check_team to check_app with admin option;
-- names: role check_app

-- clean:
create role check_team nologin;
grant check_team to check_app;
