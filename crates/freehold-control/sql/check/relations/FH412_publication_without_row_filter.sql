-- A publication sends the rows of every tenant
-- severity: low
-- covers: pitfall 28
-- source: PostgreSQL, chapter "Logical Replication": row filters
-- why: Logical replication does not ask policies: a subscriber gets the rows of every tenant. Right for a copy of the whole; a copy for
--      one tenant needs a row filter on each table, and a publication of all tables takes in tables made later too.
select format('publication %I', p.pubname) as object,
       case when p.puballtables then 'it sends all tables, those made later too'
            else 'without a row filter it sends ' || string_agg(t.name, ', ' order by t.name) end as why,
       case when p.puballtables then format('-- unless it is for a copy of the whole: name the tables of publication %I', p.pubname)
            else format('-- unless it is for a copy of the whole: alter publication %I set table ... where (...)', p.pubname) end as fix
from pg_publication p
join pg_publication_tables x on x.pubname = p.pubname and x.rowfilter is null
join tenant_tables t on t.oid = to_regclass(format('%I.%I', x.schemaname, x.tablename))
-- Realtime asks the policies.
where p.pubname !~ '^supabase_realtime'
group by p.oid, p.pubname, p.puballtables

-- fault:
create publication check_copy for table app.notes, app.projects;
-- names: publication check_copy

-- fault:
create publication check_everything for all tables;
-- names: publication check_everything

-- clean:
create publication check_copy for table app.tenants, app.notes where (tenant_id = '00000000-0000-0000-0000-000000000001');
