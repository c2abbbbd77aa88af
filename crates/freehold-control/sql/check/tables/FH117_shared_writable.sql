-- Applications can write a table that all tenants share
-- severity: medium
-- covers: pitfall 32; pgrls SEC001
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: It has no tenant column and no row-level security, so what is done for one tenant is read, overwritten or deleted by any
--      other: sessions, jobs, settings and caches leak this way, and reference data can be poisoned.
select r.name as object,
       format('%s may %s, and no column says whose a row is', string_agg(distinct g.grantee_name, ', '),
              lower(string_agg(distinct g.privilege, ', '))) as why,
       format('-- add the column of the tenant and policies; or, if it is reference data: revoke insert, update, delete on %s from %s',
              r.name, string_agg(distinct g.grantee_name, ', ')) as fix
from relations r join grants g on g.relation = r.oid and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
where r.kind in ('r', 'p') and not r.is_partition and not r.enabled
  and not exists (select from policies p where p.relation = r.oid)
  and r.oid not in (select oid from tenant_tables union all select oid from tenant_roots)
  -- Elsewhere tables are a tenant's own, by schema or by database.
  and r.schema in (select schema from tenant_tables)
  -- What hangs on a tenant's row is worse, and a finding of its own.
  and not exists (
      select from pg_constraint k
      where k.conrelid = r.oid and k.contype = 'f'
        and k.confrelid in (select oid from tenant_tables union all select oid from tenant_roots))
group by r.oid, r.name
-- An audit log that can only be added to tells nobody anything.
having bool_or(g.privilege in ('UPDATE', 'DELETE')) or bool_or(g.privilege = 'INSERT') and bool_or(g.privilege = 'SELECT')

-- fault:
create table app.sessions (id text not null primary key, data jsonb not null);
grant select, insert on app.sessions to check_app;
-- names: app.sessions

-- fault:
create table app.settings (name text not null primary key, value text not null);
grant update on app.settings to public;
-- names: app.settings

-- clean:
create table app.currencies (code text not null primary key);
grant select on app.currencies to check_app;
create table app.audit (at timestamptz not null, id uuid not null primary key, what text not null);
grant insert on app.audit to check_app;
