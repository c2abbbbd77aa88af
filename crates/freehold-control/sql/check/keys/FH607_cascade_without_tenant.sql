-- A foreign key that changes rows does not carry the tenant
-- severity: high
-- covers: pitfall 10, 11; pgrls SEC035, SEC047
-- source: PostgreSQL, chapter "Row Security Policies": referential actions bypass row security
-- why: A row can refer to another tenant's row, and when that is deleted or changed, PostgreSQL deletes or changes this one too,
--      past all policies: one tenant destroys the data of another.
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
from crossing_keys l
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
