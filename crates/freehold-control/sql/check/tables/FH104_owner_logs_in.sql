-- Row security is not forced on an owner that can log in
-- severity: high
-- covers: pitfall 6; pgrls SEC002
-- source: PostgreSQL, chapter "Row Security Policies": the owner is exempt unless row security is forced
-- why: The owner of a table is exempt from its policies until they are forced. Applications often log in as the owner, because
--      their migrations do, and then see the rows of every tenant.
select r.name as object, format('its owner, %s, can log in, and the policies do not bind it', r.owner::regrole) as why,
       case when d.name is null then format('alter table %s force row level security', r.name)
            else format('-- let nobody log in as %s: forced, the policies would hold %s too, which reads %s as its owner',
                        r.owner::regrole, d.name, r.name) end as fix
from relations r join pg_roles o on o.oid = r.owner join pg_class c on c.oid = r.oid
left join lateral (
    select min(f.name) as name from routines f
    where f.is_definer and f.owner = r.owner and strpos(f.body, c.relname) > 0
      and f.body ~* ('\m(from|join|only|table|update|into)\s+("?\w+"?\.)?"?' || regexp_replace(c.relname, '(\W)', '\\\1', 'g') || '\M')
) as d on true
where r.kind in ('r', 'p') and r.enabled and not r.forced
  and (r.oid in (select oid from tenant_tables) or r.oid in (select relation from policies where reads_context))
  and o.rolcanlogin and not o.rolsuper and not o.rolbypassrls
  and not exists (select from reachable m where m.role = r.owner)

-- fault:
alter role check_owner login;
alter table app.projects no force row level security;
-- names: app.projects

-- clean:
alter role check_owner login;
