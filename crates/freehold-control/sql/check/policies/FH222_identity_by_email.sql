-- A policy takes an e-mail address for an identity
-- severity: low
-- covers: pgrls SEC034
-- source: Supabase, "JWT Claims": email
-- why: Addresses change hands and spelling. Rows stay with an address that somebody else may register later, and are lost to their owner
--      once he changes it. An id does neither.
select p.object, 'rows are kept apart by the e-mail address of who asks' as why,
       format('-- compare an id, auth.uid(), in policy %I on %s', p.name, p.relation::regclass) as fix
from policies p
where (not p.is_permissive or p.relation not in (select oid from sealed_tables)) and p.text ~ '\mauth\.email\(\)|(auth\.jwt\(\)|request\.jwt\.claims''[^=]*) ->> ''email''|request\.jwt\.claim\.email'

-- fault:
create schema auth;
create function auth.uid() returns uuid language sql stable as $$ select (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$;
create function auth.jwt() returns jsonb language sql stable as $$ select current_setting('request.jwt.claims', true)::jsonb $$;
create function auth.email() returns text language sql stable as $$ select auth.jwt() ->> 'email' $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (owner = auth.email());
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
create policy mine on app.open using (owner = (select auth.jwt() ->> 'email'));
-- names: policy mine on app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and owner like '%@example.org');
