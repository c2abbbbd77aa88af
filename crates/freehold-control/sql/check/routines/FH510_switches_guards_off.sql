-- A function that applications may call switches guards off
-- severity: high
-- covers: pitfall 42
-- source: PostgreSQL, session_replication_role; row_security
-- why: While it runs with session_replication_role no trigger and no foreign key keeps tenants apart; with row_security off it was
--      written to go round policies, and does where its owner is exempt.
select f.name as object,
       case when f.body ~* '\msession_replication_role\M' or f.settings::text ~ 'session_replication_role='
            then 'it is SECURITY DEFINER and sets session_replication_role'
            else 'it is SECURITY DEFINER and sets row_security' end as why,
       format('revoke execute on routine %s from public%s', f.name,
              (select string_agg(', ' || x.grantee::regrole, '') from (select distinct e.grantee from aclexplode(f.acl) e
               where e.grantee in (select role from reachable) and e.grantee <> f.owner) x)) as fix
from routines f
where f.is_definer
  and (exists (select from unnest(f.settings) as c where c ~ '^session_replication_role=(replica|local)$' or c ~ '^row_security=(off|false|no|0)$')
       or f.body ~* '\mset\s+(local\s+|session\s+)?session_replication_role\M'
       or f.body ~* '\mset\s+(local\s+|session\s+)?row_security\s*(=|to)\s*''?(off|false)'
       or f.body ~* '\mset_config\s*\(\s*''(session_replication_role|row_security)''')
and exists (select from reachable r join pg_roles c on c.oid = r.role and not c.rolsuper
              where r.role <> f.owner and has_function_privilege(r.role, f.oid, 'execute') and has_schema_privilege(r.role, f.schema::text, 'usage'))

-- fault:
create function app.load() returns void language plpgsql security definer set search_path = pg_catalog, pg_temp
    set session_replication_role = replica as $$ begin insert into app.keys values ('x'); end $$;
-- names: app.load()

-- fault:
create function app.report() returns bigint language sql security definer set search_path = pg_catalog, pg_temp set row_security = off
    as $$ select count(*) from app.projects $$;
-- names: app.report()

-- clean:
create function app.load() returns void language plpgsql security definer set search_path = pg_catalog, pg_temp
    set session_replication_role = replica as $$ begin insert into app.keys values ('x'); end $$;
revoke execute on function app.load() from public;
