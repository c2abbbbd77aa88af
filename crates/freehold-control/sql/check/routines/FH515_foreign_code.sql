-- Others run a function that an application can change
-- severity: critical
-- covers: pitfall 9; pitfall 26
-- source: PostgreSQL, CREATE FUNCTION: OR REPLACE is the owner's; CREATE TRIGGER; CREATE EVENT TRIGGER
-- why: Its owner puts any text in the function, and triggers, policies, views and functions of others run it as whoever comes by:
--      other tenants, operators, superusers.
with called as (
    select g.tgfoid as routine, format('trigger %I on %s', g.tgname, g.tgrelid::regclass) as place, c.relowner as owner
    from pg_trigger g join pg_class c on c.oid = g.tgrelid where not g.tgisinternal and g.tgparentid = 0
    union all
    select e.evtfoid, format('event trigger %I', e.evtname), e.evtowner from pg_event_trigger e
    union all
    select d.refobjid, p.object, r.owner
    from policies p join relations r on r.oid = p.relation
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
    union all
    select d.refobjid, format('a default of %s', a.adrelid::regclass), c.relowner
    from pg_attrdef a join pg_class c on c.oid = a.adrelid
    join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = a.oid and d.refclassid = 'pg_proc'::regclass
    union all
    select d.refobjid, format('constraint %I on %s', k.conname, k.conrelid::regclass), c.relowner
    from pg_constraint k join pg_class c on c.oid = k.conrelid
    join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid and d.refclassid = 'pg_proc'::regclass
    union all
    select d.refobjid, case when w.rulename = '_RETURN' then format('view %s', w.ev_class::regclass)
                            else format('rule %I on %s', w.rulename, w.ev_class::regclass) end, c.relowner
    from pg_rewrite w join pg_class c on c.oid = w.ev_class
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_proc'::regclass
    union all
    select f.oid, format('SECURITY DEFINER function %s', g.name), g.owner
    from routines g join routines f on f.oid <> g.oid and g.is_definer
    join pg_proc p on p.oid = f.oid and strpos(lower(g.body), lower(p.proname)) > 0
         and g.body ~* ('\m"?' || regexp_replace(f.schema::text, '(\W)', '\\\1', 'g') || '"?\."?'
                    || regexp_replace(p.proname, '(\W)', '\\\1', 'g') || '"?\s*\(')
)
select f.name as object, format('%s owns it, and %s calls it', f.owner::regrole, min(c.place)) as why,
       format('alter routine %s owner to %s', f.name, min(c.owner::regrole::text)) as fix
from called c
join routines f on f.oid = c.routine
where c.owner <> f.owner
  and f.owner in (select r.role from reachable r join app_roles a on a.oid = r.app join pg_roles o on o.oid = r.role and not o.rolsuper
                  where a.configured or r.app in (select e.app from reachable e join grants g on g.grantee = e.role
                                                  join tenant_tables n on n.oid = g.relation))
  -- Who acts as the owner of tables is a finding of its own.
  and f.owner not in (select t.owner from tenant_tables t) and c.owner not in (select role from reachable)
group by f.oid, f.name, f.owner

-- fault:
create function app.stamp() returns trigger language plpgsql as $$ begin return new; end $$;
alter function app.stamp() owner to check_app;
create trigger stamp before insert on app.notes for each row execute function app.stamp();
-- names: app.stamp()

-- fault:
create function app.seen() returns event_trigger language plpgsql as $$ begin end $$;
alter function app.seen() owner to check_app;
create event trigger check_seen on ddl_command_end execute function app.seen();
-- names: app.seen()

-- fault:
create function app.helper() returns bigint language sql as $$ select 1::bigint $$;
alter function app.helper() owner to check_app;
create function app.total() returns bigint language sql security definer set search_path = pg_catalog, pg_temp as $$ select app.helper() $$;
alter table app.notes add column number bigint default app.helper();
-- names: app.helper()

-- clean:
create function app.stamp() returns trigger language plpgsql as $$ begin return new; end $$;
alter function app.stamp() owner to check_owner;
create trigger stamp before insert on app.notes for each row execute function app.stamp();
create function app.mine() returns bigint language sql as $$ select 1::bigint $$;
alter function app.mine() owner to check_app;
