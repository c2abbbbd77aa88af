-- A materialized view keeps rows of tenants outside the policies
-- severity: low
-- covers: pitfall 7; pgrls VIEW003
-- source: PostgreSQL, REFRESH MATERIALIZED VIEW: the query runs as the owner
-- why: Nobody of the application may read it as it is, but one grant opens the rows of every tenant, and no policy can be made for it.
--      A table with policies, kept by a job, can hold the same.
select 'materialized view ' || m.name as object, 'it holds rows of tenants, and cannot have policies' as why,
       format('-- make a table with policies of %s, or show it by a view with security_barrier and a condition on the tenant only',
              m.name) as fix
from relations m
where m.kind = 'm' and m.oid in (select oid from holders)
  and not exists (select from grants g where g.relation = m.oid and g.privilege = 'SELECT')
  -- A view with a condition on the tenant is there already.
  and not exists (select from view_uses u join views v on v.oid = u.view and v.filters where u.relation = m.oid)

-- fault:
create materialized view app.totals as select n.tenant_id, count(*) as notes from app.notes n group by n.tenant_id;
-- names: materialized view app.totals

-- clean:
create materialized view app.totals as select n.tenant_id, count(*) as notes from app.notes n group by n.tenant_id;
create view app.my_totals with (security_barrier = true) as
    select t.notes from app.totals t where t.tenant_id = (select c.tenant from app.context c);
grant select on app.my_totals to check_app;
