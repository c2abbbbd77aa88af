-- The search path starts in a tenant's schema
-- severity: high
-- covers: pitfall 3, 25
-- source: PostgreSQL, ALTER ROLE ... SET and ALTER DATABASE ... SET
-- why: With a schema per tenant, a query that comes before search_path was set, or after a reset, reads and writes the rows of the tenant
--      whose schema it starts with, without an error.
with defaults as (
    select s.setdatabase, s.setrole, split_part(c, '=', 1) as name, substr(c, strpos(c, '=') + 1) as value,
           concat_ws(' in ', case when s.setrole <> 0 then format('role %I', r.rolname) when s.setdatabase = 0 then 'role all' end,
                     case when s.setdatabase <> 0 then format('database %I', current_database()) end) as holder
    from pg_db_role_setting s
    cross join unnest(s.setconfig) c
    left join pg_roles r on r.oid = s.setrole
    where (s.setdatabase = 0 or s.setdatabase = (select oid from pg_database where datname = current_database()))
      and (s.setrole = 0 or s.setrole in (select oid from app_roles))
)
select d.holder as object, format('its search_path names %I, a schema of one tenant', n.name) as why,
       format('alter %s reset search_path', d.holder) as fix
from defaults d
cross join schema_twins t
cross join unnest(t.names) as n(name)
where d.name = 'search_path'
  and n.name = any (select trim(both ' "' from x) from unnest(string_to_array(d.value, ',')) x)
  -- A role per tenant starts where it should.
  and (d.setrole = 0 or (select count(*) from unnest(t.names) as o(name) where has_schema_privilege(d.setrole, o.name, 'usage')) > 1)

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
do $$ begin execute format('alter database %I set search_path = check_shop_a, public', current_database()); end $$;
-- names: database 

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
alter role check_app set search_path = t_0a1b2c3d;
