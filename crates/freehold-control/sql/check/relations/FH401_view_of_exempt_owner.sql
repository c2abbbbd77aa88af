-- A view reads past the policies
-- severity: critical
-- covers: pitfall 7; splinter 0010; pgrls VIEW001
-- source: PostgreSQL, CREATE VIEW: tables of a view are read as its owner
-- why: The tables of a view are read as the view's owner. When policies do not bind that owner, whoever may read the view reads the
--      rows of every tenant, and a view with security_invoker on top of it changes nothing.
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
       format('it reads %s as %s, whom the policies do not bind%s', string_agg(distinct t.name, ', ' order by t.name), v.owner_name,
              case when not exists (select from opened o where o.oid = v.oid and o.granted = v.oid)
                   then ', and is read through '
                        || (select string_agg(distinct o.granted::regclass::text, ', ') from opened o where o.oid = v.oid)
              end) as why,
       format('alter view %s set (security_invoker = true)', v.name) as fix
from views v
join uses u on u.view = v.oid
join relations t on t.oid = u.relation and t.kind in ('r', 'p') and t.enabled
where not v.is_invoker and not v.filters
  and (v.is_exempt or not t.forced and pg_has_role(v.owner, t.owner, 'usage'))
  and v.oid in (select oid from opened)
group by v.oid, v.name, v.owner_name

-- fault:
create view app.all_notes as select * from app.notes;
grant select on app.all_notes to check_app;
-- names: app.all_notes

-- fault:
alter table app.projects no force row level security;
create view app.all_projects with (security_barrier) as select p.tenant_id, p.name from app.projects p;
alter view app.all_projects owner to check_owner;
grant select on app.all_projects to public;
-- names: app.all_projects

-- fault:
create view app.inner_notes as select * from app.notes;
create view app.outer_notes with (security_invoker = true) as select * from app.inner_notes;
grant select on app.inner_notes, app.outer_notes to check_app;
-- names: app.inner_notes

-- fault:
create view app.inner_notes as select * from app.notes;
create view app.outer_notes as select count(*) as n from app.inner_notes;
grant select on app.outer_notes to check_app;
-- names: app.inner_notes

-- clean:
create view app.all_notes with (security_invoker = true) as select * from app.notes;
create view app.nobodys_notes as select * from app.notes;
create view app.bound_notes as select * from app.notes;
alter view app.bound_notes owner to check_owner;
create view app.my_notes with (security_barrier = true) as
    select n.* from app.notes n where n.tenant_id = (select c.tenant from app.context c);
grant select on app.all_notes, app.bound_notes, app.my_notes to check_app;
