-- A shared table's foreign key tells which rows of tenants exist
-- severity: medium
-- covers: pitfall 10, 12; pgrls SEC047
-- source: PostgreSQL, chapter "Row Security Policies": checks of referential integrity bypass row security
-- why: Whoever may write the table can try keys of rows it must not see: the write succeeds when some tenant has such a row, and
--      fails when nobody has.
select format('foreign key %I on %s', k.conname, r.name) as object,
       format('%s may write it and so try keys of %s', (select string_agg(distinct g.grantee_name, ', ') from grants g
                                                        where g.relation = r.oid and g.privilege in ('INSERT', 'UPDATE')), t.name) as why,
       format('-- alter table %s drop constraint %I; or add the column of the tenant, and put it into the key', r.name, k.conname) as fix
from pg_constraint k
join relations r on r.oid = k.conrelid
join tenant_tables t on t.oid = k.confrelid and t.enabled
where k.contype = 'f' and k.conparentid = 0
  and r.oid not in (select oid from tenant_tables union all select oid from tenant_roots)
  and exists (select from grants g where g.relation = r.oid and g.privilege in ('INSERT', 'UPDATE'))
  -- A policy that looks the row up refuses before the key is tried.
  and not exists (
      select from policies p
      join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
      where p.relation = r.oid)
  -- A table that belongs to tenants' rows and is open altogether is a finding of its own.
  and (r.enabled or exists (select from pg_attribute a where a.attrelid = r.oid and a.attnum = any (k.conkey) and not a.attnotnull))

-- fault:
alter table app.projects add unique (id);
create table app.feedback (id uuid not null primary key, about uuid, text text not null);
alter table app.feedback add constraint about_project foreign key (about) references app.projects (id);
grant insert on app.feedback to check_app;
-- names: foreign key about_project on app.feedback

-- clean:
alter table app.projects add unique (id);
create table app.feedback (id uuid not null primary key, about uuid not null references app.projects (id), text text not null);
create index on app.feedback (about);
alter table app.feedback owner to check_owner;
alter table app.feedback enable row level security, force row level security;
create policy mine on app.feedback using (about in (select p.id from app.projects p));
grant insert on app.feedback to check_app;
