-- A policy asks a view or a function that sees every tenant, and does not say who asks
-- severity: high
-- covers: pitfalls 7, 8
-- source: PostgreSQL, CREATE VIEW: security_invoker; CREATE FUNCTION: SECURITY DEFINER
-- why: What a view reads is checked against its owner. When the owner is exempt from row-level security, and the view does not ask who
--      asks, the policy is given the members of all tenants and finds everybody among them.
with asked as materialized (
    -- What of the application's own the policies ask.
    select d.refclassid as class, d.refobjid as oid, min(p.object) as policy
    from policies p join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
    where d.refobjid >= 16384 and d.refobjid <> p.relation and (not p.is_permissive or p.relation not in (select oid from sealed_tables))
    group by d.refclassid, d.refobjid
)
select o.name as object, format('%s depends on it, its owner %s is exempt, and it reads %s for whoever asks', o.policy, o.owner::regrole, o.reads) as why,
       o.fix
from (
    select v.name, v.owner, min(p.policy) as policy, min(t.name) as reads, format('alter view %s set (security_invoker = true)', v.name) as fix
    from asked p
    join relations v on v.oid = p.oid and p.class = 'pg_class'::regclass and v.kind = 'v'
    join pg_rewrite w on w.ev_class = v.oid
    join pg_depend u on u.classid = 'pg_rewrite'::regclass and u.objid = w.oid and u.refclassid = 'pg_class'::regclass
    join tenant_tables t on t.oid = u.refobjid and t.enabled
    where not coalesce(v.options, '{}') && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1']
      and pg_get_viewdef(v.oid) !~* '\m(current_setting|current_user|session_user|auth\.\w+)\M'
      and not exists (select from pg_depend s where s.classid = 'pg_rewrite'::regclass and s.objid = w.oid and s.refobjid in (select oid from context_sources))
    group by v.oid, v.name, v.owner
    union all
    select f.name, f.owner, min(p.policy), min(t.name), format('-- alter function %s security invoker, or let it return what belongs to who asks', f.name)
    from asked p
    join routines f on f.oid = p.oid and p.class = 'pg_proc'::regclass and f.is_definer
    join pg_proc c on c.oid = f.oid and c.pronargs = 0
    join pg_class r on f.body ~ ('\mfrom\s+([\w"]+\.)?' || regexp_replace(r.relname, '(\W)', '\\\1', 'g') || '\M')
    join tenant_tables t on t.oid = r.oid and t.enabled
    where f.body !~* '\m(current_setting|current_user|session_user|auth\.\w+|jwt)\M'
      and f.oid not in (select oid from context_sources)
    group by f.oid, f.name, f.owner
) as o
join pg_roles r on r.oid = o.owner and (r.rolsuper or r.rolbypassrls)

-- fault:
create view app.active as select distinct n.tenant_id from app.notes n;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id in (select a.tenant_id from app.active a));
-- names: app.active

-- fault:
create function app.active() returns setof uuid language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select distinct n.tenant_id from app.notes n $$;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id in (select app.active()));
-- names: app.active()

-- clean:
create view app.active with (security_invoker = true, security_barrier = true) as select distinct n.tenant_id from app.notes n;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and tenant_id in (select a.tenant_id from app.active a));
