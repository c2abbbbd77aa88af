-- An event trigger runs code of the application
-- severity: critical
-- covers: pitfall 9
-- source: PostgreSQL, chapter "Event Triggers"
-- why: An event trigger's function runs as whoever changes the schema, a superuser among them. Where the application can act as the
--      function's owner, it writes what the superuser runs.
select format('event trigger %I', t.evtname) as object, format('it runs %s, which %I can replace', p.oid::regprocedure, o.rolname) as why,
       format('alter function %s owner to %I', p.oid::regprocedure, to_.rolname) as fix
from pg_event_trigger t
join pg_proc p on p.oid = t.evtfoid
join pg_roles o on o.oid = p.proowner
join pg_roles to_ on to_.oid = t.evtowner
where t.evtenabled <> 'D' and p.proowner <> t.evtowner and p.proowner in (select role from reachable)

-- fault:
create function app.watch() returns event_trigger language plpgsql set search_path = pg_catalog, pg_temp as 'begin end';
create event trigger check_watch on ddl_command_end when tag in ('comment') execute function app.watch();
grant create on schema app to check_app;
alter function app.watch() owner to check_app;
-- names: event trigger check_watch

-- clean:
create function app.watch() returns event_trigger language plpgsql set search_path = pg_catalog, pg_temp as 'begin end';
revoke execute on function app.watch() from public;
create event trigger check_watch on ddl_command_end when tag in ('comment') execute function app.watch();
