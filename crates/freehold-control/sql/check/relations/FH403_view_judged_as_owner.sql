-- A view is held to the policies of its owner, not of the caller
-- severity: low
-- covers: pitfall 7, 40; splinter 0010; pgrls VIEW001
-- source: PostgreSQL, CREATE VIEW: tables of a view are read as its owner
-- why: Policies that name roles are chosen for the view's owner, not for who asks. Callers may see other rows than the table would
--      show them, and whoever gives the owner a policy of its own opens the view.
select 'view ' || v.name as object,
       format('policies of %s name roles, and are chosen for %s', string_agg(distinct t.name, ', ' order by t.name), v.owner_name) as why,
       format('alter view %s set (security_invoker = true)', v.name) as fix
from views v
join view_uses u on u.view = v.oid
join relations t on t.oid = u.relation and t.enabled
where not v.is_invoker and not v.filters and not v.is_exempt
  and (t.forced or not pg_has_role(v.owner, t.owner, 'usage'))
  and t.oid not in (select oid from sealed_tables)
  and v.oid in (select oid from opened_views)
  and exists (select from policies p where p.relation = t.oid and p.is_permissive and p.command in ('r', '*') and p.roles <> '{0}'
                and exists (select from unnest(p.roles) x where x in (select role from reachable)))
group by v.oid, v.name, v.owner_name

-- fault:
create table app.tasks (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.tasks owner to check_owner;
alter table app.tasks enable row level security;
alter table app.tasks force row level security;
create policy tenants on app.tasks to check_app using (tenant_id = (select c.tenant from app.context c));
create view app.all_tasks as select * from app.tasks;
alter view app.all_tasks owner to check_owner;
grant select on app.all_tasks to check_app;
-- names: app.all_tasks

-- clean:
create view app.recent_notes as select n.id, n.text from app.notes n;
alter view app.recent_notes owner to check_owner;
grant select on app.recent_notes to check_app;
