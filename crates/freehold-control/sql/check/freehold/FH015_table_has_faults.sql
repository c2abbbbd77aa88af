-- A tenant table has what freehold.tenant_table refuses
-- severity: high
-- covers: pitfalls 10, 11, 20
-- source: freehold.tenant_table_faults
-- why: A table that was changed behind its last call of freehold.tenant_table can have a key, a reference or a column by which tenants
--      learn of each other.
select t.name as object, f.fault as why, '-- ' || f.fix as fix
from tenant_tables t cross join lateral freehold.tenant_table_faults(t.oid::regclass) f
where not t.is_partition and t.schema in (select id from freehold.placements)

-- fault:
create unique index by_name on accounts (name);
-- names: accounts

-- clean:
create unique index by_name on accounts (tenant_id, name);
