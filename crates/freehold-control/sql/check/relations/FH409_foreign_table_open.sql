-- A foreign table is open to the application
-- severity: low
-- covers: pitfall 29; splinter 0017; pgrls SEC053
-- source: PostgreSQL, CREATE FOREIGN TABLE; row-level security is for tables only
-- why: No policy can be made for a foreign table: all that the other server's login may read is everybody's. Right for data that all
--      tenants share, and for nothing else.
select 'foreign table ' || t.name as object,
       'no policy can be made for it, and it is open to ' || string_agg(distinct g.grantee_name, ', ' order by g.grantee_name) as why,
       format('-- unless tenants share all of it: revoke all on %s from %s', t.name,
              string_agg(distinct g.grantee_name, ', ' order by g.grantee_name)) as fix
from relations t join grants g on g.relation = t.oid and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
where t.kind = 'f'
  -- With a tenant column it is a finding of its own.
  and not exists (select from pg_attribute a where a.attrelid = t.oid and a.attnum > 0
                and a.attname = any ((select tenant_columns from options)::text[]))
group by t.name

-- fault:
create foreign data wrapper check_elsewhere;
create server check_server foreign data wrapper check_elsewhere;
create foreign table app.customers (name text, mail text) server check_server;
grant select on app.customers to check_app;
-- names: foreign table app.customers

-- clean:
create foreign data wrapper check_elsewhere;
create server check_server foreign data wrapper check_elsewhere;
create foreign table app.customers (name text, mail text) server check_server;
alter foreign table app.customers owner to check_owner;
