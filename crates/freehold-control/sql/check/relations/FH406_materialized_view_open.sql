-- Rows of tenants can be read from a materialized view
-- severity: critical
-- covers: pitfall 7, 53; splinter 0016; pgrls SEC054, VIEW003
-- source: PostgreSQL, CREATE MATERIALIZED VIEW; row-level security is for tables only
-- why: A materialized view keeps the rows that its owner saw when it was refreshed, and cannot have policies. Whoever may read it, or
--      a view over it, reads the rows of every tenant.
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
),
open_matviews as (
    select r.oid, r.name, string_agg(distinct g.grantee_name, ', ' order by g.grantee_name) as grantees
    from relations r join grants g on g.relation = r.oid and g.privilege = 'SELECT'
    where r.kind = 'm' and r.oid in (select oid from holds)
    group by r.oid, r.name
)
select 'materialized view ' || m.name as object, 'it holds rows of tenants, and is open to ' || m.grantees as why,
       format('revoke select on %s from %s', m.name, m.grantees) as fix
from open_matviews m
union all
select distinct 'view ' || v.name, format('it shows %s, which holds rows of tenants, without asking who asks', m.name),
       format('-- add to %s a condition on the tenant, and security_barrier', v.name)
from views v
join uses u on u.view = v.oid
join relations m on m.oid = u.relation and m.kind = 'm' and m.oid in (select oid from holds)
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
