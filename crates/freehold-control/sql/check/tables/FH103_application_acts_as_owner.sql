-- An application can act as the owner of a table whose row security is not forced
-- severity: critical
-- covers: pitfall 6, 40; pgrls SEC048, SEC002
-- source: PostgreSQL, chapter "Row Security Policies": the owner is exempt unless row security is forced
-- why: The owner of a table is exempt from its policies until they are forced, and whoever is a member of the owner may act as it,
--      so the application reads and writes the rows of every tenant.
select r.name as object, format('%s can act as the owner, %s, whom the policies do not bind',
              (select string_agg(distinct m.app::regrole::text, ', ') from reachable m where m.role = r.owner), r.owner::regrole) as why,
       format('alter table %s force row level security', r.name) as fix
from relations r join pg_roles o on o.oid = r.owner
where r.kind in ('r', 'p') and r.enabled and not r.forced
  and (r.oid in (select oid from tenant_tables) or r.oid in (select relation from policies where reads_context))
  -- An exempt owner is exempt from forced policies too, and is a finding of its own.
  and not o.rolsuper and not o.rolbypassrls
  and exists (select from reachable m where m.role = r.owner)

-- fault:
grant check_owner to check_app;
alter table app.notes no force row level security;
-- names: app.notes

-- fault:
alter table app.notes owner to check_app;
alter table app.notes no force row level security;
-- names: app.notes

-- fault:
create role check_between nologin;
grant check_owner to check_between;
grant check_between to check_app;
alter table app.events_2026 no force row level security;
-- names: app.events_2026

-- clean:
create role check_operator login;
grant check_owner to check_operator;
