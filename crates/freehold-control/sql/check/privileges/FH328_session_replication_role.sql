-- Sessions of applications start with triggers and foreign keys switched off
-- severity: high
-- covers: pitfall 42
-- source: PostgreSQL, session_replication_role
-- why: While session_replication_role is replica no foreign key and no ordinary trigger fires, so rows come to refer to those of
--      other tenants, and what triggers keep apart mixes.
select format('settings of %s%s', case when d.setrole = 0 then 'everybody' else format('role %s', d.setrole::regrole) end,
              case when d.setdatabase <> 0 then ' in this database' else '' end) as object,
       format('%s is set', c) as why,
       case when d.setrole <> 0 and d.setdatabase <> 0
            then format('alter role %s in database %I reset session_replication_role', d.setrole::regrole, current_database())
            when d.setrole <> 0 then format('alter role %s reset session_replication_role', d.setrole::regrole)
            when d.setdatabase <> 0 then format('alter database %I reset session_replication_role', current_database())
            else 'alter role all reset session_replication_role' end as fix
from pg_db_role_setting d
cross join unnest(d.setconfig) as c
where c ~ '^session_replication_role=(replica|local)$'
  and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and (d.setrole = 0 or d.setrole in (select oid from app_roles))

-- fault:
alter role check_app set session_replication_role = replica;
-- names: role check_app

-- clean:
create role check_copier login superuser;
alter role check_copier set session_replication_role = replica;
