-- GraphQL shows a tenant table to visitors who have not signed in
-- severity: low
-- covers: splinter 0026
-- source: Supabase, pg_graphql: the schema shows what the role may select
-- why: Names, columns and relations of the table are in the GraphQL schema for whoever has the public key, even if policies keep
--      each row.
select t.name as object, format('%s may select from it, and pg_graphql is installed', a.oid::regrole) as why,
       format('revoke select on %s from %s, public', t.name, a.oid::regrole) as fix
from tenant_tables t
join pg_roles a on a.rolname = 'anon' and not a.rolsuper
where (exists (select from pg_extension e where e.extname = 'pg_graphql')
       or exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'graphql' and p.proname = 'resolve'))
  and t.kind = 'r' and has_any_column_privilege(a.oid, t.oid, 'select') and has_schema_privilege(a.oid, t.schema::text, 'usage')

-- fault:
create role anon nologin;
create schema graphql;
create function graphql.resolve(query text) returns jsonb language sql immutable return '{}'::jsonb;
grant usage on schema app to anon;
grant select on app.notes to anon;
-- names: app.notes

-- clean:
create role anon nologin;
create schema graphql;
create function graphql.resolve(query text) returns jsonb language sql immutable return '{}'::jsonb;
grant usage on schema app to anon;
