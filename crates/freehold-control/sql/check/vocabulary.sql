-- What the rules are written in. Every rule is a query that follows these names, and reads what it needs of them.
--
-- Options come as settings, LOCAL to the transaction of the check, so that a rule can be run by hand too:
--   freehold_check.tenant_columns   names of the column that says whose a row is, by comma, the likeliest first
--   freehold_check.roles            what applications log in as; unset: every role that is neither a superuser nor exempt
--   freehold_check.schemas          where to look; unset: everywhere but in the server's own schemas and Freehold's
--   freehold_check.server_version   in the place of server_version_num, for the self-test
-- search_path is pg_catalog, so that names come out qualified.
with recursive
options as (
    select string_to_array(coalesce(nullif(current_setting('freehold_check.tenant_columns', true), ''),
               'tenant_id,organization_id,organisation_id,org_id,account_id,workspace_id,company_id,team_id'), ',') as tenant_columns,
           string_to_array(nullif(current_setting('freehold_check.roles', true), ''), ',') as roles,
           string_to_array(nullif(current_setting('freehold_check.schemas', true), ''), ',') as schemas,
           coalesce(nullif(current_setting('freehold_check.server_version', true), ''), current_setting('server_version_num'))::integer as version
),
schemas as (
    select n.oid, n.nspname as name, n.nspowner as owner, n.nspacl as acl
    from pg_namespace n, options o
    where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'freehold')
      and (o.schemas is null or n.nspname = any (o.schemas))
),
-- Tables, views, materialized views, foreign tables and sequences that no extension brought.
relations as materialized (
    select c.oid, c.oid::regclass::text as name, s.name as schema, c.relkind as kind, c.relowner as owner, c.reloptions as options,
           c.relrowsecurity as enabled, c.relforcerowsecurity as forced, c.relispartition as is_partition,
           coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner)) as acl
    from pg_class c join schemas s on s.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
),
-- Tables with a column that says whose a row is.
tenant_tables as materialized (
    select r.*, a.attname as tenant_column, a.attnum as tenant_attnum, a.atttypid as tenant_type, a.attnotnull as tenant_not_null
    from relations r
    cross join options o
    cross join lateral (
        select a.* from pg_attribute a
        where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped and a.attname = any (o.tenant_columns)
        order by array_position(o.tenant_columns, a.attname::text) limit 1
    ) as a
    where r.kind in ('r', 'p')
),
-- The tables of tenants themselves: what the tenant column refers to.
tenant_roots as (
    select distinct r.*
    from relations r
    join pg_constraint k on k.confrelid = r.oid and k.contype = 'f'
    join tenant_tables t on t.oid = k.conrelid and k.conkey = array[t.tenant_attnum]
    where r.oid not in (select oid from tenant_tables)
),
-- What applications, and so tenants' SQL, run as. PUBLIC is grantee 0 in an access list, and no row here.
app_roles as (
    select r.oid, r.rolname as name, o.roles is not null as configured
    from pg_roles r, options o
    where case when o.roles is not null then r.rolname = any (o.roles)
               else not r.rolsuper and not r.rolbypassrls and r.rolname !~ '^pg_'
                    and r.oid not in (select owner from tenant_tables) end
),
-- Every role an app role can act as, itself among them. Membership is handed on, so a role in between hides nothing.
reachable as (
    select a.oid as app, a.oid as role from app_roles a
    union
    select r.app, m.roleid from reachable r join pg_auth_members m on m.member = r.role
),
-- What app roles, or everybody, may do with a relation. Owners' own rights are not grants.
grants as (
    select r.oid as relation, x.grantee, coalesce(nullif(x.grantee, 0)::regrole::text, 'public') as grantee_name,
           x.privilege_type as privilege, x.is_grantable
    from relations r cross join lateral aclexplode(r.acl) x
    where x.grantee <> r.owner and (x.grantee = 0 or x.grantee in (select role from reachable))
),
-- Routines that no extension brought, with their text.
routines as (
    select p.oid, p.oid::regprocedure::text as name, s.name as schema, p.proowner as owner, p.prosecdef as is_definer,
           p.proleakproof as is_leakproof, p.provolatile as volatility, p.proconfig as settings, p.prokind as kind, l.lanname as language,
           p.prorettype as returns, coalesce(p.proacl, acldefault('f', p.proowner)) as acl,
           coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body
    from pg_proc p join schemas s on s.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    where not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
),
-- Routines and views that tell a policy who asks: they read a setting, or ask one that does, its reader.
context_texts as materialized (
    -- What initdb made has a lower oid, and the text of a routine in C is a name.
    select p.oid, p.proname::text as name, coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) as body, '\s*\(' as after
    from pg_proc p join pg_language l on l.oid = p.prolang where p.oid >= 16384 and l.lanname <> 'c'
    union all
    select c.oid, c.relname, pg_get_viewdef(c.oid), '\M' from pg_class c where c.oid >= 16384 and c.relkind = 'v'
),
context_sources as materialized (
    select t.oid, t.oid as reader, false as by_secret, t.name, t.after from context_texts t where t.body ~ '\mcurrent_setting\M'
    union
    -- A session's secret id, looked up, is as good as a signature.
    select t.oid, s.reader, s.by_secret or t.body ~* '\m(from|join)\s+[\w."]*(session|token)', t.name, t.after
    from context_sources s
    join context_texts t on strpos(lower(t.body), lower(s.name)) > 0
         and t.body ~* ('\m' || regexp_replace(s.name, '(\W)', '\\\1', 'g') || '"?' || s.after)
),
policies as materialized (
    select p.oid, p.polrelid as relation, p.polname as name, p.polpermissive as is_permissive, p.polroles as roles,
           -- 'r' select, 'a' insert, 'w' update, 'd' delete, '*' all of them
           p.polcmd as command, u.using_text, c.check_text,
           concat_ws(' ', u.using_text, c.check_text) as text,
           format('policy %I on %s', p.polname, p.polrelid::regclass) as object,
           -- It asks who is asking.
           concat_ws(' ', u.using_text, c.check_text) ~ '\mcurrent_setting\M'
           or exists (select from pg_depend d where d.classid = 'pg_policy'::regclass and d.objid = p.oid
                        and d.refobjid in (select oid from context_sources)) as reads_context
    from pg_policy p
    join relations r on r.oid = p.polrelid
    cross join lateral (select pg_get_expr(p.polqual, p.polrelid) as using_text) u
    cross join lateral (select pg_get_expr(p.polwithcheck, p.polrelid) as check_text) c
),
-- Tenant tables on which a restrictive policy for everybody compares the tenant column with the context, for every
-- command: whatever else is permitted there is permitted within the tenant.
sealed_tables as materialized (
    select t.oid
    from tenant_tables t
    join policies p on p.relation = t.oid
    -- What is read is judged by USING, what is written by WITH CHECK, or by USING in its place.
    cross join lateral (select p.using_text ~ ('\m' || t.tenant_column || '\M') as uses,
                               coalesce(p.check_text, p.using_text) ~ ('\m' || t.tenant_column || '\M') as checks) as about
    where t.enabled and t.forced and not p.is_permissive and p.roles = '{0}' and p.reads_context
    group by t.oid
    having bool_or(p.command in ('r', '*') and about.uses) and bool_or(p.command in ('d', '*') and about.uses)
       and bool_or(p.command in ('a', '*') and about.checks) and bool_or(p.command in ('w', '*') and about.uses and about.checks)
)
