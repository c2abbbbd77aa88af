-- A policy asks a table that anybody may write
-- severity: medium
-- covers: pgrls SEC025
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: Rows are kept apart by what another table says, of members for instance, and that table has no row-level security and may be
--      written: a row inserted there is the key to any tenant.
select p.object,
       format('%s has no row-level security, and %s may %s', o.name, g.grantee, g.privileges) as why,
       case when exists (select from policies k where k.relation = o.oid) then format('alter table %s enable row level security', o.name)
            else format('revoke insert, update on %s from %s', o.name, g.grantee) end as fix
from policies p
join relations o on o.kind in ('r', 'p') and not o.enabled and o.oid <> p.relation
cross join lateral (
    select string_agg(distinct g.grantee_name, ', ') as grantee, lower(string_agg(distinct g.privilege, ', ')) as privileges
    from grants g where g.relation = o.oid and g.privilege in ('INSERT', 'UPDATE')
    having count(*) > 0
) as g
where (not p.is_permissive or p.relation not in (select oid from sealed_tables))
  and exists (select from pg_depend d where d.classid = 'pg_policy'::regclass and d.objid = p.oid
                and d.refclassid = 'pg_class'::regclass and d.refobjid = o.oid)

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create table app.members (organisation uuid references app.tenants, person text);
grant insert on app.members to check_app;
create policy mine on app.open using (tenant_id in (select m.organisation from app.members m where m.person = current_setting('app.person')));
-- names: policy mine on app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and tenant_id in (select t.id from app.tenants t where t.name <> ''));
