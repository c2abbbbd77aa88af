-- The column of the tenant has another type than in other tables
-- severity: low
-- covers: -
-- source: PostgreSQL, chapter "Operator Type Resolution"
-- why: Policies, joins and foreign keys need casts there. A cast on the column is a table scan, a cast that fails is an error on
--      every query, and a foreign key that carries the tenant cannot be made.
with types as (
    select t.oid, t.name, t.tenant_column,
           -- varchar compares as text, a domain as what it is made of.
           case when b.base in ('varchar'::regtype, 'text'::regtype) then 'text'::regtype else b.base::regtype end as type
    from tenant_tables t
    join pg_type y on y.oid = t.tenant_type
    cross join lateral (select case when y.typtype = 'd' then y.typbasetype else y.oid end as base) b
    where not t.is_partition
),
usual as (
    select tenant_column, type, count(*) as tables
    from types group by tenant_column, type
)
select t.name as object,
       format('%I is %s here and %s in %s of the tables', t.tenant_column, t.type, u.type, u.tables) as why,
       format('-- drop the policies on %s, alter column %I type %s using %I::%s, and create them again', t.name, t.tenant_column, u.type,
              t.tenant_column, u.type) as fix
from types t
join usual mine on mine.tenant_column = t.tenant_column and mine.type = t.type
join lateral (
    select u.type, u.tables from usual u where u.tenant_column = t.tenant_column order by u.tables desc, u.type::text limit 1
) u on u.type <> t.type and u.tables > mine.tables

-- fault:
create table app.imports (tenant_id text not null, id uuid not null, primary key (tenant_id, id));
-- names: app.imports

-- clean:
create domain app.tenant as uuid;
create table app.imports (tenant_id app.tenant not null, id uuid not null, primary key (tenant_id, id));
alter table app.imports owner to check_owner;
select app.protect('app.imports');
