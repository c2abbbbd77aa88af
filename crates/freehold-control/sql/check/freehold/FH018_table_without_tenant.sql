-- A table without tenant_id is granted to tenants
-- severity: critical
-- covers: pitfall 6
-- source: freehold.global_table
-- why: Without tenant_id it has no policies, so whoever lives in the placement reads all of it. What all tenants may read is a global table.
select distinct r.name as object, format('%s may %s', g.grantee_name, lower(g.privilege)) as why,
       format('revoke all on %s from public, freehold_app, freehold_tenant', r.name) as fix
from relations r join grants g on g.relation = r.oid
where r.kind in ('r', 'p') and r.schema in (select id from freehold.placements) and r.oid not in (select oid from tenant_tables)

-- fault:
create table switches (name text primary key);
grant select on switches to freehold_app;
-- names: switches

-- clean:
create table switches (name text primary key);
