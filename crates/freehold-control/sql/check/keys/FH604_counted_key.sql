-- One counter numbers the rows of all tenants
-- severity: low
-- covers: pitfall 20; pgrls SEC035
-- source: PostgreSQL, chapter "Sequence Manipulation Functions": values are unique in the whole sequence
-- why: The gaps between its own numbers tell a tenant how much the others do, and the numbers of others' rows are easily guessed
--      by whoever finds a query without the tenant.
select format('%s.%I', t.name, a.attname) as object,
       case when a.attidentity <> '' then 'it is an identity column, counted through all tenants'
            else 'its default is the next value of a sequence that all tenants share' end as why,
       format('-- use random uuids: alter table %s alter column %I drop %s, alter column %2$I type uuid using gen_random_uuid(); '
              'and refer to those', t.name, a.attname, case when a.attidentity <> '' then 'identity' else 'default' end) as fix
from tenant_tables t
join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where not t.is_partition
  and (a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(')
  -- What is no key is no address, and many count for themselves only.
  and exists (select from pg_index i where i.indrelid = t.oid and i.indisunique and a.attnum = any (i.indkey))

-- fault:
create table app.orders (tenant_id uuid not null references app.tenants, id bigint generated always as identity, primary key (tenant_id, id));
-- names: app.orders.id

-- fault:
create table app.orders (tenant_id uuid not null references app.tenants, id serial primary key);
-- names: app.orders.id

-- clean:
create table app.orders (tenant_id uuid not null references app.tenants, number bigint not null, primary key (tenant_id, number));
alter table app.orders owner to check_owner;
select app.protect('app.orders');
create table app.countries (id bigint generated always as identity primary key, code text not null);
