-- A foreign key between tenants' tables does not carry the tenant
-- severity: medium
-- covers: pitfall 10; pgrls SEC047
-- source: PostgreSQL, chapter "Row Security Policies": checks of referential integrity bypass row security
-- why: A tenant can refer to another tenant's row: whether that fails tells it which rows exist, and a join, an export or a job
--      without a tenant then mixes the two.
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
       format('it refers to %s without %I', l.parent_name, l.tenant_column) as why,
       case when l.confupdtype in ('n', 'd')
            then format('-- put %I into the key, without "on update set", which would clear it', l.tenant_column)
            else format('create unique index if not exists %I on %s (%I, %s); alter table %s drop constraint %I, '
                        'add constraint %6$I foreign key (%3$I, %7$s) references %2$s (%3$I, %4$s)%8$s',
                        left(l.parent_relname || '_' || l.tenant_column || '_' || array_to_string(l.parent_columns, '_'), 63),
                        l.parent_name, l.tenant_column, l.parent_list, l.table_name, l.conname, l.column_list, l.rest) end as fix
from lists l
where l.confdeltype in ('a', 'r') and l.confupdtype in ('a', 'r')

-- fault:
alter table app.projects add unique (id);
create table app.steps (tenant_id uuid not null references app.tenants, id uuid not null, project uuid, primary key (tenant_id, id),
    constraint of_project foreign key (project) references app.projects (id) deferrable initially deferred);
-- names: foreign key of_project on app.steps

-- fault:
create table app.folders (tenant_id uuid not null references app.tenants, id uuid not null primary key, parent uuid references app.folders);
-- names: foreign key folders_parent_fkey on app.folders

-- clean:
create table app.steps (tenant_id uuid not null references app.tenants, id uuid not null, project uuid, primary key (tenant_id, id),
    foreign key (tenant_id, project) references app.projects);
create index on app.steps (tenant_id, project);
alter table app.steps owner to check_owner;
select app.protect('app.steps');

-- clean:
-- The tenant of a task is a workspace, and that of a workspace an organization.
create table app.workspaces (org_id uuid not null references app.tenants, id uuid not null primary key, unique (org_id, id));
create table app.tasks (workspace_id uuid not null references app.workspaces, id uuid not null, primary key (workspace_id, id));
alter table app.workspaces owner to check_owner;
alter table app.tasks owner to check_owner;
alter table app.workspaces enable row level security, force row level security;
create policy own on app.workspaces using (org_id = (select c.tenant from app.context c));
alter table app.tasks enable row level security, force row level security;
create policy own on app.tasks using (workspace_id = (select c.tenant from app.context c));
