-- Applications may call functions that reach the server's files
-- severity: critical
-- covers: pitfall 29
-- source: PostgreSQL, chapter "Generic File Access Functions"; chapter "Large Objects": Server-Side Functions
-- why: These functions read or write files as the server does, and the files are the rows of every tenant. PostgreSQL gives them to
--      superusers alone; somebody granted them.
select distinct p.oid::regprocedure::text as object, format('%s may execute it', coalesce(nullif(x.grantee, 0)::regrole::text, 'everybody')) as why,
       format('revoke execute on function pg_catalog.%s from %s', p.oid::regprocedure, coalesce(nullif(x.grantee, 0)::regrole::text, 'public')) as fix
from pg_proc p
cross join lateral aclexplode(p.proacl) x
where p.pronamespace = 'pg_catalog'::regnamespace
  and p.proname in ('pg_read_file', 'pg_read_binary_file', 'pg_stat_file', 'pg_ls_dir', 'lo_import', 'lo_export', 'pg_read_file_old')
  and x.grantee <> p.proowner and (x.grantee = 0 or x.grantee in (select role from reachable))

-- fault:
grant execute on function pg_catalog.pg_read_file(text) to check_app;
-- names: pg_read_file(text)

-- clean:
create role check_operator login;
grant execute on function pg_catalog.pg_ls_dir(text) to check_operator;
