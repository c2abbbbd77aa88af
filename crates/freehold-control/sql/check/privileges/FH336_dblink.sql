-- Applications may open connections from within the database
-- severity: medium
-- covers: pitfall 29
-- source: PostgreSQL, chapter "dblink": the functions are granted to PUBLIC
-- why: dblink carries any SQL to any server the database reaches, under another role than the one that policies were made for, and
--      in a transaction of its own.
select format('functions of dblink in schema %s', p.pronamespace::regnamespace) as object,
       'applications may execute them, such as ' || min(p.oid::regprocedure::text) as why,
       string_agg(distinct format('revoke execute on function %s from %s', p.oid::regprocedure,
                                  coalesce(nullif(x.grantee, 0)::regrole::text, 'public')), '; ') as fix
from pg_proc p
join pg_language l on l.oid = p.prolang and l.lanname = 'c'
cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
where p.proname in ('dblink', 'dblink_exec', 'dblink_connect', 'dblink_connect_u', 'dblink_open', 'dblink_send_query')
  and x.grantee <> p.proowner and (x.grantee = 0 or x.grantee in (select role from reachable))
  and exists (select from reachable r where has_schema_privilege(r.role, p.pronamespace, 'usage') and r.role <> p.proowner)
group by p.pronamespace

-- fault:
create function app.dblink_exec(text, text) returns text language c as '$libdir/plpgsql', 'plpgsql_validator';
-- names: functions of dblink in schema app

-- clean:
create schema check_hidden;
create function check_hidden.dblink_exec(text, text) returns text language c as '$libdir/plpgsql', 'plpgsql_validator';
revoke execute on function check_hidden.dblink_exec(text, text) from public;
