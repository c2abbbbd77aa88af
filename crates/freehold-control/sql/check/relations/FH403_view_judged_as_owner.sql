-- A view is held to the policies of its owner, not of the caller
-- severity: low
-- covers: pitfall 7, 40; splinter 0010; pgrls VIEW001
-- source: PostgreSQL, CREATE VIEW: tables of a view are read as its owner
-- why: Policies that name roles are chosen for the view's owner, not for who asks. Callers may see other rows than the table would
--      show them, and whoever gives the owner a policy of its own opens the view.
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
-- What app roles read, and what is read for them.
opened as (
    select v.oid, v.oid as granted from views v
    where exists (select from grants g where g.relation = v.oid and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
    union
    select i.oid, o.granted
    from opened o
    join views v on v.oid = o.oid and not v.is_invoker and not v.filters
    join uses u on u.view = v.oid
    join views i on i.oid = u.relation
)
select 'view ' || v.name as object,
       format('policies of %s name roles, and are chosen for %s', string_agg(distinct t.name, ', ' order by t.name), v.owner_name) as why,
       format('alter view %s set (security_invoker = true)', v.name) as fix
from views v
join uses u on u.view = v.oid
join relations t on t.oid = u.relation and t.enabled
where not v.is_invoker and not v.filters and not v.is_exempt
  and (t.forced or not pg_has_role(v.owner, t.owner, 'usage'))
  and t.oid not in (select oid from sealed_tables)
  and v.oid in (select oid from opened)
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
