-- An application may replicate the server
-- severity: high
-- covers: pitfall 28
-- source: PostgreSQL, CREATE ROLE: REPLICATION; chapter "Logical Decoding"
-- why: Replication knows no policies: the role can stream the changes of every tenant, or copy the whole server.
select format('role %s', a.oid::regrole) as object, 'it has REPLICATION' as why, format('alter role %s noreplication', a.oid::regrole) as fix
from app_roles a join pg_roles r on r.oid = a.oid
where r.rolreplication and not r.rolsuper
  and (a.configured or a.oid in (select e.app from reachable e join grants g on g.grantee = e.role join tenant_tables t on t.oid = g.relation
                                 where g.privilege in ('INSERT', 'UPDATE', 'DELETE')))

-- fault:
alter role check_app replication;
-- names: role check_app

-- clean:
set local freehold_check.roles = '';
create role check_stream login replication;
