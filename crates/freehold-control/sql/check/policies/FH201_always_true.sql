-- A permissive policy lets every row through
-- severity: critical
-- covers: pitfall 15; splinter 0024; pgrls SEC008
-- source: PostgreSQL, CREATE POLICY: permissive policies are combined with OR
-- why: Permissive policies are combined with OR, so one that is always true makes the others say nothing: every tenant reads
--      every row. Only a restrictive policy for every command keeps rows apart beside it.
select p.object, 'it is true for every row, and no restrictive policy keeps tenants apart for every command' as why,
       format('drop policy %I on %s', p.name, t.name) as fix
from policies p join tenant_tables t on t.oid = p.relation
where p.is_permissive and p.using_text = 'true' and t.oid not in (select oid from sealed_tables)
  -- A policy for operators alone opens nothing to tenants.
  and (p.roles = '{0}' or exists (select from reachable r where r.role = any (p.roles)))

-- fault:
drop policy tenant_updates on app.notes;
-- names: policy everybody on app.notes

-- fault:
create table app.open (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.open enable row level security;
alter table app.open force row level security;
create policy anything on app.open using (true) with check (tenant_id = (select c.tenant from app.context c));
-- names: policy anything on app.open

-- clean:
create policy support on app.notes for select using (true);

-- clean:
create role check_support;
create table app.tickets (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.tickets owner to check_owner;
alter table app.tickets enable row level security;
alter table app.tickets force row level security;
create policy tenants on app.tickets using (tenant_id = (select c.tenant from app.context c));
create policy support on app.tickets to check_support using (true);
