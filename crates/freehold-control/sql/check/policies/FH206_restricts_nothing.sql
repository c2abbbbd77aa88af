-- A restrictive policy restricts nothing
-- severity: medium
-- covers: pgrls SEC031
-- source: PostgreSQL, CREATE POLICY: restrictive policies are combined with AND
-- why: A restrictive policy that is always true, or has no USING at all, adds AND true. It looks like the floor under the permissive
--      policies, and there is none.
select p.object,
       case when p.using_text is null and p.check_text is null then 'it has no expression'
            when p.using_text is null then 'it has no USING, so that it restricts writing and nothing else'
            else 'its expression is true for every row' end as why,
       case when p.using_text is null and p.check_text is not null and p.check_text <> 'true'
            then format('alter policy %I on %s using (%s)', p.name, p.relation::regclass, p.check_text)
            else format('drop policy %I on %s', p.name, p.relation::regclass) end as fix
from policies p
where not p.is_permissive
  and (coalesce(p.using_text, 'true') = 'true' and coalesce(p.check_text, 'true') = 'true'
           and p.relation not in (select oid from sealed_tables)
       or p.command = '*' and coalesce(p.using_text, 'true') = 'true' and coalesce(p.check_text, 'true') <> 'true')

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c));
create policy floor on app.open as restrictive using (true);
-- names: policy floor on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy everybody on app.open using (owner is null or tenant_id = (select c.tenant from app.context c));
create policy tenant on app.open as restrictive with check (tenant_id = (select c.tenant from app.context c));
-- names: policy tenant on app.open

-- clean:
create policy signed on app.notes as restrictive for insert with check (text <> '');
