-- A policy opens when nobody says who asks
-- severity: critical
-- covers: pitfalls 4, 5; pgrls SEC004, SEC038
-- source: CVE-2025-48757 (policies of generated applications); PostgreSQL, chapter "System Administration Functions": current_setting
-- why: Without a tenant the setting is NULL or empty, and a policy that lets this pass, by IS NULL OR, COALESCE with the column itself
--      or a default of true, shows every row to whoever forgot to say who asks, or chose not to.
with asks as (
    -- How a policy's text asks who is asking.
    select '\m(?:current_setting\(|auth\.(?:uid|jwt|role|email)\(' || coalesce('|' || string_agg(s.pattern, '|'), '') || ')' as pattern
    from (select regexp_replace(f.proname, '(\W)', '\\\1', 'g') || '\(' from pg_proc f where f.oid in (select oid from context_sources)
          union
          select regexp_replace(v.relname, '(\W)', '\\\1', 'g') || '\M' from pg_class v where v.oid in (select oid from context_sources)) as s(pattern)
),
plain as (
    select p.*, regexp_replace(p.text, '(current_setting\(''[^'']*''::text), true\)', '\1)', 'g') as plain_text from policies p
)
select p.object, 'without a tenant in the context it is true for every row' as why,
       format('-- compare with nothing but the context in policy %I on %s; let operators in by a role', p.name, p.relation::regclass) as fix
from plain p, asks q
where p.reads_context and (not p.is_permissive or p.relation not in (select oid from sealed_tables))
  -- A restrictive policy about something else, a second factor say, may well pass over who is not signed in.
  and (p.is_permissive or exists (select from tenant_tables t where t.oid = p.relation and p.text ~ ('\m' || t.tenant_column || '\M')))
  and (-- context is null or ..., also = ''
       p.plain_text ~ (q.pattern || '(?:(?! AND | OR )[^=<>])*( IS NULL| = ''''(::text)?| = 0| = ANY \(ARRAY\[''''[^=<>]*)\) OR\M')
       or p.plain_text ~ ('\mOR \((?:\( SELECT |\()*(?:NULLIF\(|COALESCE\()?' || q.pattern || '(?:(?! AND | OR )[^=<>])*( IS NULL| = ''''(::text)?| = 0| = ANY \(ARRAY\[''''[^=<>]*)\)(?! AND\M)')
       or p.plain_text ~ ('^\((?:\( SELECT |\()*(?:NULLIF\(|COALESCE\()?' || q.pattern || '(?:(?! AND | OR )[^=<>])*( IS NULL| = ''''(::text)?| = 0| = ANY \(ARRAY\[''''[^=<>]*)\)$')
       or p.plain_text ~ ('\mOR \(\( SELECT (?:(?! AND | OR )[^=<>])*' || q.pattern || '(?:(?! AND | OR )[^=<>])*\) IS NULL\)(?! AND\M)')
       or p.plain_text ~ ('\mWHEN \((?:(?! AND | OR )[^=<>])*' || q.pattern || '(?:(?! AND | OR )[^=<>])*( IS NULL| = ''''(::text)?| = 0| = ANY \(ARRAY\[''''[^=<>]*)\) THEN true\M')
       -- coalesce(context, tenant_id)
       or exists (select from pg_attribute a where a.attrelid = p.relation and a.attnum > 0 and not a.attisdropped
                    and p.plain_text ~ ('\mCOALESCE\((?:(?! AND | OR )[^=<>])*' || q.pattern || '(?:(?! AND | OR )[^=<>])*, \(?(\w+\.)?"?' || a.attname || '"?\)?(::\w+)?\)'))
       -- coalesce(tenant_id = context, true)
       or p.plain_text ~ ('\mCOALESCE\(\((?:(?! AND | OR ).)*' || q.pattern || '(?:(?! AND | OR ).)*, true\)')
       or p.plain_text ~ (q.pattern || '(?:(?! AND | OR ).)* IS NOT FALSE\M'))

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (current_setting('app.tenant_id', true) is null or tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = coalesce(nullif(current_setting('app.tenant_id', true), '')::uuid, tenant_id));
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid or current_setting('app.tenant_id', true) = '');
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (coalesce(tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid, true));
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (case when current_setting('app.tenant_id', true) = '' then true else tenant_id = current_setting('app.tenant_id')::uuid end);
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (length(coalesce(current_setting('app.tenant_id', true), '')) = 0 or tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
-- names: policy mine on app.open

-- fault:
create schema auth;
create function auth.uid() returns uuid language sql stable as $$ select (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$;
create function auth.jwt() returns jsonb language sql stable as $$ select current_setting('request.jwt.claims', true)::jsonb $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (auth.uid() is null or tenant_id = auth.uid());
-- names: policy mine on app.open

-- fault:
alter policy tenant_reads on app.notes using ((select c.tenant from app.context c) is null or tenant_id = (select c.tenant from app.context c));
-- names: policy tenant_reads on app.notes

-- fault:
alter policy tenant_reads on app.notes using (tenant_id = (select c.tenant from app.context c) or (select c.tenant from app.context c) is null);
-- names: policy tenant_reads on app.notes

-- clean:
create policy nobody on app.notes for select using ((select c.tenant from app.context c) is null or true);

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using ((tenant_id = (select c.tenant from app.context c) and owner is null) or (tenant_id = (select c.tenant from app.context c) and owner = ''));
