-- Who asks is a setting that any SQL can change
-- severity: medium
-- covers: pitfall 1
-- source: PostgreSQL, chapter "System Administration Functions": set_config; T. Vondra, "Application users vs. Row Level Security"
-- why: Everybody may set a name with a dot in it, so one injected set_config('...', 'another tenant') is every tenant. A context holds when
--      it carries a signature with a key that the role cannot read, or when it is the role itself.
with sources as (
    select s.oid, r.name, r.body from context_sources s join routines r on r.oid = s.reader where not s.by_secret
    union all
    select s.oid, v.name, pg_get_viewdef(v.oid) from context_sources s join relations v on v.oid = s.reader where not s.by_secret
),
read as (
    select p.oid as policy, p.relation, m.found[1] as setting, null as source
    from policies p cross join lateral regexp_matches(p.text, '\mcurrent_setting\(''([^'']+)''', 'g') as m(found)
    where p.text !~* 'sha\d|hmac|digest|verif|signature|crypt|session_jwt'
    union
    select p.oid, p.relation, m.found[1], s.name
    from policies p
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
    join sources s on s.oid = d.refobjid
    cross join lateral regexp_matches(s.body, '\mcurrent_setting\s*\(\s*''([^'']+)''', 'g') as m(found)
    where s.body !~* 'sha\d|hmac|digest|verif|signature|crypt|session_jwt|pg_has_role'
)
select format('setting %s', r.setting) as object,
       format('policies of %s believe it%s, and set_config changes it', case count(distinct r.relation) when 1 then '1 table' else count(distinct r.relation) || ' tables' end,
              coalesce(' by way of ' || min(r.source), ''))
           || case when r.setting ~ '^request\.' then '; PostgREST has verified the token before it sets this, SQL of any other origin has not' else '' end as why,
       format('-- verify a signature where %s is read, or give each tenant a role; until then let no tenant''s text become SQL', r.setting) as fix
-- PostgREST before version 9 set one for each claim.
from (select policy, relation, regexp_replace(setting, '^request\.jwt\.claim(\..*)?$', 'request.jwt.claims') as setting, source from read) as r
join policies p on p.oid = r.policy
where r.setting ~ '\.' and (not p.is_permissive or p.relation not in (select oid from sealed_tables))
  -- What an extension has registered for superusers cannot be set.
  and not exists (select from pg_settings g where g.name = r.setting and g.context <> 'user')
group by r.setting

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
-- names: setting app.tenant_id

-- fault:
create schema auth;
create function auth.uid() returns uuid language sql stable as $$ select (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$;
create function auth.jwt() returns jsonb language sql stable as $$ select current_setting('request.jwt.claims', true)::jsonb $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = auth.uid());
-- names: setting request.jwt.claims

-- fault:
create function app.me() returns uuid language sql stable as $$ select nullif(current_setting('app.user_id', true), '')::uuid $$;
create function app.is_mine(tenant uuid) returns boolean language sql stable as $$ select tenant = app.me() $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (app.is_mine(tenant_id));
-- names: setting app.user_id

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c));

-- clean:
create table app.sessions (secret uuid not null primary key, tenant uuid not null);
alter table app.sessions owner to check_owner;
create function app.session() returns uuid language sql stable set search_path = pg_catalog, pg_temp
    as $$ select nullif(current_setting('app.session', true), '')::uuid $$;
create function app.me() returns uuid language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select s.tenant from app.sessions s where s.secret = app.session() $$;
alter function app.me() owner to check_owner;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select app.me()));
