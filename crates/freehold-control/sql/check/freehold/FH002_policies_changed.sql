-- A tenant table has not the policies that freehold.tenant_table gives
-- severity: critical
-- covers: pitfalls 15, 16, 39, 46
-- source: freehold.tenant_table; PostgreSQL, CREATE POLICY
-- why: What keeps tenants apart is one restrictive policy for each command, for everybody, which compares the tenant and the placement
--      with freehold.context. Without one of them, that command reaches every tenant's rows.
select t.name as object, format('policy %s is missing, or not as it was made', wanted.name) as why,
       case when t.is_partition then '-- call freehold.tenant_table on its parent again' else format('select freehold.tenant_table(%L)', t.name) end as fix
from tenant_tables t
cross join (values ('freehold_rows', '*', true), ('freehold_select', 'r', false), ('freehold_insert', 'a', false),
                   ('freehold_update', 'w', false), ('freehold_delete', 'd', false)) as wanted(name, command, permissive)
where t.schema in (select id from freehold.placements)
  and not exists (
    select from policies p
    where p.relation = t.oid and p.name = wanted.name and p.command::text = wanted.command and p.is_permissive = wanted.permissive
      and p.roles = '{0}'
      and (wanted.permissive or coalesce(p.using_text, p.check_text) ~ ('tenant_id = .*' || t.schema || '.*freehold\.context')))

-- fault:
drop policy freehold_insert on accounts;
-- names: accounts

-- fault:
alter policy freehold_select on accounts using (true);
-- names: accounts

-- clean:
create policy own_more on accounts as restrictive for select using (name <> 'hidden');
