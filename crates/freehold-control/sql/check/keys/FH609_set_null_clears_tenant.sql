-- A foreign key clears the tenant of the rows that refer to it
-- severity: medium
-- covers: pitfall 11
-- source: PostgreSQL 15, CREATE TABLE: ON DELETE SET NULL ( column_name [, ... ] )
-- why: When the row it refers to is deleted, all columns of the key are set, that of the tenant among them: the delete fails, or
--      rows are left that belong to nobody, past all policies.
select format('foreign key %I on %s', k.conname, t.name) as object,
       format('%s sets %I too', case when k.confupdtype in ('n', 'd') then 'an update' else 'a delete' end, t.tenant_column) as why,
       case when k.confupdtype in ('n', 'd')
            then format('-- create %I again without "on update set", which cannot be told to leave %I alone', k.conname, t.tenant_column)
            else format('alter table %s drop constraint %I, add constraint %2$I %s', t.name, k.conname,
                        regexp_replace(pg_get_constraintdef(k.oid), '(ON DELETE SET (?:NULL|DEFAULT))(?: \([^)]*\))?',
                                       format('\1 (%s)', c.list))) end as fix
from tenant_tables t
join pg_constraint k on k.conrelid = t.oid and k.contype = 'f' and k.conparentid = 0
cross join lateral (
    select string_agg(quote_ident(a.attname), ', ' order by u.n) as list
    from unnest(k.conkey) with ordinality as u(attnum, n)
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
    where u.attnum <> t.tenant_attnum
) c
-- The key of the tenant alone is what the table of tenants is for.
where t.tenant_attnum = any (k.conkey) and cardinality(k.conkey) > 1
  and (k.confupdtype in ('n', 'd') or k.confdeltype in ('n', 'd') and coalesce(t.tenant_attnum = any (k.confdelsetcols), true))

-- fault:
create table app.steps (tenant_id uuid not null references app.tenants, id uuid not null, project uuid, primary key (tenant_id, id),
    constraint of_project foreign key (tenant_id, project) references app.projects on delete set null);
-- names: foreign key of_project on app.steps

-- clean:
create table app.steps (tenant_id uuid not null references app.tenants, id uuid not null, project uuid, primary key (tenant_id, id),
    constraint of_project foreign key (tenant_id, project) references app.projects on delete set null (project));
create index on app.steps (tenant_id, project);
alter table app.steps owner to check_owner;
select app.protect('app.steps');
