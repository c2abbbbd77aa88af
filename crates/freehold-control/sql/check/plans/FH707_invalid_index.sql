-- An index is invalid
-- severity: low
-- covers: -
-- source: PostgreSQL, CREATE INDEX: "Building Indexes Concurrently"
-- why: Its building failed: no query uses it, every write pays for it, and if it is unique, there may be rows that it should have
--      refused. Tenants' queries may be reading whole tables since.
select format('index %s on %s', i.indexrelid::regclass, r.name) as object,
       case when x.relkind = 'I' then 'a partition lacks its part of it' else 'it was not built to the end' end as why,
       case when x.relkind = 'I'
            then format('-- create the index on each partition without it, and: alter index %s attach partition ...', i.indexrelid::regclass)
            else format('reindex index %s', i.indexrelid::regclass) end as fix
from relations r
join pg_index i on i.indrelid = r.oid and not i.indisvalid
join pg_class x on x.oid = i.indexrelid
-- One that is being built is not valid yet.
where not exists (select from pg_stat_progress_create_index b where b.index_relid = i.indexrelid)

-- fault:
create index what on only app.events (tenant_id, what);
-- names: index app.what on app.events

-- fault:
update pg_index set indisvalid = false where indexrelid = 'app.notes_by_project'::regclass;
-- names: index app.notes_by_project on app.notes

-- clean:
create index what on app.events (tenant_id, what);
