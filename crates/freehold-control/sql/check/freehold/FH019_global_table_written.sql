-- Tenants may change what every tenant reads
-- severity: critical
-- covers: pitfall 14
-- source: freehold.global_table
-- why: A global table is reference data, the same for everybody. A tenant that can change it changes what the others read, and can leave
--      them messages.
select distinct r.name as object, format('%s may %s', g.grantee_name, lower(g.privilege)) as why,
       format('select freehold.global_table(%L)', r.name) as fix
from relations r join grants g on g.relation = r.oid
where r.schema = 'global' and r.kind in ('r', 'p') and g.privilege <> 'SELECT'

-- fault:
grant insert on global.currencies to freehold_app;
-- names: global.currencies

-- clean:
grant insert on global.currencies to freehold_control;
