-- Applications may write, and only policies for reading exist
-- severity: low
-- covers: pgrls SEC022
-- source: PostgreSQL, CREATE POLICY: a command without a permissive policy is denied
-- why: Updates and deletes touch no row and report success; inserts fail. Nothing leaks, but the grant waits for the first
--      policy for writing, which is seldom written with the same care.
select r.name as object,
       format('%s may %s, and no permissive policy is for writing', string_agg(distinct g.grantee_name, ', '),
              lower(string_agg(distinct g.privilege, ', '))) as why,
       format('revoke %s on %s from %s', lower(string_agg(distinct g.privilege, ', ')), r.name,
              string_agg(distinct g.grantee_name, ', ')) as fix
from relations r join grants g on g.relation = r.oid and g.privilege in ('INSERT', 'UPDATE', 'DELETE')
where r.kind in ('r', 'p') and r.enabled
  and exists (select from policies p where p.relation = r.oid and p.is_permissive)
  and not exists (select from policies p where p.relation = r.oid and p.is_permissive and p.command <> 'r')
  and not exists (select from pg_inherits i where i.inhrelid = r.oid)
group by r.oid, r.name

-- fault:
create table app.prices (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.prices enable row level security, force row level security;
create policy mine on app.prices for select using (tenant_id = (select c.tenant from app.context c));
grant select, insert, delete on app.prices to check_app;
-- names: app.prices

-- clean:
create table app.prices (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.prices owner to check_owner;
alter table app.prices enable row level security, force row level security;
create policy mine on app.prices for select using (tenant_id = (select c.tenant from app.context c));
grant select on app.prices to check_app;
