-- A policy takes the context for a pattern
-- severity: high
-- covers: pgrls SEC026
-- source: PostgreSQL, chapter "Pattern Matching"
-- why: Whoever chooses the context chooses the pattern: "%" or ".*" matches every tenant. As a prefix, tenant1 is the beginning of tenant10.
with asks as (
    -- How a policy's text asks who is asking.
    select '\m(?:current_setting\(|auth\.(?:uid|jwt|role|email)\(' || coalesce('|' || string_agg(s.pattern, '|'), '') || ')' as pattern
    from (select regexp_replace(f.proname, '(\W)', '\\\1', 'g') || '\(' from pg_proc f where f.oid in (select oid from context_sources)
          union
          select regexp_replace(v.relname, '(\W)', '\\\1', 'g') || '\M' from pg_class v where v.oid in (select oid from context_sources)) as s(pattern)
)
select p.object, 'what the context holds is matched as a pattern or a prefix' as why,
       format('-- compare with = in policy %I on %s', p.name, p.relation::regclass) as fix
from policies p, asks q
where p.reads_context and (not p.is_permissive or p.relation not in (select oid from sealed_tables))
  and (p.text ~ (' !?~{1,2}\*? (?:(?! AND | OR )[^=<>])*' || q.pattern) or p.text ~ ('\m(?:starts_with|strpos|regexp_like|regexp_match)\((?:(?! AND | OR )[^=<>])*, (?:(?! AND | OR )[^=<>])*' || q.pattern)
       or p.text ~ ('\m(?:position"?|POSITION|strpos)\((?:(?! AND | OR )[^=<>])*' || q.pattern))

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id::text like current_setting('app.tenant_id') || '%');
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (position(tenant_id::text in current_setting('app.tenants', true)) > 0);
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (starts_with(owner, (select c.tenant::text from app.context c)));
-- names: policy mine on app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and owner like 'a%');
