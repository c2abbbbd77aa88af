-- Applications may create in a schema that others search
-- severity: high
-- covers: pitfall 26; pitfall 25
-- source: CVE-2018-1058; PostgreSQL, chapter "Schemas": Usage Patterns
-- why: Who creates in a schema of the search path puts a table or function of his own before the real one, and other tenants'
--      sessions use it.
select distinct format('schema %I', s.name) as object,
       format('%s may create in it', coalesce(nullif(x.grantee, 0)::regrole::text, 'everybody')) as why,
       format('revoke create on schema %I from %s', s.name, coalesce(nullif(x.grantee, 0)::regrole::text, 'public')) as fix
from schemas s
cross join lateral aclexplode(coalesce(s.acl, acldefault('n', s.owner))) x
where x.privilege_type = 'CREATE' and x.grantee <> s.owner and (x.grantee = 0 or x.grantee in (select role from reachable))
  and (s.name = 'public'
       or s.name in (select t.schema from tenant_tables t)
       or exists (select from pg_db_role_setting d cross join unnest(d.setconfig) as c
                  where c ~ '^search_path=' and format('%I', s.name) = any (regexp_split_to_array(substr(c, 13), '\s*,\s*'))))

-- fault:
grant create on schema app to check_app;
-- names: schema app

-- fault:
grant create on schema public to public;
-- names: schema public

-- fault:
create schema shared;
grant create on schema shared to public;
alter role check_app set search_path = app, shared;
-- names: schema shared

-- clean:
create schema shared;
grant usage on schema shared to check_app;
alter role check_app set search_path = app, shared;
create role check_migrations login;
grant create on schema app to check_migrations;
