-- A pooler's function goes by the caller's search path
-- severity: high
-- covers: pitfall 8; pitfalls, minimum versions: PgBouncer CVE-2025-12819
-- source: CVE-2025-12819; PgBouncer, auth_query
-- why: A pooler that tracks search_path runs its query for passwords with the path that an unknown client asks for, before it knows who that
--      is. A function that takes names from it runs what the client put there, as the function's owner.
with lookups as (
    select f.*, o.rolname as owner_name
    from routines f join pg_roles o on o.oid = f.owner
    where f.is_definer and f.body ~* '\m(pg_shadow|pg_authid)\M' and f.body ~* '\m(passwd|rolpassword)\M|\*'
      -- Others cannot read the hashes.
      and (o.rolsuper or has_table_privilege(f.owner, 'pg_authid', 'select') or has_table_privilege(f.owner, 'pg_shadow', 'select'))
)
select 'function ' || l.name as object, 'it reads password hashes, and its search_path is not pinned' as why,
       format('alter function %s set search_path = pg_catalog, pg_temp', l.name) as fix
from lookups l
where not exists (select from unnest(l.settings) s where s ~ '^search_path=')

-- fault:
create schema pgbouncer;
create function pgbouncer.get_auth(login text) returns table (username name, hash text) language sql security definer
    as 'select usename, passwd from pg_shadow where usename = login';
revoke execute on function pgbouncer.get_auth(text) from public;
-- names: function pgbouncer.get_auth(text)

-- clean:
create schema pgbouncer authorization check_owner;
create function pgbouncer.get_auth(login text) returns table (username name, hash text) language sql security definer
    set search_path = pg_catalog, pg_temp as 'select usename, passwd from pg_shadow where usename = login';
revoke execute on function pgbouncer.get_auth(text) from public;
