-- Applications may call a function in an untrusted language
-- severity: high
-- covers: pitfall 29
-- source: PostgreSQL, CREATE LANGUAGE: TRUSTED
-- why: Nothing keeps code in such a language within the database: it can read the server's files and memory, which are every
--      tenant's. Extensions are left out.
select f.name as object, format('its language is %s', f.language) as why,
       format('revoke execute on routine %s from public%s', f.name,
              (select string_agg(', ' || x.grantee::regrole, '') from (select distinct e.grantee from aclexplode(f.acl) e
               where e.grantee in (select role from reachable) and e.grantee <> f.owner) x)) as fix
from routines f
join pg_language l on l.lanname = f.language
where not l.lanpltrusted and f.language not in ('internal', 'sql')
  and f.returns not in ('trigger'::regtype, 'event_trigger'::regtype, 'language_handler'::regtype, 'fdw_handler'::regtype)
and exists (select from reachable r join pg_roles c on c.oid = r.role and not c.rolsuper
              where r.role <> f.owner and has_function_privilege(r.role, f.oid, 'execute') and has_schema_privilege(r.role, f.schema::text, 'usage'))

-- fault:
create function app.peek(oid) returns void language c as '$libdir/plpgsql', 'plpgsql_validator';
-- names: app.peek(oid)

-- clean:
create function app.peek(oid) returns void language c as '$libdir/plpgsql', 'plpgsql_validator';
revoke execute on function app.peek(oid) from public;
