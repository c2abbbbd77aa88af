-- A SECURITY DEFINER function leaves search_path to its caller
-- severity: high
-- covers: pitfall 8; splinter 0011; pgrls SEC015
-- source: PostgreSQL, CREATE FUNCTION: Writing SECURITY DEFINER Functions Safely; CVE-2018-1058
-- why: The caller says what the names in the function mean: he points them at objects of his own, and the function uses those with
--      the rights of its owner.
select f.name as object, 'it is SECURITY DEFINER, applications reach it, and it sets no search_path' as why,
       format('alter routine %s set search_path = pg_catalog, %I, pg_temp', f.name, f.schema) as fix
from routines f
where f.is_definer and f.language not in ('c', 'internal')
  -- Names in a body of the SQL standard's form were bound when it was made.
  and pg_get_function_sqlbody(f.oid) is null
  and not exists (select from unnest(f.settings) as c where c ~ '^search_path=')
  and (exists (select from pg_trigger g where g.tgfoid = f.oid and not g.tgisinternal and g.tgrelid in (select oid from relations))
       or f.returns not in ('trigger'::regtype, 'event_trigger'::regtype)
          and exists (select from reachable r join pg_roles c on c.oid = r.role and not c.rolsuper
                      where r.role <> f.owner and has_function_privilege(r.role, f.oid, 'execute')
                        and has_schema_privilege(r.role, f.schema::text, 'usage')))

-- fault:
create function app.count_projects() returns bigint language sql security definer as $$ select count(*) from app.projects $$;
alter function app.count_projects() owner to check_owner;
-- names: app.count_projects()

-- fault:
create function app.stamp() returns trigger language plpgsql security definer as $$ begin return new; end $$;
create trigger stamp before insert on app.notes for each row execute function app.stamp();
-- names: app.stamp()

-- clean:
create function app.count_projects() returns bigint language sql security definer set search_path = pg_catalog, app, pg_temp
    as $$ select count(*) from projects $$;
alter function app.count_projects() owner to check_owner;
create function app.tidy() returns void language sql security definer as $$ select 1 $$;
revoke execute on function app.tidy() from public;
