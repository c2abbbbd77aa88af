-- The application can plan jobs or send requests from the database
-- severity: medium
-- covers: pitfall 29
-- source: pg_cron; pg_net; http
-- why: A job of one login is every tenant's to see and to change, and runs later without the tenant it was made for. A request sent by
--      the server reaches what only the server reaches, and takes rows out.
select format('schema %I', n.nspname) as object,
       format('%s can be run by the application', string_agg(distinct p.proname::text, ', ' order by p.proname::text)) as why,
       format('revoke usage on schema %I from %s', n.nspname,
              (select string_agg(distinct coalesce(nullif(x.grantee, 0)::regrole::text, 'public'), ', ') from aclexplode(n.nspacl) x
               where x.grantee <> n.nspowner and (x.grantee = 0 or x.grantee in (select role from reachable)))) as fix
from pg_namespace n
join pg_proc p on p.pronamespace = n.oid
where (n.nspname, p.proname) in (('cron', 'schedule'), ('cron', 'schedule_in_database'), ('cron', 'alter_job'),
                                 ('net', 'http_get'), ('net', 'http_post'), ('net', 'http_delete'), ('http', 'http'), ('http', 'http_get'))
  and exists (select from reachable a where has_schema_privilege(a.role, n.oid, 'usage') and has_function_privilege(a.role, p.oid, 'execute'))
group by n.oid, n.nspname, n.nspowner, n.nspacl

-- fault:
create schema cron;
create function cron.schedule(schedule text, command text) returns bigint language sql set search_path = pg_catalog, pg_temp as 'select 1';
grant usage on schema cron to check_app;
-- names: schema cron

-- clean:
create schema cron authorization check_owner;
create function cron.schedule(schedule text, command text) returns bigint language sql set search_path = pg_catalog, pg_temp as 'select 1';
alter function cron.schedule(text, text) owner to check_owner;
revoke execute on function cron.schedule(text, text) from public;
