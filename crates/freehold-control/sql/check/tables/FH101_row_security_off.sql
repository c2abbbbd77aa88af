-- Row-level security is off on a tenant table
-- severity: critical
-- covers: pitfall 6; splinter 0013; pgrls SEC001
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: Until row-level security is enabled on a table, whoever may read it reads the rows of every tenant, and one query without
--      a condition is a leak.
select t.name as object, 'row-level security is off' as why,
       format('alter table %s enable row level security', t.name) as fix
from tenant_tables t
where not t.enabled and not t.is_partition
  -- Policies that do nothing are a finding of their own.
  and not exists (select from policies p where p.relation = t.oid)

-- fault:
create table app.plain (tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), primary key (tenant_id, id));
alter table app.plain force row level security;
-- names: app.plain

-- clean:
create table app.plain (tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), primary key (tenant_id, id));
alter table app.plain owner to check_owner;
select app.protect('app.plain');
