-- Policies of one table compare the tenant with different settings
-- severity: medium
-- covers: -
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: What is read with one setting is written with another: when the two part, for a forgotten rename or a pooled connection that keeps
--      the older one, rows of one tenant go to another.
select t.name as object,
       (select string_agg(format('%s by %s of %I', array_to_string(c.settings, ', '), c.kind, c.name), '; ' order by c.settings, c.name, c.kind)
        from tenant_clauses c where c.relation = t.oid) as why,
       format('-- compare %I with the same setting in every policy on %s', t.tenant_column, t.name) as fix
from tenant_tables t
where (select count(distinct c.settings) from tenant_clauses c where c.relation = t.oid) > 1

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('app.current_tenant', true), '')::uuid);
-- names: app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create function app.tenant() returns uuid language sql stable as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
create policy my_reads on app.open for select using (tenant_id = app.tenant());
create policy my_inserts on app.open for insert with check (tenant_id = (select c.tenant from app.context c));
-- names: app.open

-- clean:
create function app.who() returns uuid language sql stable set search_path = pg_catalog, pg_temp as $$ select c.tenant from app.context c $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy my_reads on app.open for select using (tenant_id = (select c.tenant from app.context c));
create policy my_inserts on app.open for insert with check (tenant_id = (select c.tenant from app.context c) and owner <> '');
