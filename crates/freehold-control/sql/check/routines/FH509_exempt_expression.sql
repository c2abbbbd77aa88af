-- A default, constraint or index reads tenant tables with the rights of a role that policies do not hold
-- severity: medium
-- covers: pitfall 9
-- source: PostgreSQL, CREATE TABLE: DEFAULT, GENERATED, CHECK; CREATE INDEX: expressions
-- why: The expression is computed for whoever writes a row, by a function that runs as a role no policy holds: an insert that works
--      or fails, or the value it leaves, tells about rows of other tenants.
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
),
expressions as (
    select 'pg_attrdef'::regclass as class, d.oid, d.adrelid as relation, format('default of column %I', a.attname) as what
    from pg_attrdef d join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
    union all
    select 'pg_constraint'::regclass, k.oid, k.conrelid, format('constraint %I', k.conname) from pg_constraint k where k.contype = 'c'
    union all
    select 'pg_class'::regclass, i.indexrelid, i.indrelid, format('index %s', i.indexrelid::regclass) from pg_index i
)
select format('%s on %s', e.what, t.name) as object,
       format('%s is SECURITY DEFINER, names %s, and %s, its owner, is exempt there', f.name, n.example, f.owner::regrole) as why,
       format('alter routine %s security invoker', f.name) as fix
from expressions e
join tenant_tables t on t.oid = e.relation
join pg_depend d on d.classid = e.class and d.objid = e.oid and d.refclassid = 'pg_proc'::regclass
join routines f on f.oid = d.refobjid
join named n on n.routine = f.oid

-- fault:
create function app.next_number() returns bigint language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select count(*) + 1 from app.notes $$;
alter table app.notes add column number bigint default app.next_number();
-- names: default of column number on app.notes

-- fault:
create function app.is_known(project uuid) returns boolean language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select exists (select from app.projects p where p.id = project) $$;
alter table app.notes add constraint known check (app.is_known(project_id));
-- names: constraint known on app.notes

-- clean:
create function app.next_number() returns bigint language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select count(*) + 1 from app.notes where tenant_id = (select c.tenant from app.context c) $$;
alter function app.next_number() owner to check_owner;
alter table app.notes add column number bigint default app.next_number();
