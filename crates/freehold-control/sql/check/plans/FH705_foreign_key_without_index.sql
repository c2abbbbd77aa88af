-- A foreign key has no index
-- severity: low
-- covers: splinter 0001
-- source: PostgreSQL, chapter "Constraints": it is often a good idea to index the referencing columns too
-- why: Each delete or change of a row that is referred to reads the whole table, the rows of all tenants, and holds locks for as
--      long: removing one tenant's data stalls the others.
select format('foreign key %I on %s', k.conname, t.name) as object,
       format('no index begins with %s', c.list) as why,
       format('create index on %s (%s)', t.name, c.list) as fix
from tenant_tables t
join pg_constraint k on k.conrelid = t.oid and k.contype = 'f' and k.conparentid = 0
cross join lateral (
    select string_agg(quote_ident(a.attname), ', ' order by u.n) as list
    from unnest(k.conkey) with ordinality as u(attnum, n)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
) c
-- That of the tenant alone has a finding of its own.
where k.conkey <> array[t.tenant_attnum]
  and not exists (
      select from pg_index i
      where i.indrelid = t.oid and i.indisvalid
        -- Rows without a value refer to nothing.
        and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~ '^\(\w+ IS NOT NULL\)$')
        and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)

-- fault:
drop index app.notes_by_project;
-- names: on app.notes

-- fault:
create table app.countries (code text not null primary key);
create table app.steps (tenant_id uuid not null references app.tenants, id uuid not null, country text references app.countries,
    primary key (tenant_id, id));
-- names: foreign key steps_country_fkey on app.steps

-- clean:
create table app.steps (tenant_id uuid not null references app.tenants, id uuid not null, project uuid, primary key (tenant_id, id),
    foreign key (tenant_id, project) references app.projects);
create index on app.steps (project, tenant_id, id) where project is not null;
alter table app.steps owner to check_owner;
select app.protect('app.steps');
