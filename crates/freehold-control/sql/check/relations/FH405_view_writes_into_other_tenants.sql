-- A view that keeps tenants apart lets rows be written for others
-- severity: high
-- covers: pitfall 16
-- source: PostgreSQL, CREATE VIEW: WITH CHECK OPTION
-- why: The condition of a view says which rows are read, not which may be written. Without a check option, and with an owner whom
--      policies do not bind, a row can be inserted for, or moved to, another tenant.
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
)
select 'view ' || v.name as object,
       format('it takes rows of any tenant for %s, and shows those of one', t.name) as why,
       format('alter view %s set (check_option = cascaded)', v.name) as fix
from views v
join uses u on u.view = v.oid
join tenant_tables t on t.oid = u.relation
where v.filters and not v.is_invoker
  and (t.kind in ('m', 'f') or not t.enabled or v.is_exempt or not t.forced and pg_has_role(v.owner, t.owner, 'usage'))
  and not exists (select from pg_options_to_table(v.options) x where x.option_name = 'check_option')
  and exists (select from pg_attribute a where a.attrelid = v.oid and a.attname = t.tenant_column
                and pg_column_is_updatable(v.oid, a.attnum, false))
  -- An INSTEAD OF trigger does what it does.
  and not exists (select from pg_trigger g where g.tgrelid = v.oid and g.tgtype::integer & 64 > 0)
  and exists (select from grants g where g.relation = v.oid and g.privilege in ('INSERT', 'UPDATE'))

-- fault:
create view app.my_notes with (security_barrier = true) as
    select n.* from app.notes n where n.tenant_id = (select c.tenant from app.context c);
grant select, insert on app.my_notes to check_app;
-- names: app.my_notes

-- clean:
create view app.my_notes with (security_barrier = true) as
    select n.* from app.notes n where n.tenant_id = (select c.tenant from app.context c) with check option;
create view app.my_projects with (security_barrier = true, security_invoker = true) as
    select p.* from app.projects p where p.tenant_id = (select c.tenant from app.context c);
grant select, insert, update on app.my_notes, app.my_projects to check_app;
