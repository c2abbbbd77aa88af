-- A table asks another setting for the tenant than the other tables do
-- severity: medium
-- covers: -
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: A table left behind by a rename follows a setting that the application no longer sets, or that something else sets: it shows nothing,
--      or what the last one on the connection has left.
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
),
tables as (
    select c.relation, array_agg(distinct s.setting order by s.setting) as settings
    from clauses c cross join lateral unnest(c.settings) as s(setting) group by c.relation
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
