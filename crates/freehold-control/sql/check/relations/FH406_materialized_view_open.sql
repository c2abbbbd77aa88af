-- Rows of tenants can be read from a materialized view
-- severity: critical
-- covers: pitfall 7, 53; splinter 0016; pgrls SEC054, VIEW003
-- source: PostgreSQL, CREATE MATERIALIZED VIEW; row-level security is for tables only
-- why: A materialized view keeps the rows that its owner saw when it was refreshed, and cannot have policies. Whoever may read it, or
--      a view over it, reads the rows of every tenant.
with open_matviews as (
    select r.oid, r.name, string_agg(distinct g.grantee_name, ', ' order by g.grantee_name) as grantees
    from relations r join grants g on g.relation = r.oid and g.privilege = 'SELECT'
    where r.kind = 'm' and r.oid in (select oid from holders)
    group by r.oid, r.name
)
select 'materialized view ' || m.name as object, 'it holds rows of tenants, and is open to ' || m.grantees as why,
       format('revoke select on %s from %s', m.name, m.grantees) as fix
from open_matviews m
union all
select distinct 'view ' || v.name, format('it shows %s, which holds rows of tenants, without asking who asks', m.name),
       format('-- add to %s a condition on the tenant, and security_barrier', v.name)
from views v
join view_uses u on u.view = v.oid
join relations m on m.oid = u.relation and m.kind = 'm' and m.oid in (select oid from holders)
where not v.filters and not v.is_invoker and m.oid not in (select oid from open_matviews)
  and exists (select from grants g where g.relation = v.oid and g.privilege = 'SELECT')

-- fault:
create materialized view app.totals as select n.tenant_id, count(*) as notes from app.notes n group by n.tenant_id;
grant select on app.totals to check_app;
-- names: materialized view app.totals

-- fault:
create view app.inner_notes as select * from app.notes;
create materialized view app.totals as select n.tenant_id, count(*) as notes from app.inner_notes n group by n.tenant_id;
create view app.shown_totals as select * from app.totals;
grant select on app.shown_totals to check_app;
-- names: view app.shown_totals

-- clean:
create table app.countries (code text primary key, name text not null);
alter table app.countries owner to check_owner;
create materialized view app.names as select c.name from app.countries c;
grant select on app.countries, app.names to check_app;
