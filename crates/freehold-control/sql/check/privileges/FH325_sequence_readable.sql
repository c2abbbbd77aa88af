-- Applications may read or set a sequence of a tenant table
-- severity: low
-- covers: pitfall 20
-- source: PostgreSQL, chapter "Privileges": SELECT and UPDATE on sequences
-- why: A sequence has no policies: its last value counts the rows of all tenants, and who sets it back makes their inserts fail.
--      USAGE is enough to insert.
select format('sequences of tenant tables in schema %I', q.schema) as object,
       format('%s may read or set them, such as %s', string_agg(distinct q.grantee_name, ', '), min(q.name)) as why,
       string_agg(format('revoke select, update on sequence %s from %s', q.name, q.grantee_name), '; ' order by q.name) as fix
from (
    select distinct r.schema, r.name, g.grantee_name
    from relations r join grants g on g.relation = r.oid and g.privilege in ('SELECT', 'UPDATE')
    where r.kind = 'S'
      and g.grantee not in (select o.oid from pg_roles o where o.rolsuper or o.rolbypassrls)
      and exists (select from pg_depend d
                  where d.classid = 'pg_class'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
                    and d.refobjid in (select oid from tenant_tables) and d.deptype in ('a', 'i'))
) as q
group by q.schema

-- fault:
create table app.orders (tenant_id uuid not null references app.tenants, id bigint generated always as identity, primary key (tenant_id, id));
grant select on sequence app.orders_id_seq to check_app;
-- names: sequences of tenant tables in schema app

-- clean:
create sequence app.numbers;
alter sequence app.numbers owner to check_owner;
grant usage, select on sequence app.numbers to check_app;
