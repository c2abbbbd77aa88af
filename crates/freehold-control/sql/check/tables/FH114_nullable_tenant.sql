-- The column of the tenant may be null
-- severity: medium
-- covers: pitfall 10; pgrls SEC030
-- source: PostgreSQL, chapter "Constraints": null passes checks and foreign keys, and is distinct from null in unique ones
-- why: A row without a tenant is nobody's or, by a policy or query that allows for null, everybody's; and no foreign key that
--      carries the tenant is checked for it, so it can refer to any tenant's row.
select t.name as object, format('%I may be null', t.tenant_column) as why,
       format('alter table %s alter column %I set not null', t.name, t.tenant_column) as fix
from tenant_tables t
where not t.tenant_not_null and not t.is_partition
  and not exists (
      select from pg_constraint k
      where k.conrelid = t.oid and k.contype = 'c' and k.convalidated
        and pg_get_expr(k.conbin, k.conrelid) = format('(%I IS NOT NULL)', t.tenant_column))
  -- Rows for everybody are meant where a policy says so.
  and not exists (
      select from policies p
      where p.relation = t.oid and strpos(p.text, format('(%I IS NULL)', t.tenant_column)) > 0)

-- fault:
create table app.loose (tenant_id uuid references app.tenants, id uuid not null primary key);
-- names: app.loose

-- fault:
create table app.loose (tenant_id uuid check (tenant_id <> '00000000-0000-0000-0000-000000000000'), id uuid not null primary key);
-- names: app.loose

-- clean:
create table app.templates (tenant_id uuid references app.tenants, id uuid not null default gen_random_uuid(), check (tenant_id is not null),
    unique (tenant_id, id));
alter table app.templates replica identity full;
alter table app.templates owner to check_owner;
select app.protect('app.templates');
