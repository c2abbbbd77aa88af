-- A permissive policy asks who comes, and nothing of the row
-- severity: critical
-- covers: pgrls SEC005; splinter 0024
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: "Somebody is signed in" is true for every row at once: each signed-in user of any tenant reads and writes the rows of all. Asking
--      whether he is a member of something, without saying that it is the row's tenant, is the same.
select p.object,
       case when p.text ~ '\mFROM\M' then 'it asks for membership somewhere, not in the tenant of the row'
            else 'it names no column of the table, and is true for all rows or none' end as why,
       format('-- compare %I with who asks in policy %I on %s', t.tenant_column, p.name, p.relation::regclass) as fix
from policies p join tenant_tables t on t.oid = p.relation
where p.is_permissive and p.reads_context and t.oid not in (select oid from sealed_tables) and (p.roles = '{0}' or p.roles && array(select role from reachable))
  and not exists (select from pg_depend d where d.classid = 'pg_policy'::regclass and d.objid = p.oid
                    and d.refclassid = 'pg_class'::regclass and d.refobjid = p.relation and d.refobjsubid > 0)
  and p.text !~ '\.\*'
  -- Operators come in by a role, or by a claim that the server signs.
  and p.text !~* '\mpg_has_role\(|\m(current|session)_(user|role)\M|service_role|app_metadata'
  -- A function of the application's own may ask anything.
  and not exists (
      select from regexp_matches(regexp_replace(p.text, '''[^'']*''', '''''', 'g'), '([a-zA-Z_][\w.]*)\(', 'g') as called(name)
      where lower(called.name[1]) not in ('current_setting', 'coalesce', 'nullif', 'lower', 'upper', 'length', 'btrim', 'auth.uid', 'auth.role', 'auth.jwt'))
  and case when p.text !~ '\mFROM\M' then p.text !~* 'admin|super|bypass'
           -- Another table with tenants in it, asked without the tenant.
           else exists (select from pg_depend d join tenant_tables o on o.oid = d.refobjid
                        where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refobjid <> p.relation and d.refobjsubid > 0)
                and p.text !~* ('\m' || t.tenant_column || '\M') end

-- fault:
create schema auth;
create function auth.uid() returns uuid language sql stable as $$ select (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$;
create function auth.jwt() returns jsonb language sql stable as $$ select current_setting('request.jwt.claims', true)::jsonb $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy signed_in on app.open using (auth.uid() is not null);
-- names: policy signed_in on app.open

-- fault:
create schema auth;
create function auth.uid() returns uuid language sql stable as $$ select (current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$;
create function auth.jwt() returns jsonb language sql stable as $$ select current_setting('request.jwt.claims', true)::jsonb $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create table app.members (tenant_id uuid references app.tenants, user_id uuid, role text);
create policy admins on app.open for delete using (exists (select from app.members m where m.user_id = auth.uid() and m.role = 'admin'));
-- names: policy admins on app.open

-- clean:
create policy somebody on app.notes for select using ((select c.tenant from app.context c) is not null);

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using ((select c.tenant from app.context c) is not null and tenant_id = (select c.tenant from app.context c));
