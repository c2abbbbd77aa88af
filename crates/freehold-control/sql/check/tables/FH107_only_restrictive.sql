-- A table has only restrictive policies
-- severity: low
-- covers: pgrls SEC012
-- source: PostgreSQL, CREATE POLICY: at least one permissive policy is needed to grant access
-- why: Restrictive policies only take away, so without a permissive one nobody but an exempt role sees a row. Nothing leaks,
--      but it is seldom meant, and the way out that comes to mind first is to make the tenant's policy permissive.
select r.name as object, 'no permissive policy lets a row through, so restrictive ones have nothing to narrow' as why,
       case when r.oid in (select oid from sealed_tables)
            then format('create policy everybody on %s using (true)', r.name)
            else '-- first complete the restrictive policies (select, insert, update, delete), then create a permissive policy' end as fix
from relations r
where r.kind in ('r', 'p') and r.enabled
  and exists (select from policies p where p.relation = r.oid)
  and not exists (select from policies p where p.relation = r.oid and p.is_permissive)
  and exists (select from grants g where g.relation = r.oid and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
  and not exists (select from pg_inherits i where i.inhrelid = r.oid)

-- fault:
drop policy everybody on app.notes;
-- names: app.notes

-- fault:
create table app.narrow (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.narrow enable row level security;
create policy mine on app.narrow as restrictive for select using (tenant_id = (select c.tenant from app.context c));
grant select on app.narrow to check_app;
-- names: app.narrow

-- clean:
drop policy everybody on app.events_2026;
