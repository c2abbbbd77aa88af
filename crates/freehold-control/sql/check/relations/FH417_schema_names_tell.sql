-- Names of schemas tell who the other tenants are
-- severity: low
-- covers: pitfall 50
-- source: PostgreSQL, pg_namespace is readable by everybody
-- why: Every login can list all schemas of its database. Named after customers, they are a list of customers; names that say nothing,
--      as a number or the start of a uuid, are not.
select 'schemas of tenants' as object,
       format('%s schemas have names that mean something, as %s', count(*), (array_agg(quote_ident(n.name) order by n.name))[1:3]) as why,
       '-- rename them to what says nothing: alter schema ... rename to ...' as fix
from schema_twins t cross join unnest(t.names) as n(name)
where n.name !~ '^[a-z]+_?[0-9]+$' and n.name !~ '^([a-z]+_)?[0-9a-f_-]{6,}$' and n.name !~ '^([a-z]+_)?[0-9a-z]{20,}$'
having count(*) > 2

-- fault:
create schema acme;
create schema globex;
create schema initech;
create table acme.orders (id integer primary key);
create table acme.items (id integer primary key);
create table globex.orders (id integer primary key);
create table globex.items (id integer primary key);
create table initech.orders (id integer primary key);
create table initech.items (id integer primary key);
-- names: schemas of tenants

-- clean:
create schema tenant_1 authorization check_owner;
create schema tenant_2 authorization check_owner;
create schema tenant_3 authorization check_owner;
set local role check_owner;
create table tenant_1.orders (id integer primary key);
create table tenant_1.items (id integer primary key);
create table tenant_2.orders (id integer primary key);
create table tenant_2.items (id integer primary key);
create table tenant_3.orders (id integer primary key);
create table tenant_3.items (id integer primary key);
reset role;
