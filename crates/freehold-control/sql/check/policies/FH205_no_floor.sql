-- Several permissive policies, and no restrictive one beneath them
-- severity: low
-- covers: pitfall 15; splinter 0006; pgrls SEC007
-- source: PostgreSQL, CREATE POLICY: permissive and restrictive policies
-- why: Permissive policies are combined with OR: the weakest of them decides, and all of them are evaluated for each row. One
--      restrictive policy for everybody that compares the tenant holds whatever is added later.
select t.name as object,
       format('%s policies are combined with OR: %s', count(distinct p.oid), string_agg(distinct quote_ident(p.name), ', ')) as why,
       format('-- create policy tenant on %s as restrictive using (%I = ...), with what the others compare it with', t.name, t.tenant_column) as fix
from tenant_tables t
join policies p on p.relation = t.oid
where t.enabled and p.is_permissive and coalesce(p.using_text, p.check_text) not in ('true', 'false')
  and t.oid not in (select oid from sealed_tables)
  and exists (
      select from policies o
      where o.relation = t.oid and o.oid <> p.oid and o.is_permissive and coalesce(o.using_text, o.check_text) not in ('true', 'false')
        and (o.command = p.command or '*' in (o.command, p.command)) and (o.roles = '{0}' or p.roles = '{0}' or o.roles && p.roles))
  and not exists (
      select from policies f
      where f.relation = t.oid and not f.is_permissive and f.roles = '{0}' and f.reads_context and f.command in (p.command, '*')
        and f.text ~ ('\m' || t.tenant_column || '\M'))
group by t.oid, t.name, t.tenant_column

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c));
create policy my_owned on app.open for select using (tenant_id = (select c.tenant from app.context c) and owner = 'me');
-- names: app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy my_reads on app.open for select using (tenant_id = (select c.tenant from app.context c));
create policy my_inserts on app.open for insert with check (tenant_id = (select c.tenant from app.context c));

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open for select using (owner = 'me' or tenant_id = (select c.tenant from app.context c));
create policy tenant on app.open as restrictive for select using (tenant_id = (select c.tenant from app.context c));
