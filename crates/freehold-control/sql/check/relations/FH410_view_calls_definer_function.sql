-- A view calls a function that reads past the policies
-- severity: high
-- covers: pitfall 8; pgrls VIEW004
-- source: PostgreSQL, CREATE FUNCTION: SECURITY DEFINER
-- why: A function with SECURITY DEFINER reads as its owner, whatever the view over it says of security_invoker. When policies do not
--      bind that owner and the function does not ask who asks, the view shows rows of every tenant.
select distinct 'view ' || v.name as object,
       format('it calls %s, which reads %s as %s, whom the policies do not bind', f.name, t.name, o.rolname) as why,
       format('alter function %s security invoker', f.name) as fix
from views v
join pg_rewrite w on w.ev_class = v.oid
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_proc'::regclass
join routines f on f.oid = d.refobjid and f.is_definer
join pg_roles o on o.oid = f.owner
join relations t on t.kind in ('r', 'p') and t.enabled
join pg_class c on c.oid = t.oid
where f.body ~* ('\m(from|join|only|table|update|into)\s+("?\w+"?\.)?"?' || regexp_replace(c.relname, '(\W)', '\\\1', 'g') || '\M')
  and (o.rolsuper or o.rolbypassrls or not t.forced and pg_has_role(f.owner, t.owner, 'usage'))
  and f.body !~* '\m(current_setting|current_user|session_user)\M'
  and f.oid not in (select oid from context_sources)
  and exists (select from grants g where g.relation = v.oid and g.privilege = 'SELECT')

-- fault:
create function app.every_note() returns setof app.notes language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select n.* from app.notes n';
create view app.shown_notes with (security_invoker = true) as select n.text from app.every_note() n;
grant select on app.shown_notes to check_app;
-- names: view app.shown_notes

-- clean:
create function app.every_note() returns setof app.notes language sql stable set search_path = pg_catalog, pg_temp
    as 'select n.* from app.notes n';
alter function app.every_note() owner to check_owner;
create view app.shown_notes with (security_invoker = true) as select n.text from app.every_note() n;
grant select on app.shown_notes to check_app;
