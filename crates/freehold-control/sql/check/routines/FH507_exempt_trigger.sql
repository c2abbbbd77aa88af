-- A trigger goes through tenant tables with the rights of a role that policies do not hold
-- severity: medium
-- covers: pitfall 9; pgrls SEC013
-- source: PostgreSQL, CREATE TRIGGER; CREATE FUNCTION: SECURITY DEFINER
-- why: The trigger's function runs as its owner, whom no policy holds, and its text never mentions the tenant column: what one
--      tenant writes changes or reads rows of others.
with named as (
    -- The owner of the routine is exempt on a tenant table that its text names, and nothing in the text asks who is asking.
    select f.oid as routine, min(t.name) as example
    from routines f
    join pg_roles o on o.oid = f.owner
    join tenant_tables t on o.rolsuper or o.rolbypassrls or not t.forced and pg_has_role(f.owner, t.owner, 'usage')
    join pg_class c on c.oid = t.oid and strpos(lower(f.body), lower(c.relname)) > 0
         and f.body ~* ('\m' || regexp_replace(c.relname, '(\W)', '\\\1', 'g') || '\M')
    where f.is_definer and f.oid not in (select oid from context_sources)
    group by f.oid
)
select format('trigger %I on %s', g.tgname, t.name) as object,
       format('%s is SECURITY DEFINER, names %s without its tenant column, and %s, its owner, is exempt there',
              f.name, n.example, f.owner::regrole) as why,
       format('alter routine %s security invoker', f.name) as fix
from pg_trigger g
join tenant_tables t on t.oid = g.tgrelid
join routines f on f.oid = g.tgfoid
join named n on n.routine = f.oid
where not g.tgisinternal and g.tgparentid = 0 and f.body !~ ('\m' || t.tenant_column || '\M')

-- fault:
create function app.touch() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$ begin update app.projects set name = new.text where id = new.project_id; return new; end $$;
create trigger touch after insert on app.notes for each row execute function app.touch();
-- names: trigger touch on app.notes

-- clean:
create function app.touch() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$ begin update app.projects set name = new.text where tenant_id = new.tenant_id and id = new.project_id; return new; end $$;
create trigger touch after insert on app.notes for each row execute function app.touch();
