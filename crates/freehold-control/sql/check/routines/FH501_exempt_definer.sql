-- A function reads tenant tables with the rights of a role that policies do not hold
-- severity: high
-- covers: pitfall 8; splinter 0028; splinter 0029; pgrls SEC014; pgrls SEC042
-- source: PostgreSQL, CREATE FUNCTION: SECURITY DEFINER; chapter "Row Security Policies"
-- why: The function runs as its owner, whom no policy holds on the table, applications may call it, and it does not ask who is
--      asking: what it returns or writes is any tenant's.
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
select f.name as object,
       format('it is SECURITY DEFINER, names %s, and %s, its owner, is exempt there', n.example, f.owner::regrole) as why,
       format('alter routine %s security invoker', f.name) as fix
from routines f
join named n on n.routine = f.oid
where f.returns not in ('trigger'::regtype, 'event_trigger'::regtype) and f.language <> 'c'
and exists (select from reachable r join pg_roles c on c.oid = r.role and not c.rolsuper
              where r.role <> f.owner and has_function_privilege(r.role, f.oid, 'execute') and has_schema_privilege(r.role, f.schema::text, 'usage'))

-- fault:
create function app.all_notes() returns setof app.notes language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select * from app.notes $$;
-- names: app.all_notes()

-- fault:
alter table app.notes no force row level security;
create function app.rename(project uuid, named text) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$ begin update app.notes set text = named where id = project; end $$;
alter function app.rename(uuid, text) owner to check_owner;
-- names: app.rename(uuid,text)

-- clean:
create function app.my_notes() returns setof app.notes language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select n.* from app.notes n where n.tenant_id = (select c.tenant from app.context c) $$;
create function app.count_notes() returns bigint language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select count(*) from app.notes $$;
alter function app.my_notes() owner to check_owner;
alter function app.count_notes() owner to check_owner;
create function app.purge() returns void language sql security definer set search_path = pg_catalog, pg_temp
    as $$ delete from app.notes $$;
revoke execute on function app.purge() from public;

-- clean:
create function app.me() returns uuid language sql stable set search_path = pg_catalog, pg_temp as $$ select c.tenant from app.context c $$;
create function app.my_own() returns uuid language sql stable set search_path = pg_catalog, pg_temp as $$ select app.me() $$;
create function app.my_notes() returns setof app.notes language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select n.* from app.notes n where n.tenant_id = app.my_own() $$;
