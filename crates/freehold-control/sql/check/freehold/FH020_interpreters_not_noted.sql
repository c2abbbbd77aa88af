-- Routines that run text were made behind Freehold's back
-- severity: high
-- covers: pitfall 42
-- source: freehold.note_interpreters
-- why: What a statement can do behind its text decides how a connection is cleaned. A routine that runs text, and is not noted, lets a
--      tenant leave things behind on the connection.
select 'freehold.installation' as object, format('routines that run text are %s, and %s is noted', found.interpreters, i.interpreters) as why,
       'select freehold.note_interpreters()' as fix
from freehold.installation i cross join freehold.interpreters() as found(interpreters)
where array_position(array['none', 'triggers', 'callable'], found.interpreters) > array_position(array['none', 'triggers', 'callable'], i.interpreters)

-- fault:
create function run(text text) returns void language plpgsql as 'begin execute text; end';
-- names: freehold.installation

-- clean:
create function add_up(a bigint, b bigint) returns bigint language sql immutable return a + b;
