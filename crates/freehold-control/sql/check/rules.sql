-- What the catalogue of a data database shows that could leak. One row per finding.
with recursive
placed as (
    select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.reloptions, n.nspname
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in (select id from freehold.placements)
),
tenant_tables as (
    select p.* from placed p
    where p.relkind in ('r', 'p')
      and exists (select from pg_attribute a where a.attrelid = p.oid and a.attname = 'tenant_id' and not a.attisdropped)
),
logins as (
    select r.* from pg_roles r
    where r.rolname in ('freehold_app', 'freehold_tenant')
       or r.oid in (select m.member from pg_auth_members m where m.roleid = 'freehold_tenant'::regrole)
          and r.rolname <> 'freehold_control'
),
-- Membership is handed on, so a role in between hides nothing.
memberships as (
    select l.oid as login, m.roleid as role from logins l join pg_auth_members m on m.member = l.oid
    union
    select s.login, m.roleid from memberships s join pg_auth_members m on m.member = s.role
)
select 'FH001' as rule, 'critical' as severity, t.oid::regclass::text as object,
       'row-level security is ' || case when not t.relrowsecurity then 'off' else 'not forced on the owner' end as why,
       case when t.relispartition then 'call freehold.tenant_table on its parent again'
            else format('select freehold.tenant_table(%L)', t.oid::regclass) end as fix
from tenant_tables t where not (t.relrowsecurity and t.relforcerowsecurity)
union all
select 'FH002', 'critical', t.oid::regclass::text, 'a policy of a tenant table is missing: ' || wanted.name,
       case when t.relispartition then 'call freehold.tenant_table on its parent again'
            else format('select freehold.tenant_table(%L)', t.oid::regclass) end
from tenant_tables t
cross join (values ('freehold_rows', '*', true), ('freehold_select', 'r', false), ('freehold_insert', 'a', false),
                   ('freehold_update', 'w', false), ('freehold_delete', 'd', false)) as wanted(name, command, permissive)
where not exists (
    select from pg_policy p
    where p.polrelid = t.oid and p.polname = wanted.name and p.polcmd::text = wanted.command and p.polpermissive = wanted.permissive
      and p.polroles = '{0}'
      and (wanted.permissive
           or coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ~ ('tenant_id = .*' || t.nspname || '.*freehold\.context')))
union all
select 'FH003', 'critical', c.oid::regclass::text,
       format('%s may %s, which policies do not govern', coalesce(nullif(a.grantee, 0)::regrole::text, 'everybody'), lower(a.privilege_type)),
       format('revoke %s on %s from %s', a.privilege_type, c.oid::regclass, coalesce(nullif(a.grantee, 0)::regrole::text, 'public'))
from placed p join pg_class c on c.oid = p.oid cross join lateral aclexplode(c.relacl) a
where p.relkind in ('r', 'p', 'v', 'm', 'f')
  and (a.grantee = 0 or a.grantee in (select oid from logins))
  and a.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
union all
select 'FH004', 'critical', p.oid::regclass::text, 'a partition can be addressed past the policies of its parent',
       format('revoke all on %s from public, freehold_app, freehold_tenant', p.oid::regclass)
from placed p join pg_class c on c.oid = p.oid cross join lateral aclexplode(c.relacl) a
where p.relispartition and (a.grantee = 0 or a.grantee in (select oid from logins))
union all
select 'FH005', 'high', p.oid::regclass::text,
       case p.relkind when 'v' then 'a view that does not run as its caller' when 'm' then 'a materialized view has no row-level security'
                      else 'a foreign table has no row-level security' end || ' is granted to tenants',
       case p.relkind when 'v' then format('alter view %s set (security_invoker = true)', p.oid::regclass)
                      else format('revoke all on %s from public, freehold_app, freehold_tenant', p.oid::regclass) end
from placed p join pg_class c on c.oid = p.oid
where exists (select from aclexplode(c.relacl) a where a.grantee = 0 or a.grantee in (select oid from logins))
  and (p.relkind in ('m', 'f') or p.relkind = 'v' and not coalesce(p.reloptions::text ~* 'security_invoker=(true|on|1)', false))
union all
select 'FH006', 'high', f.oid::regprocedure::text, 'a security definer function runs with the rights of ' || f.proowner::regrole,
       format('alter function %s security invoker', f.oid::regprocedure)
from pg_proc f join pg_namespace n on n.oid = f.pronamespace
where f.prosecdef and n.nspname not in ('pg_catalog', 'information_schema', 'freehold')
  and exists (select from logins l where has_function_privilege(l.oid, f.oid, 'execute'))
union all
select 'FH007', 'critical', l.rolname::text,
       'a tenant''s login ' || case when l.rolsuper then 'is a superuser' when l.rolbypassrls then 'bypasses row-level security'
                                    else 'can create roles' end,
       format('alter role %I nosuperuser nobypassrls nocreaterole', l.rolname)
from logins l where l.rolsuper or l.rolbypassrls or l.rolcreaterole
union all
select 'FH008', 'critical', l.rolname::text, 'a tenant''s login is a member of ' || s.role::regrole,
       coalesce((select format('revoke %s from %I', s.role::regrole, l.rolname)
                 from pg_auth_members m where m.roleid = s.role and m.member = l.oid limit 1),
                'revoke the role in between, through which it is one')
from memberships s join logins l on l.oid = s.login where s.role <> 'freehold_tenant'::regrole
union all
select 'FH009', 'critical', p.oid::regclass::text, 'a tenant''s login owns it', format('alter table %s owner to freehold_owner', p.oid::regclass)
from placed p join pg_class c on c.oid = p.oid where c.relowner in (select oid from logins)
union all
select 'FH010', 'high', 'database ' || d.datname,
       coalesce(nullif(a.grantee, 0)::regrole::text, 'everybody') || ' may ' || lower(a.privilege_type),
       format('revoke %s on database %I from %s', a.privilege_type, d.datname, coalesce(nullif(a.grantee, 0)::regrole::text, 'public'))
from pg_database d cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
where d.datname = current_database()
  and (a.grantee = 0 or a.privilege_type <> 'CONNECT' and a.grantee in (select oid from logins))
union all
select 'FH011', 'high', 'schema ' || n.nspname, format('%s may create in it, and shadow names', coalesce(nullif(a.grantee, 0)::regrole::text, 'everybody')),
       format('revoke create on schema %I from %s', n.nspname, coalesce(nullif(a.grantee, 0)::regrole::text, 'public'))
from pg_namespace n cross join lateral aclexplode(n.nspacl) a
where a.privilege_type = 'CREATE' and (a.grantee = 0 or a.grantee in (select oid from logins))
union all
select 'FH012', 'medium', p.oid::regclass::text, 'tenants can read the state of a sequence',
       format('revoke all on sequence %s from public, freehold_app, freehold_tenant', p.oid::regclass)
from placed p join pg_class c on c.oid = p.oid cross join lateral aclexplode(c.relacl) a
where p.relkind = 'S' and (a.grantee = 0 or a.grantee in (select oid from logins))
union all
select 'FH013', 'high', 'extension ' || e.extname, 'it opens connections or files past the policies', format('drop extension %I', e.extname)
from pg_extension e where e.extname in ('dblink', 'postgres_fdw', 'file_fdw', 'adminpack', 'plpython3u', 'plperlu')
union all
select 'FH014', 'high', f.oid::regprocedure::text, 'a function of your own is marked leakproof, so it sees rows before the policies do',
       format('alter function %s not leakproof', f.oid::regprocedure)
from pg_proc f join pg_namespace n on n.oid = f.pronamespace
where f.proleakproof and n.nspname not in ('pg_catalog', 'information_schema')
union all
select 'FH015', 'high', t.oid::regclass::text, f.fault, f.fix
from tenant_tables t cross join lateral freehold.tenant_table_faults(t.oid::regclass) f where not t.relispartition
union all
select 'FH016', 'high', 'large objects', format('there are %s large objects, which have no row-level security, and tenants may read them', count(*)),
       'keep files outside the database, remove the objects with lo_unlink(oid), and run `freehold up` as a superuser, which closes the functions'
from pg_largeobject_metadata having count(*) > 0 and has_function_privilege('freehold_app', 'lo_get(oid)', 'execute')
union all
select 'FH017', 'high', coalesce(r.rolname::text, 'database ' || d.datname),
       format('every session begins with %s', split_part(s.setting, '=', 1)),
       case when r.oid is null then format('alter database %I reset %s', d.datname, split_part(s.setting, '=', 1))
            when d.oid is null then format('alter role %I reset %s', r.rolname, split_part(s.setting, '=', 1))
            else format('alter role %I in database %I reset %s', r.rolname, d.datname, split_part(s.setting, '=', 1)) end
from pg_db_role_setting c
left join logins r on r.oid = c.setrole
left join pg_database d on d.oid = c.setdatabase
cross join lateral unnest(c.setconfig) as s(setting)
where (c.setrole = 0 or r.oid is not null) and (c.setdatabase = 0 or d.datname = current_database())
  -- A tenant's SQL can set anything for its own login, which never needs a setting of its own.
  and (r.oid is not null
       or split_part(s.setting, '=', 1) in ('row_security', 'session_replication_role', 'session_preload_libraries', 'local_preload_libraries'))
union all
-- Not a tenant table, so without policies, and tenants can use it: a whole table for everybody in the placement.
select 'FH018', 'critical', p.oid::regclass::text, 'a table without tenant_id has no policies, and it is granted to tenants',
       format('revoke all on %s from public, freehold_app, freehold_tenant', p.oid::regclass)
from placed p join pg_class c on c.oid = p.oid
where p.relkind in ('r', 'p') and not exists (select from tenant_tables t where t.oid = p.oid)
  and exists (select from aclexplode(c.relacl) a where a.grantee = 0 or a.grantee in (select oid from logins))
union all
select 'FH019', 'critical', c.oid::regclass::text, format('tenants may %s a global table, which every tenant reads', lower(a.privilege_type)),
       format('select freehold.global_table(%L)', c.oid::regclass)
from pg_class c cross join lateral aclexplode(c.relacl) a
where c.relnamespace = 'global'::regnamespace and c.relkind in ('r', 'p') and a.privilege_type <> 'SELECT'
  and (a.grantee = 0 or a.grantee in (select oid from logins))
union all
-- Made behind our back: connections are cleaned as if it were not there.
select 'FH020', 'high', 'freehold.installation', format('routines that run text are %s, and %s is noted', found.interpreters, i.interpreters),
       'select freehold.note_interpreters()'
from freehold.installation i cross join freehold.interpreters() as found(interpreters)
where array_position(array['none', 'triggers', 'callable'], found.interpreters) > array_position(array['none', 'triggers', 'callable'], i.interpreters)
order by 1, 3, 4
