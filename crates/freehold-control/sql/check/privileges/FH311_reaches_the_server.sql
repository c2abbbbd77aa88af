-- An application reads or writes the server's files, or runs programs there
-- severity: critical
-- covers: pitfall 29
-- source: PostgreSQL, chapter "Predefined Roles": they can be used to become a superuser
-- why: The files of the server are the rows of every tenant, and who writes them or runs programs is a superuser soon.
select distinct format('role %s', r.app::regrole) as object, format('it is a member of %s', m.roleid::regrole) as why,
       format('revoke %s from %s', m.roleid::regrole, m.member::regrole) as fix
from reachable r
join app_roles a on a.oid = r.app
join pg_auth_members m on m.member = r.role
join pg_roles p on p.oid = m.roleid and p.rolname in ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
where a.configured
   or a.oid in (select e.app from reachable e join grants g on g.grantee = e.role join tenant_tables t on t.oid = g.relation
                where g.privilege in ('INSERT', 'UPDATE', 'DELETE'))

-- fault:
grant pg_execute_server_program to check_app;
-- names: role check_app

-- clean:
set local freehold_check.roles = '';
create role check_loader login;
grant pg_read_server_files to check_loader;
