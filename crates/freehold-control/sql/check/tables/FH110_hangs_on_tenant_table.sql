-- A table belongs to tenants' rows and has neither a tenant column nor row-level security
-- severity: critical
-- covers: pitfall 6; pgrls SEC001, SEC025
-- source: PostgreSQL, chapter "Row Security Policies": policies hold for one table and are not handed down a foreign key
-- why: Each of its rows belongs to a row of some tenant, but nothing says so to PostgreSQL: a query that does not join its
--      parent gets the rows of every tenant.
with recursive
-- A key that may be null is no sign: lookup data has "changed by".
owned_keys as (
    select k.conrelid, k.confrelid
    from pg_constraint k
    where k.contype = 'f' and k.conrelid <> k.confrelid
      and not exists (select from pg_attribute a where a.attrelid = k.conrelid and a.attnum = any (k.conkey) and not a.attnotnull)
),
hanging as (
    select k.conrelid as oid, k.confrelid as parent
    from owned_keys k
    where k.conrelid not in (select oid from tenant_tables union all select oid from tenant_roots)
      and k.confrelid in (select oid from tenant_tables union all select oid from tenant_roots)
    union
    select k.conrelid, k.confrelid
    from hanging h join owned_keys k on k.confrelid = h.oid
    where k.conrelid not in (select oid from tenant_tables union all select oid from tenant_roots)
)
select r.name as object,
       format('it refers to %s, and %s may use all of it', string_agg(distinct h.parent::regclass::text, ', '),
              (select string_agg(distinct g.grantee_name, ', ') from grants g where g.relation = r.oid)) as why,
       '-- add the column of the tenant, put it into the foreign key, enable and force row-level security and create a policy' as fix
from hanging h join relations r on r.oid = h.oid
where not r.enabled and not exists (select from policies p where p.relation = r.oid)
  and exists (select from grants g where g.relation = r.oid and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
group by r.oid, r.name

-- fault:
alter table app.projects add unique (id);
create table app.steps (project_id uuid not null references app.projects (id), at integer not null, primary key (project_id, at));
grant select on app.steps to check_app;
create table app.substeps (project_id uuid not null, at integer not null, n integer not null, primary key (project_id, at, n),
    foreign key (project_id, at) references app.steps);
grant select on app.substeps to check_app;
-- names: app.steps
-- names: app.substeps

-- fault:
create table app.invoices (payer uuid not null references app.tenants, id uuid not null primary key);
grant select on app.invoices to check_app;
-- names: app.invoices

-- clean:
create table app.countries (code text not null primary key, name text not null);
grant select on app.countries to check_app;
create table app.cities (country text not null references app.countries, name text not null, primary key (country, name));
grant select on app.cities to check_app;

-- clean:
create table app.invoices (payer uuid not null references app.tenants, id uuid not null primary key);
create index on app.invoices (payer);
alter table app.invoices owner to check_owner;
alter table app.invoices enable row level security, force row level security;
create policy mine on app.invoices using (payer = (select c.tenant from app.context c));
grant select on app.invoices to check_app;
