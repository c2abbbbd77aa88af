-- An application owns a schema with tenant tables
-- severity: high
-- covers: pitfall 26
-- source: PostgreSQL, DROP TABLE: the owner of the schema may drop what is in it; chapter "Schemas"
-- why: The owner of a schema may drop the tables in it, whoever owns them, and put others in their place that have no policies.
select format('schema %I', s.name) as object, format('%s owns it', s.owner::regrole) as why,
       coalesce((select format('alter schema %I owner to %s', s.name, min(t.owner::regrole::text))
                 from tenant_tables t where t.schema = s.name and t.owner not in (select role from reachable) having count(*) > 0),
                format('-- give it to a role that nobody logs in as: alter schema %I owner to ...', s.name)) as fix
from schemas s
where s.owner in (select r.role from reachable r join app_roles a on a.oid = r.app join pg_roles o on o.oid = r.role and not o.rolsuper
                  where a.configured or r.app in (select e.app from reachable e join grants g on g.grantee = e.role
                                                  join tenant_tables n on n.oid = g.relation))
  and exists (select from tenant_tables t where t.schema = s.name and t.owner <> s.owner)

-- fault:
alter schema app owner to check_app;
-- names: schema app

-- clean:
create schema check_scratch authorization check_app;
