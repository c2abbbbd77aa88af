-- Those who are not signed in may write
-- severity: medium
-- covers: pgrls SEC003, SEC039
-- source: PostgREST, "Authentication": the anonymous role
-- why: The role anon is everybody on the internet. A permissive policy that lets it write without asking who it is lets anybody fill,
--      change or empty the rows of a tenant.
select p.object, format('the role anon may %s, and the policy does not ask who it is', string_agg(lower(w.privilege), ', ' order by w.privilege)) as why,
       case when a.oid = any (p.roles) then format('-- make policy %I on %s for authenticated, or compare %I with who asks', p.name, p.relation::regclass, t.tenant_column)
            else format('revoke insert, update, delete on %s from anon, public', p.relation::regclass) end as fix
from policies p
join tenant_tables t on t.oid = p.relation
join pg_roles a on a.rolname = 'anon'
join (values ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) as w(command, privilege)
  on p.command::text in (w.command, '*') and has_table_privilege(a.oid, t.oid, w.privilege)
where p.is_permissive and not p.reads_context and (p.roles = '{0}' or a.oid = any (p.roles))
  and coalesce(p.using_text, p.check_text) <> 'false'
  and p.text !~ '\mpg_has_role\(|\m(CURRENT|SESSION)_(USER|ROLE)\M' and t.oid not in (select oid from sealed_tables)
group by p.object, p.name, p.relation, p.roles, a.oid, t.tenant_column

-- fault:
create role anon;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
grant insert on app.open to anon;
create policy mine on app.open for select using (tenant_id = (select c.tenant from app.context c));
create policy forms on app.open for insert to anon with check (owner is null);
-- names: policy forms on app.open

-- fault:
create role anon;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
grant insert on app.open to public;
create policy forms on app.open for insert with check (owner is null);
-- names: policy forms on app.open

-- clean:
create role anon;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c));
