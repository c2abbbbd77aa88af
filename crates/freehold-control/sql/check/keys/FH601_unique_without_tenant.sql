-- A unique constraint counts across tenants
-- severity: medium
-- covers: pitfall 10, 12; pgrls SEC035
-- source: PostgreSQL, chapter "Row Security Policies": unique constraints bypass row security, and can be used to learn of values
-- why: An insert of a value that some other tenant has fails, and one that nobody has does not: any tenant can ask whether an
--      e-mail address, a name or a number is in use elsewhere. Two tenants cannot both use it, either.
with found as (
    select t.oid, t.name, t.tenant_column, i.indexrelid as index, k.conname as constraint,
           pg_get_indexdef(i.indexrelid) as index_definition, pg_get_constraintdef(k.oid) as constraint_definition,
           exists (select from pg_constraint f where f.conindid = i.indexrelid and f.contype = 'f') as is_referred_to
    from tenant_tables t
    join pg_index i on i.indrelid = t.oid and i.indisunique and not i.indisprimary and not i.indisexclusion
    left join pg_constraint k on k.conindid = i.indexrelid and k.contype = 'u'
    -- An index of a partition is its parent's.
    where not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
      -- The columns of an expression are not in indkey; included columns are, and do not count.
      and not exists (
          select from generate_series(1, i.indnkeyatts) as n
          where pg_get_indexdef(i.indexrelid, n, true) ~ ('\m' || t.tenant_column || '\M'))
      and coalesce(pg_get_expr(i.indpred, i.indrelid) !~ ('\m' || t.tenant_column || '\M'), true)
      -- Nobody guesses a random uuid.
      and exists (
          select from generate_series(0, i.indnkeyatts - 1) as n
          left join pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[n]
          where a.atttypid is distinct from 'uuid'::regtype)
)
select format('index %s on %s', f.index::regclass, f.name) as object,
       format('it is unique without %I', f.tenant_column) as why,
       case when f.is_referred_to then format('-- first put %I into the foreign keys that refer to it, then into the constraint', f.tenant_column)
            when f.constraint is not null
            then format('alter table %s drop constraint %I, add constraint %2$I %3$s', f.name, f.constraint,
                        regexp_replace(f.constraint_definition, '\(', format('(%I, ', f.tenant_column)))
            else format('drop index %s; %s', f.index::regclass,
                        regexp_replace(replace(f.index_definition, ' ON ONLY ', ' ON '), ' USING btree \(',
                                       format(' USING btree (%I, ', f.tenant_column))) end as fix
from found f

-- fault:
alter table app.projects add constraint project_names unique nulls not distinct (name);
-- names: index app.project_names on app.projects

-- fault:
create unique index lower_names on app.projects (lower(name)) include (tenant_id) where name <> '';
-- names: index app.lower_names

-- fault:
alter table app.projects add constraint numbered unique (name, id);
create table app.badges (tenant_id uuid not null references app.tenants, name text not null, project_id uuid not null,
    primary key (tenant_id, name), foreign key (name, project_id) references app.projects (name, id));
-- names: index app.numbered

-- clean:
create unique index lower_names on app.projects (tenant_id, lower(name));
create unique index by_id on app.projects (id);
alter table app.events add constraint once unique (tenant_id, at, what);
