-- A policy calls an IMMUTABLE function that reads the session
-- severity: high
-- covers: pitfall 27; pgrls SEC046
-- source: PostgreSQL, chapter "Function Volatility Categories"
-- why: The planner replaces an IMMUTABLE function by its result. In a plan that is kept, of a prepared statement or a PL/pgSQL function, the
--      tenant that planned it stays, and the next one on that connection reads his rows.
select f.name as object, format('it reads the session, and %s depends on it', min(p.object)) as why,
       format('alter function %s stable', f.name) as fix
from routines f
join pg_depend d on d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_proc'::regclass and d.refobjid = f.oid
join policies p on p.oid = d.objid
where f.volatility = 'i' and f.body ~* '\m(current_setting|current_user|session_user|current_role|auth\.(uid|jwt|role|email))\M'
group by f.oid, f.name

-- fault:
create function app.tenant() returns uuid language sql immutable as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = app.tenant());
-- names: app.tenant()

-- clean:
create function app.is_open(state text) returns boolean language sql immutable parallel safe set search_path = pg_catalog, pg_temp return state <> 'closed';
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and app.is_open('today'));
