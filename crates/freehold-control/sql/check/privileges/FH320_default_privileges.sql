-- Tables yet to be made are granted too widely
-- severity: medium
-- covers: pitfall 14; pgrls SEC044
-- source: PostgreSQL, ALTER DEFAULT PRIVILEGES
-- why: Default privileges open each new table as it is made, before anybody protects it: to everybody, or with rights such as
--      TRUNCATE that policies do not govern.
select format('default privileges of %s%s', w.maker, w.place) as object,
       'on every new table ' || string_agg(format('%s gets %s', w.grantee, w.privileges), '; ' order by w.grantee) as why,
       string_agg(format('alter default privileges for role %s%s revoke %s on tables from %s',
                         w.maker, w.place, lower(w.privileges), w.grantee), '; ') as fix
from (
    select d.defaclrole::regrole as maker, ' in schema ' || quote_ident(n.nspname) as place,
           coalesce(nullif(x.grantee, 0)::regrole::text, 'public') as grantee, string_agg(distinct x.privilege_type, ', ') as privileges
    from pg_default_acl d
    left join pg_namespace n on n.oid = d.defaclnamespace
    cross join lateral aclexplode(d.defaclacl) x
    where d.defaclobjtype = 'r' and x.grantee <> d.defaclrole
      and (d.defaclnamespace = 0 or d.defaclnamespace in (select oid from schemas))
      and (x.grantee = 0
           or x.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
              and x.grantee in (select e.role from reachable e join pg_roles r on r.oid = e.role and not r.rolsuper and not r.rolbypassrls))
    group by d.defaclrole, n.nspname, x.grantee
) as w
group by w.maker, w.place

-- fault:
alter default privileges for role check_owner in schema app grant select on tables to public;
-- names: in schema app

-- fault:
alter default privileges for role check_owner grant all on tables to check_app;
-- names: default privileges of check_owner

-- clean:
alter default privileges for role check_owner in schema app grant select, insert, update, delete on tables to check_app;
