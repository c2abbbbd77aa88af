-- An application can act as the owner of tenant tables whose row-level security is not forced
-- severity: critical
-- covers: pitfall 6; pgrls SEC048
-- source: PostgreSQL, ALTER TABLE: FORCE ROW LEVEL SECURITY; chapter "Role Membership"
-- why: Policies do not hold the owner of a table unless they are forced on it, and members of the owner's role count as owner.
select format('role %s', a.oid::regrole) as object,
       format(case when r.role = a.oid then 'it owns tenant tables whose row-level security is not forced, such as %2$s'
                   else 'it is a member of %1$s, which owns tenant tables whose row-level security is not forced, such as %2$s' end,
              r.role::regrole, min(t.name)) as why,
       string_agg(format('alter table %s force row level security', t.name), '; ' order by t.name) as fix
from reachable r
join app_roles a on a.oid = r.app
join pg_roles w on w.oid = a.oid and not w.rolsuper and not w.rolbypassrls
join pg_roles o on o.oid = r.role and not o.rolsuper and not o.rolbypassrls
join tenant_tables t on t.owner = r.role and t.enabled and not t.forced
where a.configured or a.oid in (select e.app from reachable e join grants g on g.grantee = e.role join tenant_tables n on n.oid = g.relation)
group by a.oid, r.role

-- fault:
grant check_owner to check_app;
alter table app.notes no force row level security;
-- names: role check_app

-- fault:
alter table app.notes owner to check_app;
alter table app.notes no force row level security;
-- names: role check_app

-- clean:
create role check_operator login;
grant check_owner to check_operator;
