-- Everybody may connect to a database of tenants
-- severity: high
-- covers: pitfall 50
-- source: PostgreSQL, GRANT: new databases let PUBLIC connect
-- why: A tenant's login of its own must reach the one database that is its own. Where everybody may connect, it reads the catalogue of
--      the others.
select 'database ' || d.datname as object, format('everybody may %s', lower(x.privilege_type)) as why,
       format('revoke %s on database %I from public', x.privilege_type, d.datname) as fix
from pg_database d cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x
where d.datname = current_database() and x.grantee = 0

-- fault:
do $$ begin execute format('grant connect on database %I to public', current_database()); end $$;
-- names: database freehold_check_data

-- clean:
create role check_login login;
do $$ begin execute format('grant connect on database %I to check_login', current_database()); end $$;
