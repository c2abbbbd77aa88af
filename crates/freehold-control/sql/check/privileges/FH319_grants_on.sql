-- Applications may hand on their rights on a tenant table
-- severity: medium
-- covers: pitfall 40
-- source: PostgreSQL, GRANT: WITH GRANT OPTION
-- why: With the grant option any SQL of the application opens the table to other roles, for which nobody made policies.
select t.name as object, format('%s may grant %s on it to others', g.grantee_name, string_agg(distinct g.privilege, ', ')) as why,
       format('revoke grant option for %s on %s from %s cascade', lower(string_agg(distinct g.privilege, ', ')), t.name, g.grantee_name) as fix
from grants g join tenant_tables t on t.oid = g.relation
where g.is_grantable and (t.oid not in (select oid from sealed_tables) or g.privilege not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
group by t.name, g.grantee_name

-- fault:
drop policy tenant_updates on app.notes;
grant select, update on app.notes to check_app with grant option;
-- names: app.notes

-- clean:
create role check_team nologin;
grant select on app.notes to check_team;
grant check_team to check_app;
