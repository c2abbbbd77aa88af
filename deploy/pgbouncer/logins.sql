-- Lets PgBouncer ask for the verifiers of Freehold's logins and of no others. A superuser runs it in the data database and in
-- its template (freehold_data_template), of which tenants' own databases are copies; the last line of it, which the
-- copy of a database leaves out, in each tenant's own database too. The role is made once:
--   create role pgbouncer login password '...';
create schema if not exists pgbouncer;
create or replace function pgbouncer.logins(wanted text) returns table (usename name, passwd text)
language sql security definer set search_path = pg_catalog, pg_temp
as $$ select usename, passwd from pg_catalog.pg_shadow where usename = wanted and (usename = 'freehold_app' or usename ~ '^t_') $$;
revoke all on function pgbouncer.logins(text) from public;
grant usage on schema pgbouncer to pgbouncer;
grant execute on function pgbouncer.logins(text) to pgbouncer;
do $$ begin execute format('grant connect on database %I to pgbouncer', current_database()); end $$;
