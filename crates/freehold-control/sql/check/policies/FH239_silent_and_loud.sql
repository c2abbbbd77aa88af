-- Some policies fail without a tenant, and this one shows nothing
-- severity: low
-- covers: pitfalls 4, 48; pgrls SEC055, SEC019
-- source: PostgreSQL, chapter "System Administration Functions": current_setting
-- why: Elsewhere a query that forgot to say who asks fails, and here it finds no rows: the mistake passes for an empty result, in tests and
--      in production.
with reads as (
    select p.oid, m.found[1] as setting, m.found[2] is not null as silent
    from policies p cross join lateral regexp_matches(p.text, '\mcurrent_setting\(''([^'']+)''::text(, true)?\)', 'g') as m(found)
)
select p.object, format('it reads %s and passes over its absence; other policies do not', r.setting) as why,
       format('alter policy %I on %s', p.name, p.relation::regclass)
           || coalesce(' using (' || replace(p.using_text, format('current_setting(%L::text, true)', r.setting), format('current_setting(%L::text)', r.setting)) || ')', '')
           || coalesce(' with check (' || replace(p.check_text, format('current_setting(%L::text, true)', r.setting), format('current_setting(%L::text)', r.setting)) || ')', '') as fix
from (select distinct oid, setting from reads where silent) as r
join policies p on p.oid = r.oid
join tenant_tables t on t.oid = p.relation
where exists (select from reads o where o.setting = r.setting and not o.silent and o.oid <> r.oid)
  and p.text ~ ('\m' || t.tenant_column || '\M')
  -- The loud form is the rule, and the silent one the exception.
  and (select count(distinct o.oid) filter (where not o.silent) >= count(distinct o.oid) filter (where o.silent) from reads o where o.setting = r.setting)

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy my_reads on app.open for select using (tenant_id = nullif(current_setting('app.tenant_id'), '')::uuid);
create policy my_inserts on app.open for insert with check (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
-- names: policy my_inserts on app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c));
