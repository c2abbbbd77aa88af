-- A policy waits for a role that does not exist
-- severity: low
-- covers: pgrls SEC037
-- source: PostgREST, "Authentication"; PostgreSQL, chapter "Session Information Functions"
-- why: Compared with a name that no role has, the condition is never true, and its negation always. Mostly it was meant to be a claim
--      ("admin"), or a role that was renamed.
select p.object, format('there is no role named %s', string_agg(distinct m.name, ', ')) as why,
       format('-- name a role that exists, or compare a claim, in policy %I on %s', p.name, p.relation::regclass) as fix
from policies p
cross join lateral (
    select f.found[2] as name
    from regexp_matches(p.text, '(\mauth\.role\(\)|\mCURRENT_USER|\mSESSION_USER|\mCURRENT_ROLE)[^=<>'']{0,24} (?:=|<>) ''([^'']+)''', 'g') as f(found)
) as m
where not exists (select from pg_roles r where r.rolname = m.name) and m.name not in ('anon', 'authenticated', 'service_role')
group by p.object, p.name, p.relation

-- fault:
create schema auth;
create function auth.uid() returns uuid language sql stable as $$ select (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$;
create function auth.jwt() returns jsonb language sql stable as $$ select current_setting('request.jwt.claims', true)::jsonb $$;
create function auth.role() returns text language sql stable as $$ select auth.jwt() ->> 'role' $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (auth.role() = 'admin' and tenant_id = auth.uid());
-- names: policy mine on app.open

-- fault:
create policy nobody on app.notes as restrictive for delete using (current_user <> 'check_intern');
-- names: policy nobody on app.notes

-- clean:
create policy nobody on app.notes as restrictive for delete using (current_user <> 'check_app');
