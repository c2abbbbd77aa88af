-- A SECURITY DEFINER function searches a schema that applications may create in
-- severity: critical
-- covers: pitfall 8; pitfall 26; pgrls SEC015
-- source: CVE-2018-1058; PostgreSQL, CREATE FUNCTION: Writing SECURITY DEFINER Functions Safely
-- why: Whoever creates in the schema puts a function or table of his own there, and the function runs or reads it with the rights of
--      its owner.
select f.name as object, format('schema %I is in its search_path, and %s may create there', s.name, w.grantee) as why,
       format('revoke create on schema %I from %s', s.name, w.grantee) as fix
from routines f
cross join lateral (select substr(c, 13) as path from unnest(f.settings) as c where c ~ '^search_path=') p
join schemas s on s.name::text = any (regexp_split_to_array(replace(btrim(p.path), '"', ''), '\s*,\s*'))
cross join lateral aclexplode(coalesce(s.acl, acldefault('n', s.owner))) x
cross join lateral (select coalesce(nullif(x.grantee, 0)::regrole::text, 'public') as grantee) w
where f.is_definer and f.language not in ('c', 'internal') and pg_get_function_sqlbody(f.oid) is null
  and x.privilege_type = 'CREATE' and x.grantee not in (s.owner, f.owner) and (x.grantee = 0 or x.grantee in (select role from reachable))

-- fault:
create schema shared;
grant create, usage on schema shared to check_app;
create function app.count_projects() returns bigint language sql security definer set search_path = shared, app, pg_temp
    as $$ select count(*) from projects $$;
-- names: app.count_projects()

-- clean:
create schema shared;
grant usage on schema shared to check_app;
create function app.count_projects() returns bigint language sql security definer set search_path = shared, app, pg_temp
    as $$ select count(*) from projects $$;
alter function app.count_projects() owner to check_owner;
