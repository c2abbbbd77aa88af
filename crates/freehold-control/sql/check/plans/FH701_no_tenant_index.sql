-- No index begins with the column of the tenant
-- severity: low
-- covers: pgrls PERF003, PERF005
-- source: PostgreSQL, chapter "Multicolumn Indexes"
-- why: Every query of a tenant reads the rows of all of them to find its own: the large tenant's data slows the small one down.
select t.name as object, format('no index begins with %I', t.tenant_column) as why,
       format('create index on %s (%I)', t.name, t.tenant_column) as fix
from tenant_tables t
-- Indexes and keys of partitions are their parent's.
where not t.is_partition
  and not exists (
      select from pg_index i
      where i.indrelid = t.oid and i.indisvalid and i.indkey[0] = t.tenant_attnum
        and coalesce(pg_get_expr(i.indpred, i.indrelid) ~ ('\m' || t.tenant_column || '\M'), true))
  -- Partitions for each tenant are as good.
  and not exists (select from pg_partitioned_table p where p.partrelid = t.oid and p.partattrs[0] = t.tenant_attnum)

-- fault:
create table app.pages (id uuid not null, tenant_id uuid not null references app.tenants, primary key (id, tenant_id));
-- names: app.pages

-- clean:
create table app.pages (id uuid not null, tenant_id uuid not null references app.tenants, primary key (tenant_id, id));
create table app.views (tenant_id uuid not null, id uuid not null, primary key (id, tenant_id)) partition by hash (tenant_id);
alter table app.pages owner to check_owner;
alter table app.views owner to check_owner;
select app.protect('app.pages'), app.protect('app.views');
