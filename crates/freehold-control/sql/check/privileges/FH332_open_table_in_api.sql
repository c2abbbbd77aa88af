-- A table of the API can be written without signing in
-- severity: high
-- covers: splinter 0013; pgrls SEC049
-- source: PostgREST, chapter "Schemas"; Supabase, chapter "Row Level Security"
-- why: PostgREST serves each granted table of its schemas over HTTP. Without row-level security this one is everybody's to change,
--      and tenants read what strangers wrote.
select r.name as object, format('%s may write it, its schema is served, and row-level security is off', a.oid::regrole) as why,
       format('revoke insert, update, delete, truncate on %s from %s, public', r.name, a.oid::regrole) as fix
from relations r
join pg_roles a on a.rolname in ('anon', 'web_anon') and not a.rolsuper
where r.kind in ('r', 'p') and not r.enabled and r.oid not in (select oid from tenant_tables)
  and exists (select from pg_roles where rolname in ('authenticator', 'authenticated'))
  and has_table_privilege(a.oid, r.oid, 'insert, update, delete') and has_schema_privilege(a.oid, r.schema::text, 'usage')
  and (r.schema = 'public'
       or exists (select from pg_db_role_setting d cross join unnest(d.setconfig) as c
                  where c ~ '^pgrst\.db_schemas=' and r.schema::text = any (regexp_split_to_array(substr(c, 18), '[\s,"]+'))))

-- fault:
create role anon nologin;
create role authenticated nologin;
grant usage on schema public to anon;
create table public.countries (code text primary key, name text not null);
grant all on public.countries to anon, authenticated;
-- names: public.countries

-- clean:
create role anon nologin;
create role authenticated nologin;
grant usage on schema public to anon;
create table public.countries (code text primary key, name text not null);
alter table public.countries owner to check_owner;
grant select on public.countries to anon, authenticated;
