-- Sessions start with backslashes as escapes
-- severity: medium
-- covers: pitfall 1, 42
-- source: PostgreSQL, parameter standard_conforming_strings
-- why: Text that was quoted for standard strings can then end its string with a backslash: what was data becomes SQL, and SQL of one tenant
--      reads as far as the login does.
with defaults as (
    select s.setdatabase, s.setrole, split_part(c, '=', 1) as name, substr(c, strpos(c, '=') + 1) as value,
           concat_ws(' in ', case when s.setrole <> 0 then format('role %I', r.rolname) when s.setdatabase = 0 then 'role all' end,
                     case when s.setdatabase <> 0 then format('database %I', current_database()) end) as holder
    from pg_db_role_setting s
    cross join unnest(s.setconfig) c
    left join pg_roles r on r.oid = s.setrole
    where (s.setdatabase = 0 or s.setdatabase = (select oid from pg_database where datname = current_database()))
      and (s.setrole = 0 or s.setrole in (select oid from app_roles))
)
select d.holder as object, format('it sets standard_conforming_strings to %s', d.value) as why,
       format('alter %s reset standard_conforming_strings', d.holder) as fix
from defaults d
where d.name = 'standard_conforming_strings' and lower(d.value) in ('off', 'false', 'no', '0', 'f', 'n', 'of')

-- fault:
alter role check_app set standard_conforming_strings = off;
-- names: role check_app

-- clean:
alter role check_app set standard_conforming_strings = on;
