-- A tenant table has no primary key
-- severity: low
-- covers: pitfall 28; splinter 0004
-- source: PostgreSQL, ALTER TABLE: REPLICA IDENTITY; chapter "Logical Replication", section "Publication"
-- why: Rows that nothing identifies cannot be updated or deleted through logical replication, so a tenant cannot be moved while
--      it is at work, and an export cannot be compared with its source.
select t.name as object, 'it has no primary key, and no other replica identity' as why,
       format('-- alter table %s add primary key (%I, ...)', t.name, t.tenant_column) as fix
from tenant_tables t join pg_class c on c.oid = t.oid
where not t.is_partition and c.relreplident not in ('i', 'f')
  and not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)

-- fault:
create table app.log (tenant_id uuid not null references app.tenants, what text not null);
-- names: app.log

-- clean:
create table app.log (tenant_id uuid not null references app.tenants, what text not null);
create index on app.log (tenant_id);
alter table app.log replica identity full;
alter table app.log owner to check_owner;
select app.protect('app.log');
