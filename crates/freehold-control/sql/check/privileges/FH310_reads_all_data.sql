-- An application reads or writes every table
-- severity: high
-- covers: pitfall 29
-- source: PostgreSQL, chapter "Predefined Roles": pg_read_all_data, pg_write_all_data
-- why: The role makes every grant idle. Policies still hold, but not every table has them: keys, tokens and the tables of tomorrow
--      are open.
select distinct format('role %s', r.app::regrole) as object, format('it is a member of %s', m.roleid::regrole) as why,
       format('revoke %s from %s', m.roleid::regrole, m.member::regrole) as fix
from reachable r
join app_roles a on a.oid = r.app
join pg_auth_members m on m.member = r.role
join pg_roles p on p.oid = m.roleid and p.rolname in ('pg_read_all_data', 'pg_write_all_data')
where a.configured
   -- Who only reads is a backup or a report.
   or a.oid in (select e.app from reachable e join grants g on g.grantee = e.role join tenant_tables t on t.oid = g.relation
                where g.privilege in ('INSERT', 'UPDATE', 'DELETE'))

-- fault:
grant pg_read_all_data to check_app;
-- names: role check_app

-- fault:
set local freehold_check.roles = '';
create role check_team nologin;
grant check_team to check_app;
grant pg_write_all_data to check_team;
-- names: role check_app

-- clean:
set local freehold_check.roles = '';
create role check_backup login;
grant pg_read_all_data to check_backup;
