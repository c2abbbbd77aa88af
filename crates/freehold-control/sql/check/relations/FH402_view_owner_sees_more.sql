-- The owner of a view has a policy that callers have not
-- severity: high
-- covers: pitfall 7, 40; pgrls VIEW001
-- source: PostgreSQL, CREATE VIEW and CREATE POLICY: the policies of the view's owner apply
-- why: Through a view without security_invoker it is the policies of the view's owner that apply. One that lets the owner see every
--      row lets everybody who may read the view see them too.
select 'view ' || v.name as object,
       format('it reads as %s, for whom %s lets through what callers may not see', v.owner_name,
              string_agg(distinct p.object, ', ' order by p.object)) as why,
       format('alter view %s set (security_invoker = true)', v.name) as fix
from views v
join view_uses u on u.view = v.oid
join relations t on t.oid = u.relation and t.enabled
join policies p on p.relation = t.oid and p.is_permissive and p.command in ('r', '*')
where not v.is_invoker and not v.filters and not v.is_exempt
  and (t.forced or not pg_has_role(v.owner, t.owner, 'usage'))
  and t.oid not in (select oid from sealed_tables)
  and v.oid in (select oid from opened_views)
  and not p.reads_context and p.text !~ '\m(CURRENT_USER|SESSION_USER)\M'
  and exists (select from unnest(p.roles) x where x <> 0 and pg_has_role(v.owner, x, 'usage'))
  and not exists (select from unnest(p.roles) x where x = 0 or x in (select role from reachable))
group by v.oid, v.name, v.owner_name

-- fault:
create table app.tasks (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.tasks owner to check_owner;
alter table app.tasks enable row level security;
alter table app.tasks force row level security;
create policy tenants on app.tasks using (tenant_id = (select c.tenant from app.context c));
create policy upkeep on app.tasks to check_owner using (true);
create view app.all_tasks as select * from app.tasks;
alter view app.all_tasks owner to check_owner;
grant select on app.all_tasks to check_app;
-- names: app.all_tasks

-- clean:
create view app.all_notes with (security_invoker = true) as select * from app.notes;
alter view app.all_notes owner to check_owner;
grant select on app.all_notes to check_app;
