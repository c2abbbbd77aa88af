-- A table of the tenants' schemas is in public too
-- severity: medium
-- covers: pitfall 25
-- source: PostgreSQL, chapter "Schemas": the search path
-- why: When a tenant's schema is gone, misspelled or a table behind, a search path that goes on to public finds the table there without
--      an error: rows of this tenant are written where all the others read them.
select 'schema public' as object,
       'what is missing from a tenant''s schema is found there: ' || string_agg(distinct r.name, ', ' order by r.name) as why,
       '-- drop these tables or move them to another schema, and leave public out of the search path' as fix
from relations r
join pg_class c on c.oid = r.oid
join schema_twins t on c.relname = any (t.tables)
where r.schema = 'public' and r.kind in ('r', 'p') and not r.enabled
  -- Every tool keeps a list of what has been migrated in every schema.
  and c.relname !~ '(migration|alembic|flyway|schema_(version|history)|ar_internal_metadata|content_type)'
  and exists (select from grants g where g.relation = r.oid)
having count(*) > 0

-- fault:
create schema check_shop_a;
create schema check_shop_b;
create schema check_shop_c;
create table check_shop_a.orders (id integer primary key);
create table check_shop_a.items (id integer primary key);
create table check_shop_b.orders (id integer primary key);
create table check_shop_b.items (id integer primary key);
create table check_shop_c.orders (id integer primary key);
create table check_shop_c.items (id integer primary key);
create table public.orders (id integer primary key);
grant select, insert on public.orders to check_app;
-- names: schema public

-- clean:
create schema t_0a1b2c3d authorization check_owner;
create schema t_1a1b2c3d authorization check_owner;
create schema t_2a1b2c3d authorization check_owner;
set local role check_owner;
create table t_0a1b2c3d.orders (id integer primary key);
create table t_0a1b2c3d.items (id integer primary key);
create table t_1a1b2c3d.orders (id integer primary key);
create table t_1a1b2c3d.items (id integer primary key);
create table t_2a1b2c3d.orders (id integer primary key);
create table t_2a1b2c3d.items (id integer primary key);
reset role;
create table public.countries (code text primary key);
alter table public.countries owner to check_owner;
grant select on public.countries to check_app;
