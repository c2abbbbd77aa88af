-- Applications may create temporary tables
-- severity: low
-- covers: pitfall 24; pitfall 8
-- source: PostgreSQL, chapter "Privileges": TEMPORARY is granted to PUBLIC by default; CREATE TABLE: TEMPORARY
-- why: A temporary table is found before a real one of its name, and stays in a pooled session for the next tenant to read or to
--      fall for.
select distinct format('database %I', d.datname) as object,
       format('%s may create temporary tables in it', coalesce(nullif(x.grantee, 0)::regrole::text, 'everybody')) as why,
       format('revoke temporary on database %I from %s', d.datname, coalesce(nullif(x.grantee, 0)::regrole::text, 'public')) as fix
from pg_database d
cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x
where d.datname = current_database() and x.privilege_type = 'TEMPORARY' and x.grantee <> d.datdba
  and (x.grantee = 0 or exists (select from reachable r join app_roles a on a.oid = r.app and a.configured where r.role = x.grantee))
  and exists (select from tenant_tables)

-- fault:
do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$;
-- names: database

-- clean:
create role check_operator login;
do $$ begin execute format('grant temporary on database %I to check_operator', current_database()); end $$;
