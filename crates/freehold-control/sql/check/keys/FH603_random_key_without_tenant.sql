-- A primary key of uuids does not include the tenant
-- severity: low
-- covers: pitfall 10
-- source: PostgreSQL, chapter "Row Security Policies": primary keys bypass row security, and can be used to learn of values
-- why: Random ids cannot be guessed, but one that was seen in an address or a log can be tried, and a foreign key to this table
--      cannot carry the tenant, so rows of different tenants can be joined.
select format('%s on %s', i.indexrelid::regclass, t.name) as object,
       format('the key does not include %I', t.tenant_column) as why,
       case when exists (select from pg_constraint f where f.conindid = i.indexrelid and f.contype = 'f')
            then format('-- first put %I into the foreign keys that refer to it, then into the key', t.tenant_column)
            else format('alter table %s drop constraint %I, add constraint %2$I %3$s', t.name, k.conname,
                        regexp_replace(pg_get_constraintdef(k.oid), '\(', format('(%I, ', t.tenant_column))) end as fix
from tenant_tables t
join pg_index i on i.indrelid = t.oid and i.indisprimary
join pg_constraint k on k.conindid = i.indexrelid and k.contype = 'p'
where t.tenant_attnum <> all (i.indkey)
  and not exists (select from pg_inherits h where h.inhrelid = i.indexrelid)
  and exists (select from pg_attribute a where a.attrelid = t.oid and a.attnum = any (i.indkey) and a.atttypid = 'uuid'::regtype)
  -- With a unique constraint beside it, foreign keys can carry the tenant.
  and not exists (
      select from pg_index u
      where u.indrelid = t.oid and u.indisunique and u.indpred is null and u.indexprs is null and u.indnkeyatts = i.indnkeyatts + 1
        and u.indkey::smallint[] @> array[t.tenant_attnum] and u.indkey::smallint[] @> i.indkey::smallint[])

-- fault:
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid() primary key);
-- names: app.pages_pkey on app.pages

-- clean:
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid() primary key,
    unique (tenant_id, id));
alter table app.pages owner to check_owner;
select app.protect('app.pages');
