-- Applications may create schemas in the database
-- severity: medium
-- covers: pitfall 26
-- source: PostgreSQL, chapter "Privileges": CREATE on a database
-- why: CREATE on the database makes schemas and installs trusted extensions, and a schema of one's own is where shadows of tables
--      and functions are put.
select distinct format('database %I', d.datname) as object,
       format('%s may create schemas in it', coalesce(nullif(x.grantee, 0)::regrole::text, 'everybody')) as why,
       format('revoke create on database %I from %s', d.datname, coalesce(nullif(x.grantee, 0)::regrole::text, 'public')) as fix
from pg_database d
cross join lateral aclexplode(d.datacl) x
where d.datname = current_database() and x.privilege_type = 'CREATE' and x.grantee <> d.datdba
  and (x.grantee = 0 or exists (select from reachable r join app_roles a on a.oid = r.app and a.configured where r.role = x.grantee))

-- fault:
do $$ begin execute format('grant create on database %I to check_app', current_database()); end $$;
-- names: database

-- clean:
create role check_migrations login;
do $$ begin execute format('grant create on database %I to check_migrations', current_database()); end $$;
