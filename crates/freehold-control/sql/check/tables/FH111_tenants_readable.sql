-- Every tenant can read the table of tenants
-- severity: medium
-- covers: pitfall 50; pgrls SEC001
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: One query lists who the other customers are: their names, often their plans, contacts and settings, and the ids that
--      attacks on other tables start from.
select r.name as object,
       format('%s may read it, and it has no row-level security', string_agg(distinct g.grantee_name, ', ')) as why,
       format('-- revoke select on %s from %s; or enable and force row-level security, with a policy that shows a tenant its own row',
              r.name, string_agg(distinct g.grantee_name, ', ')) as fix
from tenant_roots r join grants g on g.relation = r.oid and g.privilege = 'SELECT'
where not r.enabled and not exists (select from policies p where p.relation = r.oid)
group by r.oid, r.name

-- fault:
grant select on app.tenants to check_app;
-- names: app.tenants

-- clean:
alter table app.tenants enable row level security, force row level security;
create policy own on app.tenants using (id = (select c.tenant from app.context c));
grant select on app.tenants to check_app;
