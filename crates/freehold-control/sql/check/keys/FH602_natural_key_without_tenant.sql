-- A primary key of guessable values does not include the tenant
-- severity: medium
-- covers: pitfall 10, 20; pgrls SEC035
-- source: PostgreSQL, chapter "Row Security Policies": primary keys bypass row security, and can be used to learn of values
-- why: An insert of a key that some other tenant has fails, and one that nobody has does not: any tenant can ask which keys exist
--      elsewhere, and two tenants cannot both use one.
select format('%s on %s', i.indexrelid::regclass, t.name) as object,
       format('the key is %s, without %I',
              (select string_agg(pg_get_indexdef(i.indexrelid, n, true), ', ' order by n) from generate_series(1, i.indnkeyatts) as n),
              t.tenant_column) as why,
       case when exists (select from pg_constraint f where f.conindid = i.indexrelid and f.contype = 'f')
            then format('-- first put %I into the foreign keys that refer to it, then into the key', t.tenant_column)
            else format('alter table %s drop constraint %I, add constraint %2$I %3$s', t.name, k.conname,
                        regexp_replace(pg_get_constraintdef(k.oid), '\(', format('(%I, ', t.tenant_column))) end as fix
from tenant_tables t
join pg_index i on i.indrelid = t.oid and i.indisprimary
join pg_constraint k on k.conindid = i.indexrelid and k.contype = 'p'
where t.tenant_attnum <> all (i.indkey)
  and not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
  -- Random ones and counted ones are findings of their own.
  and not exists (
      select from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = t.oid and a.attnum = any (i.indkey)
        and (a.atttypid = 'uuid'::regtype or a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) ~ '\mnextval\('))

-- fault:
create table app.users (tenant_id uuid not null references app.tenants, email text not null primary key);
-- names: app.users

-- fault:
create table app.users (tenant_id uuid not null references app.tenants, email text not null primary key);
create table app.logins (email text not null references app.users, at timestamptz not null, tenant_id uuid not null,
    primary key (tenant_id, email, at));
-- names: app.users_pkey on app.users

-- clean:
create table app.users (tenant_id uuid not null references app.tenants, email text not null, primary key (email, tenant_id));
create index on app.users (tenant_id);
alter table app.users owner to check_owner;
select app.protect('app.users');
