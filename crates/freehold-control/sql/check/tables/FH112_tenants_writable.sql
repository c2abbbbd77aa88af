-- Every tenant can write the table of tenants
-- severity: high
-- covers: pitfall 6
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: What runs as the application for one tenant can rename, suspend or delete any other, and a delete that cascades takes
--      all the data with it.
select r.name as object,
       format('%s may %s, and it has no row-level security', string_agg(distinct g.grantee_name, ', '),
              lower(string_agg(distinct g.privilege, ', '))) as why,
       format('revoke %s on %s from %s', lower(string_agg(distinct g.privilege, ', ')), r.name,
              string_agg(distinct g.grantee_name, ', ')) as fix
from tenant_roots r join grants g on g.relation = r.oid and g.privilege in ('INSERT', 'UPDATE', 'DELETE')
where not r.enabled and not exists (select from policies p where p.relation = r.oid)
group by r.oid, r.name

-- fault:
grant select, update on app.tenants to check_app;
-- names: app.tenants

-- clean:
alter table app.tenants enable row level security, force row level security;
create policy own on app.tenants using (id = (select c.tenant from app.context c));
grant select, update on app.tenants to check_app;
