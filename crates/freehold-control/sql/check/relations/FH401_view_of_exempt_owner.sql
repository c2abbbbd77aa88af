-- A view reads past the policies
-- severity: critical
-- covers: pitfall 7; splinter 0010; pgrls VIEW001
-- source: PostgreSQL, CREATE VIEW: tables of a view are read as its owner
-- why: The tables of a view are read as the view's owner. When policies do not bind that owner, whoever may read the view reads the
--      rows of every tenant, and a view with security_invoker on top of it changes nothing.
select 'view ' || v.name as object,
       format('it reads %s as %s, whom the policies do not bind%s', string_agg(distinct t.name, ', ' order by t.name), v.owner_name,
              case when not exists (select from opened_views o where o.oid = v.oid and o.granted = v.oid)
                   then ', and is read through '
                        || (select string_agg(distinct o.granted::regclass::text, ', ') from opened_views o where o.oid = v.oid)
              end) as why,
       format('alter view %s set (security_invoker = true)', v.name) as fix
from views v
join view_uses u on u.view = v.oid
join relations t on t.oid = u.relation and t.kind in ('r', 'p') and t.enabled
where not v.is_invoker and not v.filters
  and (v.is_exempt or not t.forced and pg_has_role(v.owner, t.owner, 'usage'))
  and v.oid in (select oid from opened_views)
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
