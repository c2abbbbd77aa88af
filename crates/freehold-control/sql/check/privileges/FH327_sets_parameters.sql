-- Applications may set parameters that guards depend on
-- severity: high
-- covers: pitfall 42
-- source: PostgreSQL, GRANT ... ON PARAMETER; session_replication_role
-- why: With session_replication_role triggers and foreign keys are silent, with others of these a session loads libraries or hides
--      from the log, and ALTER SYSTEM changes the server for everybody.
select distinct format('parameter %s', p.parname) as object,
       format('%s may %s it', coalesce(nullif(x.grantee, 0)::regrole::text, 'everybody'), x.privilege_type) as why,
       format('revoke %s on parameter %s from %s', lower(x.privilege_type), p.parname, coalesce(nullif(x.grantee, 0)::regrole::text, 'public')) as fix
from pg_parameter_acl p
cross join lateral aclexplode(p.paracl) x
where (x.grantee = 0 or x.grantee in (select role from reachable))
  and (x.privilege_type = 'ALTER SYSTEM'
       or p.parname in ('session_replication_role', 'session_preload_libraries', 'dynamic_library_path', 'lo_compat_privileges',
                        'allow_system_table_mods', 'zero_damaged_pages', 'ignore_system_indexes', 'ignore_checksum_failure',
                        'log_statement', 'row_security')
       or p.parname ~ '^pgaudit\.'
       -- The context itself: only a superuser's parameter needs a grant.
       or exists (select from policies q where strpos(q.text, quote_literal(p.parname)) > 0))

-- fault:
grant set on parameter session_replication_role to check_app;
-- names: parameter session_replication_role

-- fault:
grant alter system on parameter work_mem to public;
-- names: parameter work_mem

-- clean:
grant set on parameter log_min_duration_statement to check_app;
