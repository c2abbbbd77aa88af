-- A policy names one tenant
-- severity: high
-- covers: pgrls SEC021
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: With a literal in the place of the context every session is the same tenant, and all of them read its rows. As the default of the
--      context it is the tenant of everybody who forgot to say who asks.
select p.object, format('%s is compared with a literal, the same for everybody', t.tenant_column) as why,
       format('-- compare %I with who asks in policy %I on %s', t.tenant_column, p.name, p.relation::regclass) as fix
from policies p join tenant_tables t on t.oid = p.relation
where (not p.is_permissive or p.relation not in (select oid from sealed_tables))
  -- A policy for the role of one tenant names that tenant rightly.
  and (p.roles = '{0}' or p.roles && array(select oid from pg_roles where rolname in ('anon', 'authenticated')))
  and (not p.reads_context and p.text !~ '\( SELECT\M|\m(CURRENT|SESSION)_(USER|ROLE)\M|\mpg_has_role\('
           and p.text ~ ('\m' || t.tenant_column || '"?\)?(?:::\w+)? = (?:ANY \(+ARRAY\[)?\(?(?:''[^'']*''|\d+)(?!\w)')
       or p.text ~ ('\m' || t.tenant_column || '"?\)?(?:::\w+)? = \(?COALESCE\([^=<>]*current_setting\([^=<>]*, \(?(?:''[^'']+''|\d+)(?:\)?::\w+)?\)'))

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = 'a0000000-0000-0000-0000-000000000001');
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = coalesce(nullif(current_setting('app.tenant_id', true), ''), 'a0000000-0000-0000-0000-000000000001')::uuid);
-- names: policy mine on app.open

-- clean:
create policy lobby on app.notes for select using (tenant_id = 'a0000000-0000-0000-0000-000000000001');

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = 'a0000000-0000-0000-0000-000000000001' or tenant_id = (select c.tenant from app.context c));
