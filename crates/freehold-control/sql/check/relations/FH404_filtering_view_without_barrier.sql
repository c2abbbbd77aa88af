-- A view that keeps tenants apart is not a security barrier
-- severity: high
-- covers: pitfall 17; pgrls VIEW002
-- source: PostgreSQL, chapter "Rules and Privileges"
-- why: Here the condition of the view is all that keeps tenants apart. Without security_barrier the planner may put a caller's own
--      condition first, and a cheap function or an error message in it shows rows of other tenants.
select 'view ' || v.name as object,
       format('its condition alone keeps the tenants of %s apart, and a caller''s may run before it',
              string_agg(distinct t.name, ', ' order by t.name)) as why,
       format('alter view %s set (security_barrier = true)', v.name) as fix
from views v
join view_uses u on u.view = v.oid
join relations t on t.oid = u.relation and t.kind in ('r', 'p', 'm', 'f')
where v.filters and not v.is_invoker
  and (t.kind in ('m', 'f') or not t.enabled or v.is_exempt or not t.forced and pg_has_role(v.owner, t.owner, 'usage'))
  and exists (select from pg_attribute a where a.attrelid = t.oid and a.attnum > 0
                and a.attname = any ((select tenant_columns from options)::text[]))
  and not exists (select from pg_options_to_table(v.options) x where x.option_name = 'security_barrier' and x.option_value::boolean)
  and exists (select from grants g where g.relation = v.oid and g.privilege = 'SELECT')
group by v.oid, v.name

-- fault:
create view app.my_notes as select n.* from app.notes n where n.tenant_id = (select c.tenant from app.context c);
grant select on app.my_notes to check_app;
-- names: app.my_notes

-- fault:
create table app.plain (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
create view app.my_plain as select * from app.plain where tenant_id = current_setting('app.tenant_id', true)::uuid;
grant select on app.my_plain to check_app;
-- names: app.my_plain

-- clean:
create view app.my_notes with (security_barrier = true) as
    select n.* from app.notes n where n.tenant_id = (select c.tenant from app.context c);
create view app.her_notes with (security_invoker = true) as
    select n.* from app.notes n where n.tenant_id = (select c.tenant from app.context c);
grant select on app.my_notes, app.her_notes to check_app;
