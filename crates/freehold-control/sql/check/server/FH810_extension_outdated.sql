-- An extension is behind its installed version
-- severity: low
-- covers: splinter 0022
-- source: PostgreSQL, ALTER EXTENSION ... UPDATE
-- why: An update of packages brings new files only: functions and grants in the database stay as they were, and with them what the
--      update mends, until the extension is updated too.
select 'extension ' || quote_ident(e.extname) as object, format('it is at %s, and %s is installed', e.extversion, a.default_version) as why,
       format('alter extension %I update', e.extname) as fix
from pg_extension e
join pg_available_extensions a on a.name = e.extname and a.default_version <> e.extversion
-- Where no script leads there, somebody chose.
where exists (select from pg_extension_update_paths(e.extname) p where p.source = e.extversion and p.target = a.default_version
                and p.path is not null)

-- fault:
create schema check_extensions;
create extension hstore with schema check_extensions version '1.4';
-- names: extension hstore

-- clean:
create schema check_extensions authorization check_owner;
create extension hstore with schema check_extensions;
