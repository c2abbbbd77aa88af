-- A view that keeps tenants apart lets rows be written for others
-- severity: high
-- covers: pitfall 16
-- source: PostgreSQL, CREATE VIEW: WITH CHECK OPTION
-- why: The condition of a view says which rows are read, not which may be written. Without a check option, and with an owner whom
--      policies do not bind, a row can be inserted for, or moved to, another tenant.
select 'view ' || v.name as object,
       format('it takes rows of any tenant for %s, and shows those of one', t.name) as why,
       format('alter view %s set (check_option = cascaded)', v.name) as fix
from views v
join view_uses u on u.view = v.oid
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
