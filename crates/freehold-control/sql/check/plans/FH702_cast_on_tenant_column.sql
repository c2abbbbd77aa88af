-- A policy casts the column of the tenant
-- severity: low
-- covers: pgrls PERF004
-- source: PostgreSQL, chapter "Indexes on Expressions"
-- why: An index on the column cannot answer for a cast of the column, so every query reads the rows of all tenants. Cast what it
--      is compared with instead.
select p.object, format('it casts %I, which is %s, for every row', t.tenant_column, t.tenant_type::regtype) as why,
       format('-- alter policy %I on %s: cast the other side to %s, and leave %I bare', p.name, t.name, t.tenant_type::regtype,
              t.tenant_column) as fix
from policies p
join tenant_tables t on t.oid = p.relation
join pg_type y on y.oid = t.tenant_type
-- Casts of varchar to text and of a domain to what it is made of cost nothing.
where t.tenant_type <> 'varchar'::regtype and y.typtype <> 'd'
  and strpos(p.text, format('(%I)::', t.tenant_column)) > 0
  -- Where the bare column is compared too, an index is used after all.
  and p.text !~ ('(^|[^.\w])' || t.tenant_column || ' (=|IN) ') and p.text !~ ('= ' || t.tenant_column || '\M')
  and not exists (
      select from pg_index i
      where i.indrelid = t.oid and i.indisvalid and strpos(pg_get_expr(i.indexprs, i.indrelid), format('(%I)::', t.tenant_column)) > 0)

-- fault:
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages using (tenant_id::text = (select current_setting('app.tenant_id')));
-- names: policy mine on app.pages

-- clean:
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.pages owner to check_owner;
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages using (tenant_id = (select current_setting('app.tenant_id')::uuid));
create policy known on app.pages as restrictive using (tenant_id = (select c.tenant from app.context c) and tenant_id::text <> '');
