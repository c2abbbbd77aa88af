-- A table asks another setting for the tenant than the other tables do
-- severity: medium
-- covers: -
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: A table left behind by a rename follows a setting that the application no longer sets, or that something else sets: it shows nothing,
--      or what the last one on the connection has left.
with tables as (
    select c.relation, array_agg(distinct s.setting order by s.setting) as settings
    from tenant_clauses c cross join lateral unnest(c.settings) as s(setting) group by c.relation
),
usual as (
    select t.settings, count(*) as tables from tables t group by t.settings order by count(*) desc, t.settings limit 1
)
select t.relation::regclass::text as object,
       format('it compares the tenant with %s, and %s other tables with %s', array_to_string(t.settings, ', '), u.tables, array_to_string(u.settings, ', ')) as why,
       format('-- compare with %s in the policies on %s too', array_to_string(u.settings, ', '), t.relation::regclass) as fix
from tables t, usual u
where not t.settings && u.settings and u.tables > (select count(*) from tables o where o.settings = t.settings)

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
-- names: app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c));
