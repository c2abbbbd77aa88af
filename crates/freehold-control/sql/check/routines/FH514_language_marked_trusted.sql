-- An untrusted language is marked as trusted
-- severity: critical
-- covers: pitfall 29
-- source: PostgreSQL, CREATE LANGUAGE: TRUSTED; pg_language
-- why: Every role with USAGE on the language, and that is everybody by default, writes functions that do on the server what the
--      server may do.
select format('language %I', l.lanname) as object, 'it is marked as trusted, and it is not' as why,
       format('update pg_catalog.pg_language set lanpltrusted = false where lanname = %L', l.lanname) as fix
from pg_language l
where l.lanpltrusted and (l.lanname in ('c', 'internal') or l.lanname ~ '^pl(python|perl|tcl|r|sh|java|lua|ruby|php)[0-9]*u$' or l.lanname = 'plsh')

-- fault:
update pg_language set lanpltrusted = true where lanname = 'c';
-- names: language c

-- clean:
create trusted language check_safe handler plpgsql_call_handler;
