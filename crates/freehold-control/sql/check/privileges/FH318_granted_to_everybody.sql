-- A tenant table is granted to everybody
-- severity: medium
-- covers: pitfall 14
-- source: PostgreSQL, chapter "Privileges": PUBLIC
-- why: PUBLIC is every role of the server, also those of other applications and those of tomorrow. Nothing but policies is left
--      between them and the rows.
select t.name as object, format('PUBLIC has %s on it', string_agg(distinct g.privilege, ', ')) as why,
       format('revoke %s on %s from public', lower(string_agg(distinct g.privilege, ', ')), t.name) as fix
from grants g join tenant_tables t on t.oid = g.relation
where g.grantee = 0 and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
  and t.oid not in (select oid from sealed_tables)
group by t.name

-- fault:
drop policy tenant_updates on app.notes;
grant all on app.notes to public;
-- names: app.notes

-- clean:
grant select on app.projects to public;
create role check_team nologin;
grant select, insert, update, delete on app.notes to check_team;
create table app.countries (code text primary key, name text not null);
alter table app.countries owner to check_owner;
grant select on app.countries to public;
