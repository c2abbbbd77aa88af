-- An application logs in as a superuser
-- severity: critical
-- covers: pitfall 6; pgrls SEC016
-- source: PostgreSQL, chapter "Row Security Policies": superusers always bypass row security
-- why: No policy and no grant holds a superuser: each query reads every tenant, and one injection owns the server.
select format('role %s', a.oid::regrole) as object, 'it is a superuser' as why, format('alter role %s nosuperuser', a.oid::regrole) as fix
from app_roles a join pg_roles r on r.oid = a.oid
where r.rolsuper

-- fault:
alter role check_app superuser;
-- names: role check_app

-- clean:
create role check_operator login superuser;
