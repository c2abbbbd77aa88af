-- Applications may use a foreign server
-- severity: medium
-- covers: pitfall 29; pitfall 7
-- source: PostgreSQL, GRANT ... ON FOREIGN SERVER; CREATE USER MAPPING
-- why: USAGE lets any SQL of the application make foreign tables and read the password of its mapping. The other side sees one
--      login for all tenants, and no policy of this side.
select distinct format('%s %I', f.what, f.name) as object, format('%s may use it', w.grantee) as why,
       format('revoke usage on %s %I from %s', f.what, f.name, w.grantee) as fix
from (
    select 'foreign server' as what, srvname as name, srvowner as owner, srvacl as acl from pg_foreign_server
    union all
    select 'foreign data wrapper', fdwname, fdwowner, fdwacl from pg_foreign_data_wrapper
) as f
cross join lateral aclexplode(f.acl) x
cross join lateral (select coalesce(nullif(x.grantee, 0)::regrole::text, 'public') as grantee) w
where x.privilege_type = 'USAGE' and x.grantee <> f.owner and (x.grantee = 0 or x.grantee in (select role from reachable))

-- fault:
create foreign data wrapper check_wrapper;
create server check_other foreign data wrapper check_wrapper;
create user mapping for public server check_other;
grant usage on foreign server check_other to check_app;
-- names: foreign server check_other

-- fault:
create foreign data wrapper check_wrapper;
grant usage on foreign data wrapper check_wrapper to check_app;
-- names: foreign data wrapper check_wrapper

-- clean:
create foreign data wrapper check_wrapper;
create server check_other foreign data wrapper check_wrapper;
create role check_operator login;
grant usage on foreign server check_other to check_operator;
