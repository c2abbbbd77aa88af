-- One login reads the schemas of several tenants
-- severity: high
-- covers: pitfall 3, 25
-- source: PostgreSQL, chapter "Schemas": the search path is no privilege
-- why: With a schema per tenant and one login for all of them, nothing but search_path keeps tenants apart. Any SQL can set it or name
--      another schema, and a pooled connection keeps it for whoever comes next.
select 'role ' || quote_ident(a.name) as object,
       format('it reads the same tables in %s schemas, as %s', count(*), (array_agg(quote_ident(n.name) order by n.name))[1:3]) as why,
       format('-- a role per tenant with usage on its own schema, granted to %I with inherit false (set role), or policies on the tables',
              a.name) as fix
from app_roles a
join pg_roles r on r.oid = a.oid and (r.rolcanlogin or a.configured)
cross join schema_twins t
cross join unnest(t.names) as n(name)
where has_schema_privilege(a.oid, n.name, 'usage')
  and has_table_privilege(a.oid, format('%I.%I', n.name, t.tables[1]), 'select')
group by a.oid, a.name
having count(*) > 1

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
grant usage on schema check_shop_a, check_shop_b, check_shop_c to check_app;
grant select on all tables in schema check_shop_a, check_shop_b, check_shop_c to check_app;
-- names: role check_app

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
grant usage on schema t_0a1b2c3d to check_app;
grant select on all tables in schema t_0a1b2c3d to check_app;
