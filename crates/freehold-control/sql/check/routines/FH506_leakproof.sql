-- A function is marked LEAKPROOF
-- severity: high
-- covers: pitfall 17; pgrls SEC017
-- source: PostgreSQL, CREATE FUNCTION: LEAKPROOF; chapter "Rules and Privileges"
-- why: The server runs LEAKPROOF functions on rows that policies hide. One that raises, logs or is slow for some values tells a
--      tenant what is in the rows of the others.
select f.name as object, format('it is LEAKPROOF, in language %s', f.language) as why,
       format('alter function %s not leakproof', f.name) as fix
from routines f
where f.is_leakproof

-- fault:
create function app.peek(value text) returns boolean language plpgsql immutable leakproof
    as $$ begin if value like 's%' then raise 'found %', value; end if; return true; end $$;
-- names: app.peek(text)

-- clean:
create function app.tidy(value text) returns text language sql immutable as $$ select btrim(value) $$;
alter function app.tidy(text) owner to check_owner;
