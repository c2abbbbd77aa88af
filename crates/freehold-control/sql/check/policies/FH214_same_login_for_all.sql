-- A policy compares a column with the role, and there is one role for all
-- severity: high
-- covers: pgrls SEC018
-- source: PostgreSQL, chapter "Session Information Functions": current_user, session_user
-- why: Comparing with current_user keeps tenants apart only when each has a role of its own. Behind a pool with one login, and
--      no role to change to, every tenant is the same user.
select p.object,
       format('%s is compared with the role, and applications have only one', (regexp_match(p.text, q.pattern))[1]) as why,
       format('-- compare with a context in policy %I on %s, or give each tenant a role', p.name, p.relation::regclass) as fix
from policies p
cross join lateral (
    select '\m(' || string_agg(regexp_replace(a.attname, '(\W)', '\\\1', 'g'), '|') || ')"?\)?(?:::\w+)? = \(?(CURRENT_USER|SESSION_USER|CURRENT_ROLE|USER)\M' as pattern
    from pg_attribute a where a.attrelid = p.relation and a.attnum > 0 and not a.attisdropped
) as q
where p.text ~ q.pattern and not p.reads_context and (p.roles = '{0}' or p.roles && array(select role from reachable)) and (not p.is_permissive or p.relation not in (select oid from sealed_tables))
  and (p.relation in (select oid from tenant_tables) or p.relation in (select oid from tenant_roots))
  and (select count(distinct r.role) from reachable r join pg_roles o on o.oid = r.role
       where o.rolname !~ '^pg_' and (o.rolcanlogin or p.text !~ '\mSESSION_USER\M')) <= 1

-- fault:
create table app.open (tenant_id text not null, id uuid not null, primary key (tenant_id, id));
alter table app.open enable row level security;
create policy mine on app.open using (tenant_id = current_user);
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (owner = session_user);
-- names: policy mine on app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (owner = current_user and tenant_id = (select c.tenant from app.context c));
