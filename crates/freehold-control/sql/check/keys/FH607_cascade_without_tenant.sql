-- A foreign key that changes rows does not carry the tenant
-- severity: high
-- covers: pitfall 10, 11; pgrls SEC035, SEC047
-- source: PostgreSQL, chapter "Row Security Policies": referential actions bypass row security
-- why: A row can refer to another tenant's row, and when that is deleted or changed, PostgreSQL deletes or changes this one too,
--      past all policies: one tenant destroys the data of another.
with keys as (
    select k.*, t.name as table_name, p.name as parent_name, c.relname as parent_relname, t.tenant_column,
           (select array_agg(a.attname::text order by u.n) from unnest(k.conkey) with ordinality as u(attnum, n)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum) as columns,
           (select array_agg(a.attname::text order by u.n) from unnest(k.confkey) with ordinality as u(attnum, n)
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum) as parent_columns
    from pg_constraint k
    join tenant_tables t on t.oid = k.conrelid
    join tenant_tables p on p.oid = k.confrelid and p.tenant_column = t.tenant_column
    join pg_class c on c.oid = k.confrelid
    -- A key of a partition is its parent's. One that carries the tenant may map it to another column: tenants in tenants.
    where k.contype = 'f' and k.conparentid = 0 and t.tenant_attnum <> all (k.conkey)
),
lists as (
    select k.*, c.list as column_list, c.parent_list,
           -- What comes after the columns: the match and the actions. Only a delete can be told to leave the tenant alone.
           regexp_replace(regexp_replace(pg_get_constraintdef(k.oid), '^.*? REFERENCES .*?\)', ''),
                          '(ON DELETE SET (?:NULL|DEFAULT))(?! \()', '\1 (' || c.list || ')') as rest
    from keys k
    cross join lateral (
        select (select string_agg(quote_ident(v), ', ' order by n) from unnest(k.columns) with ordinality as u(v, n)) as list,
               (select string_agg(quote_ident(v), ', ' order by n) from unnest(k.parent_columns) with ordinality as u(v, n)) as parent_list
    ) c
)
select format('foreign key %I on %s', l.conname, l.table_name) as object,
       format('it refers to %s without %I, and %s', l.parent_name, l.tenant_column,
              lower(concat_ws(' and ', substring(l.rest from 'ON UPDATE (?:CASCADE|SET NULL|SET DEFAULT)'),
                              substring(l.rest from 'ON DELETE (?:CASCADE|SET NULL|SET DEFAULT)')))) as why,
       case when l.confupdtype in ('n', 'd')
            then format('-- put %I into the key, without "on update set", which would clear it', l.tenant_column)
            else format('create unique index if not exists %I on %s (%I, %s); alter table %s drop constraint %I, '
                        'add constraint %6$I foreign key (%3$I, %7$s) references %2$s (%3$I, %4$s)%8$s',
                        left(l.parent_relname || '_' || l.tenant_column || '_' || array_to_string(l.parent_columns, '_'), 63),
                        l.parent_name, l.tenant_column, l.parent_list, l.table_name, l.conname, l.column_list, l.rest) end as fix
from lists l
where l.confdeltype not in ('a', 'r') or l.confupdtype not in ('a', 'r')

-- fault:
alter table app.projects add unique (id);
create table app.steps (tenant_id uuid not null references app.tenants, id uuid not null, project uuid, primary key (tenant_id, id),
    constraint of_project foreign key (project) references app.projects (id) on delete cascade);
-- names: foreign key of_project on app.steps

-- fault:
create table app."Folders" (tenant_id uuid not null references app.tenants, id uuid not null primary key, "Parent" uuid);
alter table app."Folders" add constraint "of Parent" foreign key ("Parent") references app."Folders" on update cascade on delete set null;
-- names: foreign key "of Parent" on app."Folders"

-- clean:
create table app.steps (tenant_id uuid not null references app.tenants, id uuid not null, project uuid, primary key (tenant_id, id),
    foreign key (tenant_id, project) references app.projects on delete set null (project));
create index on app.steps (tenant_id, project);
alter table app.steps owner to check_owner;
select app.protect('app.steps');
