-- A foreign key between tenants' tables does not carry the tenant
-- severity: medium
-- covers: pitfall 10; pgrls SEC047
-- source: PostgreSQL, chapter "Row Security Policies": checks of referential integrity bypass row security
-- why: A tenant can refer to another tenant's row: whether that fails tells it which rows exist, and a join, an export or a job
--      without a tenant then mixes the two.
select format('foreign key %I on %s', l.conname, l.table_name) as object,
       format('it refers to %s without %I', l.parent_name, l.tenant_column) as why,
       case when l.confupdtype in ('n', 'd')
            then format('-- put %I into the key, without "on update set", which would clear it', l.tenant_column)
            else format('create unique index if not exists %I on %s (%I, %s); alter table %s drop constraint %I, '
                        'add constraint %6$I foreign key (%3$I, %7$s) references %2$s (%3$I, %4$s)%8$s',
                        left(l.parent_relname || '_' || l.tenant_column || '_' || array_to_string(l.parent_columns, '_'), 63),
                        l.parent_name, l.tenant_column, l.parent_list, l.table_name, l.conname, l.column_list, l.rest) end as fix
from crossing_keys l
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
