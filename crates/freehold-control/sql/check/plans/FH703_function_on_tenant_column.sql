-- A policy passes the column of the tenant through a function
-- severity: low
-- covers: pgrls PERF004
-- source: PostgreSQL, chapter "Indexes on Expressions"
-- why: An index on the column cannot answer for a function of the column, so every query reads the rows of all tenants, and calls
--      the function for each of them.
select p.object,
       format('it calls %s for every row', substring(p.text from '((?:\w+\.)?\w+)\(\(*' || t.tenant_column || '\M')) as why,
       format('-- alter policy %I on %s: compare %I itself, with a value or with (select ...) of those allowed', p.name, t.name,
              t.tenant_column) as fix
from policies p join tenant_tables t on t.oid = p.relation
-- Before a list or a condition PostgreSQL prints a space, before arguments none. Columns in a sub-select are qualified.
where p.text ~ ('\w\(\(*' || t.tenant_column || '\M')
  -- Where the bare column is compared too, an index is used after all.
  and p.text !~ ('(^|[^.\w])' || t.tenant_column || ' (=|IN) ') and p.text !~ ('= ' || t.tenant_column || '\M')
  and not exists (
      select from pg_index i
      where i.indrelid = t.oid and i.indisvalid and pg_get_expr(i.indexprs, i.indrelid) ~ ('\m' || t.tenant_column || '\M'))

-- fault:
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages using (coalesce(tenant_id, id) = (select current_setting('app.tenant_id')::uuid));
-- names: policy mine on app.pages

-- fault:
create table app.pages (tenant_id text not null, id uuid not null, primary key (tenant_id, id));
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages using (lower(tenant_id) = (select current_setting('app.tenant_id')));
-- names: policy mine on app.pages

-- clean:
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.pages owner to check_owner;
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages using (tenant_id in (select c.tenant from app.context c) and (tenant_id <> id));
create policy other on app.pages as restrictive
    using (tenant_id = (select c.tenant from app.context c) and coalesce(tenant_id, id) is not null);
