-- A view hands out the table that people log in with
-- severity: critical
-- covers: splinter 0002, 0023; pgrls SEC052
-- source: PostgreSQL, CREATE VIEW: tables of a view are read as its owner; Supabase, auth.users
-- why: The application may not read the table of logins, but the view reads it as its owner: addresses and password hashes of the
--      people of every tenant are there for whoever may read the view.
select kind || ' ' || x.name as object,
       format('it shows %s of %s, which the application itself may not read',
              string_agg(distinct a.attname::text, ', ' order by a.attname::text), c.oid::regclass) as why,
       case kind when 'view' then format('alter view %s set (security_invoker = true)', x.name)
                 else format('revoke select on %s from %s', x.name,
                             (select string_agg(distinct g.grantee_name, ', ') from grants g where g.relation = x.oid))
       end as fix
from (
    select v.oid, v.name, 'view' as kind from views v where not v.is_invoker and not v.filters
    union all
    select r.oid, r.name, 'materialized view' from relations r where r.kind = 'm'
) as x
join pg_rewrite w on w.ev_class = x.oid and w.ev_type = '1'
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
join pg_class c on c.oid = d.refobjid and c.relkind in ('r', 'p')
join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
where exists (select from grants g where g.relation = x.oid and g.privilege = 'SELECT')
  -- A table of logins has a column for passwords. Only what is secret or personal in it counts.
  and exists (select from pg_attribute p where p.attrelid = c.oid and p.attnum > 0 and p.attname ~ 'passw(or)?d')
  and a.attname ~ '(passw(or)?d|secret|token|^e?mail|^phone|raw_\w+_meta_data)'
  and not exists (select from app_roles r where has_table_privilege(r.oid, c.oid, 'select'))
group by kind, x.oid, x.name, c.oid

-- fault:
create schema check_auth;
create table check_auth.users (id uuid primary key, email text, encrypted_password text);
create view app.people as select u.id, u.email from check_auth.users u;
grant select on app.people to check_app;
-- names: view app.people

-- clean:
create schema check_auth;
create table check_auth.users (id uuid primary key, email text, encrypted_password text);
alter schema check_auth owner to check_owner;
alter table check_auth.users owner to check_owner;
create view app.people with (security_barrier = true) as
    select u.id, u.email from check_auth.users u where u.id = (select c.tenant from app.context c);
create view app.ids with (security_barrier = true) as select u.id from check_auth.users u;
grant select on app.people, app.ids to check_app;
