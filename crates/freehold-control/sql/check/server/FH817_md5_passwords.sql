-- New passwords are stored as MD5
-- severity: low
-- covers: -
-- source: PostgreSQL, parameter password_encryption; MD5 passwords are deprecated since 18
-- why: An MD5 hash is as good as the password to whoever reads it, in a backup or by a pooler's query, and is quickly guessed. SCRAM hashes
--      are neither.
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
select d.holder as object, 'it sets password_encryption to md5' as why, format('alter %s reset password_encryption', d.holder) as fix
from defaults d
where d.name = 'password_encryption' and lower(d.value) in ('md5', 'on')
union all
select 'server', 'password_encryption is md5', '-- alter system set password_encryption = ''scram-sha-256'', reload, and set passwords anew'
where current_setting('password_encryption') = 'md5'
  and not exists (select from defaults d where d.name = 'password_encryption')

-- fault:
set local password_encryption = 'md5';
-- names: server

-- fault:
alter role check_app set password_encryption = 'md5';
-- names: role check_app

-- clean:
alter role check_app set password_encryption = 'scram-sha-256';
