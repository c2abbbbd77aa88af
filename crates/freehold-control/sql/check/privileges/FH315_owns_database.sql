-- An application owns the database
-- severity: high
-- covers: pitfall 26; pitfall 43
-- source: PostgreSQL, ALTER DATABASE; chapter "Predefined Roles": pg_database_owner
-- why: The owner of the database changes the settings of every session in it, creates in the schema public, and may drop it all.
select format('database %I', d.datname) as object, format('%s owns it', d.datdba::regrole) as why,
       coalesce((select format('alter database %I owner to %s', d.datname, min(t.owner::regrole::text))
                 from tenant_tables t where t.owner not in (select role from reachable) having count(*) > 0),
                format('-- give it to a role that nobody logs in as: alter database %I owner to ...', d.datname)) as fix
from pg_database d
where d.datname = current_database()
  and d.datdba in (select r.role from reachable r join app_roles a on a.oid = r.app and a.configured join pg_roles o on o.oid = r.role
                   where not o.rolsuper and (r.role = r.app or r.role not in (select owner from tenant_tables)))

-- fault:
do $$ begin execute format('alter database %I owner to check_app', current_database()); end $$;
-- names: database

-- clean:
do $$ begin execute format('alter database %I owner to check_owner', current_database()); end $$;
