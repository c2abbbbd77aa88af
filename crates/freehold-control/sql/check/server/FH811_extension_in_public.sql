-- An extension is in the schema public
-- severity: low
-- covers: splinter 0014
-- source: PostgreSQL, CREATE EXTENSION: SCHEMA
-- why: Its functions stand on everybody's search path beside the application's names, and can be called by whoever may use public; an API
--      made from that schema offers them too.
select 'extension ' || quote_ident(e.extname) as object, 'its objects are in public' as why,
       case when e.extrelocatable then format('create schema if not exists extensions; alter extension %I set schema extensions', e.extname)
            else format('-- drop extension %1$I and create it again: create extension %1$I with schema extensions', e.extname) end as fix
from pg_extension e
where e.extnamespace = to_regnamespace('public')
  and exists (select from app_roles a where has_schema_privilege(a.oid, e.extnamespace, 'usage'))

-- fault:
create extension hstore with schema public;
-- names: extension hstore

-- clean:
create schema check_extensions authorization check_owner;
create extension hstore with schema check_extensions;
