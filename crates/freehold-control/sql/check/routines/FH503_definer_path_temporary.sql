-- A SECURITY DEFINER function searches the caller's temporary tables first
-- severity: medium
-- covers: pitfall 8; pgrls SEC015
-- source: PostgreSQL, CREATE FUNCTION: Writing SECURITY DEFINER Functions Safely; search_path
-- why: Unless pg_temp is named at the end, it is searched before everything, so a caller's temporary table takes the place of a
--      real one, and the function reads or fills it with the rights of its owner.
select f.name as object, format('its search_path is %s', p.path) as why,
       format('alter routine %s set search_path = %s, pg_temp', f.name,
              (select string_agg(format('%I', i.item), ', ' order by i.at)
               from unnest(p.items) with ordinality as i(item, at) where i.item <> 'pg_temp')) as fix
from routines f
cross join lateral (select substr(c, 13) as path from unnest(f.settings) as c where c ~ '^search_path=') s
cross join lateral (select s.path, regexp_split_to_array(replace(btrim(s.path), '"', ''), '\s*,\s*') as items) p
where f.is_definer and f.language not in ('c', 'internal') and pg_get_function_sqlbody(f.oid) is null
  and p.items[cardinality(p.items)] <> 'pg_temp'
  -- A path of nothing else has every other name written in full.
  and not p.items <@ array['', 'pg_catalog', 'pg_temp']
  and exists (select from reachable r join pg_roles c on c.oid = r.role and not c.rolsuper
              where r.role <> f.owner and has_database_privilege(r.role, current_database(), 'temporary')
                and (f.returns = 'trigger'::regtype
                     or has_function_privilege(r.role, f.oid, 'execute') and has_schema_privilege(r.role, f.schema::text, 'usage')))

-- fault:
do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$;
create function app.count_projects() returns bigint language sql security definer set search_path = app, public
    as $$ select count(*) from projects $$;
alter function app.count_projects() owner to check_owner;
-- names: app.count_projects()

-- clean:
create function app.count_projects() returns bigint language sql security definer set search_path = app, pg_temp
    as $$ select count(*) from projects $$;
create function app.count_events() returns bigint language sql security definer set search_path = ''
    as $$ select count(*) from app.events $$;
alter function app.count_projects() owner to check_owner;
alter function app.count_events() owner to check_owner;
