-- Policies ask for the user on other tables and not on this one
-- severity: low
-- covers: pgrls SEC027
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: The table has the same column, and a policy elsewhere compares that column with the context. If rows are private to users
--      here too, every user of a tenant reads those of all the others.
with principals as (
    select p.relation, a.attnum, a.attname, a.atttypid
    from policies p
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
                    and d.refobjid = p.relation and d.refobjsubid > 0
    join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
    where p.reads_context
      and a.attname in ('user_id', 'owner', 'owner_id', 'author_id', 'profile_id', 'member_id', 'created_by')
)
select t.name as object,
       format('no policy mentions %I, by which %s keeps users apart', a.attname, min(u.relation::regclass::text)) as why,
       format('-- create a restrictive policy on %s that compares %I with the context, unless rows are shared within the tenant', t.name,
              a.attname) as fix
from tenant_tables t
join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped and a.attnotnull and a.attname <> t.tenant_column
join principals u on u.attname = a.attname and u.atttypid = a.atttypid and u.relation <> t.oid
where t.enabled and not t.is_partition
  and exists (select from policies p where p.relation = t.oid)
  and not exists (
      select from policies p
      join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refobjid = t.oid and d.refobjsubid = a.attnum
      where p.relation = t.oid)
group by t.oid, t.name, a.attname

-- fault:
create table app.drafts (tenant_id uuid not null references app.tenants, id uuid not null, owner_id uuid not null,
    primary key (tenant_id, id));
create table app.files (tenant_id uuid not null references app.tenants, id uuid not null, owner_id uuid not null,
    primary key (tenant_id, id));
select app.protect('app.drafts'), app.protect('app.files');
create policy own on app.drafts as restrictive using (owner_id = (select current_setting('app.user_id')::uuid));
-- names: app.files

-- clean:
create table app.drafts (tenant_id uuid not null references app.tenants, id uuid not null, owner_id uuid not null,
    primary key (tenant_id, id));
create table app.files (tenant_id uuid not null references app.tenants, id uuid not null, owner_id uuid,
    primary key (tenant_id, id));
alter table app.drafts owner to check_owner;
alter table app.files owner to check_owner;
select app.protect('app.drafts'), app.protect('app.files');
create policy own on app.drafts as restrictive using (owner_id = (select c.tenant from app.context c));
