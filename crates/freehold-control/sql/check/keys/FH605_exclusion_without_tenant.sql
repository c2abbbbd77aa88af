-- An exclusion constraint counts across tenants
-- severity: medium
-- covers: pitfall 10; pgrls SEC035
-- source: PostgreSQL, CREATE TABLE: EXCLUDE; chapter "Row Security Policies": constraints bypass row security
-- why: An insert that overlaps a row of some other tenant fails: any tenant can find out when another has a booking or which
--      range it has, and they block one another.
select format('constraint %I on %s', k.conname, t.name) as object,
       format('it does not compare %I', t.tenant_column) as why,
       format('-- alter table %s drop constraint %I, add constraint %2$I %s (for a uuid, gist needs the extension btree_gist)',
              t.name, k.conname, regexp_replace(pg_get_constraintdef(k.oid), '\(', format('(%I with =, ', t.tenant_column))) as fix
from tenant_tables t
join pg_constraint k on k.conrelid = t.oid and k.contype = 'x' and k.conparentid = 0
join pg_index i on i.indexrelid = k.conindid
where not exists (
          select from generate_series(1, i.indnkeyatts) as n
          where pg_get_indexdef(i.indexrelid, n, true) ~ ('\m' || t.tenant_column || '\M'))
  and coalesce(pg_get_expr(i.indpred, i.indrelid) !~ ('\m' || t.tenant_column || '\M'), true)

-- fault:
create table app.bookings (tenant_id uuid not null references app.tenants, id uuid not null, during tstzrange not null,
    primary key (tenant_id, id), constraint no_overlap exclude using gist (during with &&));
-- names: constraint no_overlap on app.bookings

-- clean:
create table app.bookings (tenant_id uuid not null references app.tenants, id uuid not null, slot integer not null, primary key (tenant_id, id),
    constraint one_each exclude using btree (tenant_id with =, slot with =));
alter table app.bookings owner to check_owner;
select app.protect('app.bookings');
