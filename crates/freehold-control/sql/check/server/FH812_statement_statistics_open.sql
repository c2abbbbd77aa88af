-- Statistics of statements are open to the application
-- severity: low
-- covers: pitfall 19
-- source: PostgreSQL, appendix "Additional Supplied Modules": pg_stat_statements
-- why: A login sees the text of every statement it ever ran, and one login serves all tenants. Constants are taken out of queries, but
--      not out of every utility statement, and what others do, and how often, is there to read.
select 'view ' || v.name as object, 'it is open to ' || v.grantees as why,
       format('revoke select on %s from %s', v.name, v.grantees) as fix
from (
    select c.oid::regclass::text as name, string_agg(distinct coalesce(nullif(x.grantee, 0)::regrole::text, 'public'), ', ') as grantees
    from pg_extension e
    join pg_depend d on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.classid = 'pg_class'::regclass and d.deptype = 'e'
    join pg_class c on c.oid = d.objid and c.relname = 'pg_stat_statements'
    cross join lateral aclexplode(c.relacl) x
    where e.extname = 'pg_stat_statements' and x.privilege_type = 'SELECT' and x.grantee <> c.relowner
      and (x.grantee = 0 or x.grantee in (select role from reachable))
      and exists (select from app_roles a where has_schema_privilege(a.oid, c.relnamespace, 'usage'))
    group by c.oid
) as v

-- fault:
create extension pg_stat_statements with schema app;
-- names: pg_stat_statements

-- clean:
create schema check_extensions authorization check_owner;
create extension pg_stat_statements with schema check_extensions;
