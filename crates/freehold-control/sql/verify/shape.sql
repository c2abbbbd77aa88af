-- The shape of placements ($1), object by object: what migrations made of them, and what somebody changed beside migrations.
-- Names of placements are left out, so that equal shapes read the same, whatever their model.
with
placements as (
    select n.oid, n.nspname as id from pg_namespace n where n.nspname = any ($1)
),
relations as (
    select p.id as placement, c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity,
           c.relpersistence, c.reloptions, c.relpartbound
    from placements p join pg_class c on c.relnamespace = p.oid
    where c.relkind in ('r', 'p', 'v', 'm', 'S')
),
shape(placement, object, definition) as (
    select placement, 'relation ' || relname,
           concat_ws(' ', 'kind', relkind, 'owner', relowner::regrole, 'persistence', relpersistence, 'row security', relrowsecurity,
                     relforcerowsecurity, array_to_string(reloptions, ','), pg_get_expr(relpartbound, oid),
                     case when relkind in ('v', 'm') then pg_get_viewdef(oid) end)
    from relations
    union all
    select r.placement, format('grant on %s to %s', r.relname, coalesce(nullif(a.grantee, 0)::regrole::text, 'public')),
           string_agg(a.privilege_type || case when a.is_grantable then ' with grant option' else '' end, ', ' order by a.privilege_type)
    from relations r cross join lateral aclexplode(r.relacl) a
    group by r.placement, r.relname, a.grantee
    union all
    select r.placement, format('column %s.%s', r.relname, a.attname),
           concat_ws(' ', format_type(a.atttypid, a.atttypmod), case when a.attnotnull then 'not null' end,
                     nullif(nullif(a.attcollation, 0), 'pg_catalog."default"'::regcollation)::regcollation, 'identity ' || nullif(a.attidentity::text, ''),
                     'generated ' || nullif(a.attgenerated::text, ''), 'default ' || pg_get_expr(d.adbin, d.adrelid))
    from relations r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where r.relkind in ('r', 'p')
    union all
    select r.placement, format('constraint %s of %s', c.conname, r.relname),
           pg_get_constraintdef(c.oid) || case when c.convalidated then '' else ' (not validated)' end
    from relations r join pg_constraint c on c.conrelid = r.oid
    -- From PostgreSQL 18 on these are rows as well; the columns say it already.
    where c.contype <> 'n'
    union all
    select r.placement, format('index %s of %s', i.indexrelid::regclass, r.relname),
           pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end
    from relations r join pg_index i on i.indrelid = r.oid
    union all
    select r.placement, format('policy %s of %s', p.polname, r.relname),
           concat_ws(' ', p.polcmd, case when p.polpermissive then 'permissive' else 'restrictive' end, p.polroles::text,
                     pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    from relations r join pg_policy p on p.polrelid = r.oid
    union all
    select r.placement, format('trigger %s of %s', t.tgname, r.relname), concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
    from relations r join pg_trigger t on t.tgrelid = r.oid
    where not t.tgisinternal
    union all
    select p.id, 'routine ' || f.oid::regprocedure,
           concat_ws(' ', f.proowner::regrole, array_to_string(f.proacl, ','),
                     case when f.prokind in ('f', 'p') then pg_get_functiondef(f.oid) else f.prokind::text end)
    from placements p join pg_proc f on f.pronamespace = p.oid
    union all
    select p.id, 'type ' || t.typname,
           concat_ws(' ', t.typtype, format_type(nullif(t.typbasetype, 0), t.typtypmod),
                     (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
                     (select string_agg(pg_get_constraintdef(c.oid), ' ' order by c.conname) from pg_constraint c where c.contypid = t.oid))
    from placements p join pg_type t on t.typnamespace = p.oid
    where t.typtype in ('d', 'e', 'r')
)
select placement, replace(object, placement || '.', '') as object, replace(definition, placement, 'PLACEMENT') as definition
from shape
