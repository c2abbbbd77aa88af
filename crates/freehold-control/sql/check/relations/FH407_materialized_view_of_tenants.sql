-- A materialized view keeps rows of tenants outside the policies
-- severity: low
-- covers: pitfall 7; pgrls VIEW003
-- source: PostgreSQL, REFRESH MATERIALIZED VIEW: the query runs as the owner
-- why: Nobody of the application may read it as it is, but one grant opens the rows of every tenant, and no policy can be made for it.
--      A table with policies, kept by a job, can hold the same.
with recursive uses as materialized (
    select distinct w.ev_class as view, d.refobjid as relation
    from pg_rewrite w
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
    where w.ev_type = '1' and d.refobjid <> w.ev_class
),
views as materialized (
    -- What a view names is read as its owner, or, with security_invoker, as the caller, however deep it is nested.
    select r.oid, r.name, r.owner, r.options, o.rolname as owner_name, o.rolsuper or o.rolbypassrls as is_exempt,
           exists (select from pg_options_to_table(r.options) x
                   where x.option_name = 'security_invoker' and x.option_value::boolean) as is_invoker,
           -- It asks who is asking, and so keeps tenants apart itself.
           pg_get_viewdef(r.oid) ~ '\m(current_setting|CURRENT_USER|SESSION_USER|CURRENT_ROLE|USER)\M'
           or exists (select from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
                      where w.ev_class = r.oid and d.refobjid in (select oid from context_sources)) as filters
    from relations r join pg_roles o on o.oid = r.owner
    where r.kind = 'v'
),
holds as (
    -- Whatever takes its rows from tables that keep tenants apart, or should.
    (select oid from tenant_tables union select oid from relations where kind in ('r', 'p') and enabled)
    union
    select u.view from holds h join uses u on u.relation = h.oid
    where u.view not in (select oid from views where filters)
)
select 'materialized view ' || m.name as object, 'it holds rows of tenants, and cannot have policies' as why,
       format('-- make a table with policies of %s, or show it by a view with security_barrier and a condition on the tenant only',
              m.name) as fix
from relations m
where m.kind = 'm' and m.oid in (select oid from holds)
  and not exists (select from grants g where g.relation = m.oid and g.privilege = 'SELECT')
  -- A view with a condition on the tenant is there already.
  and not exists (select from uses u join views v on v.oid = u.view and v.filters where u.relation = m.oid)

-- fault:
create materialized view app.totals as select n.tenant_id, count(*) as notes from app.notes n group by n.tenant_id;
-- names: materialized view app.totals

-- clean:
create materialized view app.totals as select n.tenant_id, count(*) as notes from app.notes n group by n.tenant_id;
create view app.my_totals with (security_barrier = true) as
    select t.notes from app.totals t where t.tenant_id = (select c.tenant from app.context c);
grant select on app.my_totals to check_app;
