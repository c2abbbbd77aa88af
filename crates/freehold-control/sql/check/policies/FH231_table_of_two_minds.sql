-- Policies of one table compare the tenant with different settings
-- severity: medium
-- covers: -
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: What is read with one setting is written with another: when the two part, for a forgotten rename or a pooled connection that keeps
--      the older one, rows of one tenant go to another.
with settings_of as materialized (
    -- What a function or view that a policy may ask reads itself.
    select format(s.pattern, regexp_replace(s.name, '(\W)', '\\\1', 'g')) as pattern, regexp_replace(m.found[1], '^request\..*', 'request') as setting
    from (select f.oid, '\m%s\(' as pattern, f.proname as name, coalesce(pg_get_function_sqlbody(f.oid), f.prosrc) as body from pg_proc f
          union all
          select v.oid, '\mFROM (?:[\w"]+\.)?%s\M', v.relname, pg_get_viewdef(v.oid) from pg_class v where v.relkind = 'v') as s
    cross join lateral regexp_matches(s.body, '\mcurrent_setting\s*\(\s*''([^'']+)''', 'g') as m(found)
    where s.oid in (select oid from context_sources)
),
clauses as materialized (
    -- The settings that one clause of a policy compares the tenant column with.
    select p.relation, p.object, p.name, k.kind, array_agg(distinct c.setting order by c.setting) as settings
    from policies p
    join tenant_tables t on t.oid = p.relation
    cross join lateral (values ('USING', p.using_text), ('WITH CHECK', p.check_text)) as k(kind, text)
    cross join lateral (
        select regexp_replace(m.found[1], '^request\..*', 'request')
        from regexp_matches(k.text, '\m' || t.tenant_column || '"?\)?(?:::\w+)? = (?!ANY)(?:(?! AND | OR )[^=<>])*\mcurrent_setting\(''([^'']+)''', 'g') as m(found)
        union
        select s.setting from settings_of s
        where k.text ~ ('\m' || t.tenant_column || '"?\)?(?:::\w+)? = (?!ANY)(?:(?! AND | OR )[^=<>])*' || s.pattern)
    ) as c(setting)
    where p.reads_context and (not p.is_permissive or p.relation not in (select oid from sealed_tables))
    group by p.relation, p.object, p.name, p.oid, k.kind
)
select t.name as object,
       (select string_agg(format('%s by %s of %I', array_to_string(c.settings, ', '), c.kind, c.name), '; ' order by c.settings, c.name, c.kind)
        from clauses c where c.relation = t.oid) as why,
       format('-- compare %I with the same setting in every policy on %s', t.tenant_column, t.name) as fix
from tenant_tables t
where (select count(distinct c.settings) from clauses c where c.relation = t.oid) > 1

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
