-- A policy asks a function whose tables the caller can replace
-- severity: high
-- covers: pitfall 8; pitfall 25; splinter 0011
-- source: PostgreSQL, search_path; CREATE FUNCTION: SET
-- why: The function reads a table by its bare name and sets no search_path. A caller with a table of that name, a temporary one
--      suffices, decides what the policy lets through.
select f.name as object, format('%s calls it, and it reads %s by its bare name', min(p.object), min(r.name)) as why,
       format('alter routine %s set search_path = pg_catalog, %s, pg_temp', f.name, string_agg(distinct quote_ident(r.schema), ', ')) as fix
from policies p
join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
join routines f on f.oid = d.refobjid
join relations r on r.kind <> 'S'
join pg_class c on c.oid = r.oid
where f.language in ('sql', 'plpgsql') and pg_get_function_sqlbody(f.oid) is null
  and not exists (select from unnest(f.settings) as s where s ~ '^search_path=')
  and strpos(lower(f.body), lower(c.relname)) > 0
  and f.body ~* ('\m(from|join)\s+(only\s+)?"?' || regexp_replace(c.relname, '(\W)', '\\\1', 'g') || '"?(?![\w.(])')
group by f.oid, f.name

-- fault:
create table app.members (tenant_id uuid not null references app.tenants, login text not null, primary key (tenant_id, login));
set local search_path = app;
create function app.mine(tenant uuid) returns boolean language sql stable
    as $$ select exists (select from members m where m.tenant_id = tenant and m.login = current_setting('app.login', true)) $$;
reset search_path;
create policy by_member on app.notes for select using (app.mine(tenant_id));
-- names: app.mine(uuid)

-- clean:
create function app.current_tenant() returns uuid language sql stable parallel safe as $$ select c.tenant from app.context c $$;
alter function app.current_tenant() owner to check_owner;
create policy by_function on app.notes as restrictive for select using (tenant_id = (select app.current_tenant()));
