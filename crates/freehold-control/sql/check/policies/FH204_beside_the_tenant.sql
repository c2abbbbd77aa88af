-- A permissive policy beside the tenant's own does not ask whose the row is
-- severity: medium
-- covers: pitfall 15; pgrls SEC007
-- source: PostgreSQL, CREATE POLICY: permissive policies are combined with OR
-- why: Permissive policies are combined with OR. A condition on the row alone, "published" say, lets every tenant read what any other
--      has published, which is seldom what was meant.
select p.object, format('policy %I compares %s, and this one lets rows of every tenant through beside it', o.name, t.tenant_column) as why,
       case when p.using_text is null or o.using_text is null or p.check_text is not null
            then format('-- compare %I in policy %I on %s too, or make it restrictive', t.tenant_column, p.name, p.relation::regclass)
            else format('alter policy %I on %s using (%s and %s)', p.name, p.relation::regclass, p.using_text, o.using_text) end as fix
from policies p
join tenant_tables t on t.oid = p.relation
cross join lateral (
    select o.name, o.using_text from policies o
    where o.relation = p.relation and o.oid <> p.oid and o.is_permissive and o.reads_context and o.text ~ ('\m' || t.tenant_column || '\M')
      and (o.command = p.command or '*' in (o.command, p.command)) and (o.roles = '{0}' or p.roles = '{0}' or o.roles && p.roles)
    order by o.using_text is null, o.name limit 1
) as o
where p.is_permissive and not p.reads_context and p.text !~ ('\m' || t.tenant_column || '\M')
  and t.oid not in (select oid from sealed_tables) and (p.roles = '{0}' or p.roles && array(select role from reachable))
  -- What asks a role or another table has been thought about.
  and p.text !~ '\mpg_has_role\(|\m(CURRENT|SESSION)_(USER|ROLE)\M|\( SELECT\M'
  and exists (select from pg_depend d where d.classid = 'pg_policy'::regclass and d.objid = p.oid
                and d.refclassid = 'pg_class'::regclass and d.refobjid = p.relation and d.refobjsubid > 0)

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c));
create policy ownerless on app.open for select using (owner is null);
-- names: policy ownerless on app.open

-- clean:
create policy nameless on app.notes for select using (text = '');

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and owner is null);
