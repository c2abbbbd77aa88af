-- Sessions of applications start with row_security off
-- severity: low
-- covers: pitfall 28
-- source: PostgreSQL, row_security
-- why: It opens nothing to a role that policies hold: its queries fail instead. It shows that somebody meant to go round policies,
--      and works as meant on the day the role becomes an owner or exempt.
select format('settings of %s%s', case when d.setrole = 0 then 'everybody' else format('role %s', d.setrole::regrole) end,
              case when d.setdatabase <> 0 then ' in this database' else '' end) as object,
       'row_security is off' as why,
       case when d.setrole <> 0 and d.setdatabase <> 0
            then format('alter role %s in database %I reset row_security', d.setrole::regrole, current_database())
            when d.setrole <> 0 then format('alter role %s reset row_security', d.setrole::regrole)
            when d.setdatabase <> 0 then format('alter database %I reset row_security', current_database())
            else 'alter role all reset row_security' end as fix
from pg_db_role_setting d
cross join unnest(d.setconfig) as c
where c ~ '^row_security=(off|false|no|0)$'
  and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and (d.setrole = 0 or exists (select from app_roles a where a.oid = d.setrole and a.configured))

-- fault:
alter role check_app set row_security = off;
-- names: role check_app

-- clean:
create role check_backup login;
alter role check_backup set row_security = off;
