-- A policy asks another table, and neither of them who asks
-- severity: critical
-- covers: pgrls SEC036
-- source: PostgreSQL, chapter "Subquery Expressions": EXISTS, IN
-- why: "There is a user who is an administrator" is true for everybody as soon as there is one, and "the tenant is among those that have
--      members" for the rows of every tenant. Nothing in the policy depends on who asks, and the other table has no policies that would.
select p.object, 'its sub-select is the same for everybody who asks' as why,
       format('-- compare who asks in the sub-select of policy %I on %s', p.name, p.relation::regclass) as fix
from policies p
where p.is_permissive and p.text ~ '\mFROM\M' and not p.reads_context
  and p.relation in (select oid from tenant_tables) and p.relation not in (select oid from sealed_tables) and (p.roles = '{0}' or p.roles && array(select role from reachable))
  and p.text !~* '\m(current|session)_(user|role)\M|\mpg_has_role\(|\mauth\.(uid|jwt|role|email)\('
  -- Of no function that may ask.
  and not exists (
      select from regexp_matches(regexp_replace(p.text, '''[^'']*''', '''''', 'g'), '([a-zA-Z_][\w.]*)\(', 'g') as called(name)
      where lower(called.name[1]) not in ('coalesce', 'nullif', 'lower', 'upper', 'length', 'now', 'btrim', 'count', 'min', 'max'))
  -- A view may ask for itself, and a table with policies does.
  and not exists (select from pg_depend d join pg_class o on o.oid = d.refobjid and (o.relkind <> 'r' or o.relrowsecurity)
                  where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> p.relation)

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create table app.staff (person text, role text);
create policy admins on app.open using (exists (select from app.staff s where s.role = 'admin'));
-- names: policy admins on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create table app.members (organisation uuid references app.tenants, person text);
create policy mine on app.open using (tenant_id in (select m.organisation from app.members m));
-- names: policy mine on app.open

-- fault:
create schema auth;
create table auth.users (id uuid primary key, raw_app_meta_data jsonb);
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy admins on app.open for select using (exists (select 1 from auth.users where raw_app_meta_data ->> 'role' = 'admin'));
-- names: policy admins on app.open

-- clean:
create policy any_project on app.notes for select using (exists (select from app.tenants t where t.name = 'public'));

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (exists (select from app.projects p where p.tenant_id = open.tenant_id));
