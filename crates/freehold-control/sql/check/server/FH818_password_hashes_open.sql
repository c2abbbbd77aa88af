-- Password hashes can be read through a pooler's function
-- severity: critical
-- covers: pitfall 29, 31
-- source: PgBouncer, auth_query; PostgreSQL, pg_authid
-- why: Functions can be run by everybody until that is revoked. This one gives out the hashes of any login, superusers among them, to be
--      guessed at leisure; the pooler's own login is the only one that needs it.
with lookups as (
    select f.*, o.rolname as owner_name
    from routines f join pg_roles o on o.oid = f.owner
    where f.is_definer and f.body ~* '\m(pg_shadow|pg_authid)\M' and f.body ~* '\m(passwd|rolpassword)\M|\*'
      -- Others cannot read the hashes.
      and (o.rolsuper or has_table_privilege(f.owner, 'pg_authid', 'select') or has_table_privilege(f.owner, 'pg_shadow', 'select'))
)
select 'function ' || l.name as object, format('it reads password hashes as %s, and can be run by %s',
              l.owner_name, string_agg(distinct g.grantee, ', ')) as why,
       format('revoke execute on function %s from %s', l.name, string_agg(distinct g.grantee, ', ')) as fix
from lookups l
cross join lateral (
    select coalesce(nullif(x.grantee, 0)::regrole::text, 'public') as grantee
    from aclexplode(l.acl) x
    where x.grantee = 0 and exists (select from app_roles a where has_schema_privilege(a.oid, l.schema, 'usage'))
       -- The login of the pooler is there for it.
       or x.grantee <> l.owner and x.grantee in (select role from reachable)
          and x.grantee::regrole::text !~* '(bouncer|pooler|pgcat|odyssey|supavisor)'
) as g
group by l.oid, l.name, l.owner_name

-- fault:
create schema pgbouncer;
create function pgbouncer.user_lookup(in login text, out usename name, out passwd text) returns record language sql security definer
    set search_path = pg_catalog, pg_temp as 'select s.usename, s.passwd from pg_catalog.pg_shadow s where s.usename = login';
grant usage on schema pgbouncer to public;
-- names: function pgbouncer.user_lookup(text)

-- clean:
create schema pgbouncer authorization check_owner;
create role check_pgbouncer nologin;
create function pgbouncer.user_lookup(in login text, out usename name, out passwd text) returns record language sql security definer
    set search_path = pg_catalog, pg_temp as 'select s.usename, s.passwd from pg_catalog.pg_shadow s where s.usename = login';
revoke execute on function pgbouncer.user_lookup(text) from public;
grant usage on schema pgbouncer to check_pgbouncer;
grant execute on function pgbouncer.user_lookup(text) to check_pgbouncer;
