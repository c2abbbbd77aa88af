-- A function in policies forbids parallel plans
-- severity: low
-- covers: -
-- source: PostgreSQL, chapter "Parallel Safety"
-- why: Every query on the tables of these policies runs in one process, however large they are. Functions are unsafe for parallel
--      plans unless they say otherwise.
select r.name as object,
       format('it is parallel unsafe, and %s %s', string_agg(distinct p.relation::regclass::text, ', '),
              case when count(distinct p.relation) = 1 then 'asks it' else 'ask it' end) as why,
       case when r.language in ('sql', 'plpgsql')
                 and r.body !~* '\m(insert|update|delete|merge|truncate|execute|call|exception\s+when)\M'
                 -- What it calls may be unsafe, too.
                 and not exists (select from regexp_matches(r.body, '(\w+)\s*\(', 'g') m
                                 join pg_proc x on x.proname = lower(m[1]) and x.proparallel <> 's')
            then format('alter function %s parallel safe', r.name)
            else format('-- if all it calls is safe: alter function %s parallel safe', r.name) end as fix
from routines r
join pg_proc f on f.oid = r.oid and f.proparallel = 'u'
join pg_depend d on d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_proc'::regclass and d.refobjid = r.oid
join policies p on p.oid = d.objid and p.command in ('r', '*')
-- Small tables are read in one process anyway.
where (select sum(c.relpages) from pg_class c
       where c.oid = p.relation or c.oid in (select l.relid from pg_partition_tree(p.relation) l where l.isleaf))
      * current_setting('block_size')::bigint >= pg_size_bytes(current_setting('min_parallel_table_scan_size'))
group by r.oid, r.name, r.language, r.body

-- fault:
create function app.tenant() returns uuid language sql stable as $$ select current_setting('app.tenant_id')::uuid $$;
create policy mine on app.notes as restrictive for select using (tenant_id = (select app.tenant()));
update pg_class set relpages = 5000 where oid = 'app.notes'::regclass;
-- names: app.tenant()

-- clean:
create function app.tenant() returns uuid language sql stable parallel safe set search_path = pg_catalog, pg_temp
    as $$ select c.tenant from app.context c $$;
create policy mine on app.notes as restrictive for select using (tenant_id = (select app.tenant()));
