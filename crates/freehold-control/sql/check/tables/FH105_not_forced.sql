-- Row security is not forced on the owner
-- severity: medium
-- covers: pitfall 6; pgrls SEC002
-- source: PostgreSQL, chapter "Row Security Policies": the owner is exempt unless row security is forced
-- why: The owner of a table is exempt from its policies until they are forced. Nobody logs in as this owner, but functions with
--      their owner's rights, views and jobs of the owner reach the rows of every tenant.
select r.name as object, format('the policies do not bind its owner, %s', r.owner::regrole) as why,
       format('alter table %s force row level security', r.name) as fix
from relations r join pg_roles o on o.oid = r.owner
where r.kind in ('r', 'p') and r.enabled and not r.forced
  and (r.oid in (select oid from tenant_tables) or r.oid in (select relation from policies where reads_context))
  and not o.rolcanlogin and not o.rolsuper and not o.rolbypassrls
  and not exists (select from reachable m where m.role = r.owner)

-- fault:
alter table app.projects no force row level security;
-- names: app.projects

-- clean:
alter table app.projects no force row level security;
alter table app.projects force row level security;
