-- What each schema is made of, as one digest without its name: schemas that a migration made are alike. Everything that a rule looks at
-- has to be in it, so that a schema with something else in it is one of its own.
with places as materialized (
    select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'freehold')
),
lines as (
    select n.oid as schema, format('schema %s %s', n.nspowner::regrole, n.nspacl) as line
    from pg_namespace n
    where n.oid in (select oid from places)
    union all
    select c.relnamespace, format('relation %s %s %s %s %s %s %s %s %s', c.relname, c.relkind, c.relowner::regrole, c.relacl, c.relrowsecurity,
                                  c.relforcerowsecurity, c.relispartition, c.reloptions, pg_get_expr(c.relpartbound, c.oid))
    from pg_class c
    where c.relnamespace in (select oid from places)
    union all
    select c.relnamespace, format('column %s.%s %s %s %s %s %s %s %s', c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                                  a.attidentity, a.attgenerated, a.attacl, pg_get_expr(d.adbin, d.adrelid))
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace in (select oid from places) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
    union all
    select k.connamespace, format('constraint %s on %s %s %s', k.conname, k.conrelid::regclass, k.convalidated, pg_get_constraintdef(k.oid))
    from pg_constraint k
    where k.connamespace in (select oid from places)
    union all
    select c.relnamespace, format('index %s %s %s', i.indisvalid, i.indisready, pg_get_indexdef(i.indexrelid))
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where c.relnamespace in (select oid from places)
    union all
    select c.relnamespace, format('policy %s on %s %s %s %s %s %s', p.polname, c.relname, p.polcmd, p.polpermissive, p.polroles::regrole[],
                                  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    from pg_policy p join pg_class c on c.oid = p.polrelid
    where c.relnamespace in (select oid from places)
    union all
    select c.relnamespace, format('trigger on %s %s %s', c.relname, t.tgenabled, pg_get_triggerdef(t.oid))
    from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace in (select oid from places) and not t.tgisinternal
    union all
    select c.relnamespace, format('rule on %s %s %s', c.relname, r.ev_enabled, pg_get_ruledef(r.oid))
    from pg_rewrite r join pg_class c on c.oid = r.ev_class
    where c.relnamespace in (select oid from places)
    union all
    select c.relnamespace, format('%s below %s', c.relname, i.inhparent::regclass)
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where c.relnamespace in (select oid from places)
    union all
    select c.relnamespace, format('%s in publication %s %s %s', c.relname, p.pubname, r.prattrs, pg_get_expr(r.prqual, r.prrelid))
    from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_publication p on p.oid = r.prpubid
    where c.relnamespace in (select oid from places)
    union all
    select s.pnnspid, format('in publication %s', p.pubname)
    from pg_publication_namespace s join pg_publication p on p.oid = s.pnpubid
    where s.pnnspid in (select oid from places)
    union all
    select f.pronamespace, format('routine %s %s %s %s %s %s %s %s %s %s', f.oid::regprocedure, f.proowner::regrole, f.prosecdef, f.proleakproof, f.provolatile,
                                  f.proparallel, f.proconfig, f.proacl, f.prolang, coalesce(pg_get_function_sqlbody(f.oid), f.prosrc))
    from pg_proc f
    where f.pronamespace in (select oid from places)
    union all
    select t.typnamespace, format('type %s %s %s %s', t.typname, t.typtype, t.typowner::regrole, t.typacl)
    from pg_type t
    where t.typnamespace in (select oid from places)
    union all
    select o.oprnamespace, format('operator %s %s %s', o.oid::regoperator, o.oprowner::regrole, o.oprcode)
    from pg_operator o
    where o.oprnamespace in (select oid from places)
    union all
    select d.defaclnamespace, format('defaults %s %s %s', d.defaclrole::regrole, d.defaclobjtype, d.defaclacl)
    from pg_default_acl d
    where d.defaclnamespace in (select oid from places)
    union all
    select s.stxnamespace, format('statistics %s %s', s.stxname, s.stxowner::regrole)
    from pg_statistic_ext s
    where s.stxnamespace in (select oid from places)
)
select n.nspname::text as schema, md5(string_agg(replace(l.line, n.nspname, '~'), e'\n' order by replace(l.line, n.nspname, '~') collate "C")) as digest
from places n join lines l on l.schema = n.oid
group by n.nspname
order by n.nspname
