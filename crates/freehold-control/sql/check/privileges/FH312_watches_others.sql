-- An application watches or disturbs the sessions of others
-- severity: medium
-- covers: pitfall 18; pitfall 19; pitfall 54
-- source: PostgreSQL, chapter "Predefined Roles"
-- why: Statistics and the texts of running queries show what other tenants do, values included. Ending their sessions, or
--      maintaining and subscribing, lets one tenant stop the rest.
select distinct format('role %s', r.app::regrole) as object, format('it is a member of %s', m.roleid::regrole) as why,
       format('revoke %s from %s', m.roleid::regrole, m.member::regrole) as fix
from reachable r
join app_roles a on a.oid = r.app
join pg_auth_members m on m.member = r.role
join pg_roles n on n.oid = m.member and n.rolname !~ '^pg_'
join pg_roles p on p.oid = m.roleid
where p.rolname in ('pg_monitor', 'pg_read_all_stats', 'pg_read_all_settings', 'pg_stat_scan_tables', 'pg_signal_backend', 'pg_checkpoint',
                    'pg_maintain', 'pg_create_subscription', 'pg_signal_autovacuum_worker')
  and (a.configured
       or a.oid in (select e.app from reachable e join grants g on g.grantee = e.role join tenant_tables t on t.oid = g.relation
                    where g.privilege in ('INSERT', 'UPDATE', 'DELETE')))

-- fault:
grant pg_monitor to check_app;
-- names: role check_app

-- fault:
grant pg_signal_backend to check_app;
-- names: role check_app

-- clean:
set local freehold_check.roles = '';
create role check_monitor login;
grant pg_monitor to check_monitor;
