-- A secret is kept in a setting that everybody can read
-- severity: high
-- covers: -
-- source: PostgreSQL, pg_db_role_setting is readable by everybody
-- why: What ALTER ROLE and ALTER DATABASE set is in a catalogue that every login reads, and in every session besides. A key that signs
--      tokens or opens another service is known to any SQL of any tenant.
select concat_ws(' in ', case when s.setrole <> 0 then format('role %I', r.rolname) when s.setdatabase = 0 then 'role all' end,
                case when s.setdatabase <> 0 then format('database %I', d.datname) end) as object,
       format('its setting %s is a secret by its name, and has a value', x.name) as why,
       format('alter %s reset %s', concat_ws(' in ', case when s.setrole <> 0 then format('role %I', r.rolname)
                                                       when s.setdatabase = 0 then 'role all' end,
                                             case when s.setdatabase <> 0 then format('database %I', d.datname) end),
              (select string_agg(quote_ident(n), '.') from unnest(string_to_array(x.name, '.')) n)) as fix
from pg_db_role_setting s
cross join unnest(s.setconfig) c
cross join lateral (select split_part(c, '=', 1) as name, substr(c, strpos(c, '=') + 1) as value) x
left join pg_roles r on r.oid = s.setrole
left join pg_database d on d.oid = s.setdatabase
where x.name like '%.%' and x.value <> ''
  and x.name ~* '(secret|password|passwd|(api|private|signing|encryption|service|service_role|access|hmac)_?key)$'

-- fault:
alter role check_app set app.jwt_secret = 'not very';
-- names: role check_app

-- clean:
alter role check_app set app.colour = 'blue';
alter role check_app set app.jwt_secret = '';
