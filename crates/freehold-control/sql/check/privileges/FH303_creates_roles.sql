-- An application may create and change roles
-- severity: high
-- covers: pitfall 6
-- source: PostgreSQL, chapter "Role Attributes"; before version 16 CREATEROLE administers every role but superusers
-- why: With CREATEROLE the application makes roles with rights of its own choice. Before version 16 it also grants itself any
--      role that is no superuser, the owner of the tables among them.
select format('role %s', a.oid::regrole) as object, 'it has CREATEROLE' as why, format('alter role %s nocreaterole', a.oid::regrole) as fix
from app_roles a join pg_roles r on r.oid = a.oid
where r.rolcreaterole and not r.rolsuper
  -- Where nobody said which roles are applications', an operator's is one that tenant tables were not granted to.
  and (a.configured or a.oid in (select e.app from reachable e join grants g on g.grantee = e.role join tenant_tables t on t.oid = g.relation))

-- fault:
alter role check_app createrole;
-- names: role check_app

-- clean:
set local freehold_check.roles = '';
create role check_operator login createrole;
