-- A policy believes what users write about themselves
-- severity: critical
-- covers: splinter 0015; pgrls SEC033
-- source: Supabase, "User Management": user metadata is changed by the user
-- why: user_metadata in the token comes from raw_user_meta_data, which every signed-in user changes with one call of the client library:
--      whoever writes another tenant there, or the role of an administrator, has it.
select p.object,
       case when p.text ~ 'user_meta_?data' then 'it reads user_metadata, which the user can change'
            else 'it calls a function that reads user_metadata, which the user can change' end as why,
       format('-- read app_metadata, or a table that users cannot write, in policy %I on %s', p.name, p.relation::regclass) as fix
from policies p
where (not p.is_permissive or p.relation not in (select oid from sealed_tables))
  and (p.text ~ '\m(auth\.jwt\(|current_setting\(''request\.jwt|auth\.users\M).*user_meta_?data'
       or exists (select from pg_depend d join routines f on f.oid = d.refobjid and d.refclassid = 'pg_proc'::regclass
                  where d.classid = 'pg_policy'::regclass and d.objid = p.oid and f.body ~ '(jwt|auth\.users).*user_meta_?data'))

-- fault:
create schema auth;
create function auth.uid() returns uuid language sql stable as $$ select (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$;
create function auth.jwt() returns jsonb language sql stable as $$ select current_setting('request.jwt.claims', true)::jsonb $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (auth.jwt() -> 'user_metadata' ->> 'tenant_id')::uuid);
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
create function app.tenant() returns uuid language sql stable as $$ select (auth.jwt() -> 'user_metadata' ->> 'tenant_id')::uuid $$;
create policy mine on app.open using (tenant_id = app.tenant());
-- names: policy mine on app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
alter table app.open add user_metadata jsonb;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and user_metadata is not null);
