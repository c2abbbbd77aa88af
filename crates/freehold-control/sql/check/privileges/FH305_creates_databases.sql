-- An application may create databases
-- severity: low
-- covers: -
-- source: PostgreSQL, CREATE ROLE: CREATEDB
-- why: What an injection can fill with databases and own there, it should not be able to make.
select format('role %s', a.oid::regrole) as object, 'it has CREATEDB' as why, format('alter role %s nocreatedb', a.oid::regrole) as fix
from app_roles a join pg_roles r on r.oid = a.oid
where r.rolcreatedb and not r.rolsuper and a.configured

-- fault:
alter role check_app createdb;
-- names: role check_app

-- clean:
create role check_operator login createdb;
