-- An application owns an operator or a cast that statements of others may use
-- severity: high
-- covers: pitfall 26
-- source: CVE-2018-1058; PostgreSQL, chapter "Operators: Type Resolution"; CREATE CAST
-- why: Operators and casts are chosen by type, and one that fits better than the server's own is taken without being named. Its
--      owner says what it does in everybody's statements.
with applications as (
    select r.role from reachable r join app_roles a on a.oid = r.app join pg_roles o on o.oid = r.role and not o.rolsuper
    where (a.configured or r.app in (select e.app from reachable e join grants g on g.grantee = e.role
                                     join tenant_tables n on n.oid = g.relation))
      and r.role not in (select t.owner from tenant_tables t)
)
select format('operator %s', o.oid::regoperator) as object, 'an application owns it or its function' as why,
       format('alter operator %s owner to %s; alter routine %s owner to %2$s', o.oid::regoperator, s.owner::regrole, o.oprcode::regprocedure) as fix
from pg_operator o
join schemas s on s.oid = o.oprnamespace
join pg_proc p on p.oid = o.oprcode
where exists (select from applications a where a.role in (o.oprowner, p.proowner) and a.role <> s.owner)
  -- Only where others look for names: with the tables.
  and (s.name = 'public' or s.name in (select t.schema from tenant_tables t))
union all
select format('cast from %s to %s', c.castsource::regtype, c.casttarget::regtype), format('%s owns its function', f.owner::regrole),
       format('alter routine %s owner to %s', f.name, s.owner::regrole)
from pg_cast c
join routines f on f.oid = c.castfunc
join schemas s on s.name = f.schema
where c.castcontext in ('i', 'a') and s.owner <> f.owner and f.owner in (select role from applications)

-- fault:
create function app.same(uuid, text) returns boolean language sql immutable as $$ select true $$;
create operator app.= (leftarg = uuid, rightarg = text, function = app.same);
alter operator app.= (uuid, text) owner to check_app;
-- names: operator app.=(uuid,text)

-- fault:
create type app.colour as enum ('red');
create function app.to_colour(integer) returns app.colour language sql immutable as $$ select 'red'::app.colour $$;
alter function app.to_colour(integer) owner to check_app;
create cast (integer as app.colour) with function app.to_colour(integer) as implicit;
-- names: cast from integer to app.colour

-- clean:
create function app.same(uuid, text) returns boolean language sql immutable as $$ select true $$;
create operator app.= (leftarg = uuid, rightarg = text, function = app.same);
alter function app.same(uuid, text) owner to check_owner;
alter operator app.= (uuid, text) owner to check_owner;
