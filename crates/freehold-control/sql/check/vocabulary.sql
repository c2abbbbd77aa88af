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
),
-- The stored trees of policies (PostgreSQL: pg_node_tree), as text.
policy_trees as (
    select p.oid as policy, x.clause, x.tree
    from policies p join pg_policy y on y.oid = p.oid
    cross join lateral (values (1, y.polqual::text), (2, y.polwithcheck::text)) as x(clause, tree)
    where x.tree is not null
),
-- Nodes begin with a brace and a name; what is escaped belongs to a name.
policy_tokens as (
    select t.policy, t.clause, m.n, m.token[1] as token,
           sum(case left(m.token[1], 1) when '{' then 1 when '}' then -1 else 0 end)
               over (partition by t.policy, t.clause order by m.n) as depth
    from policy_trees t
    cross join lateral regexp_matches(t.tree,
        '(\\.|\{[A-Z]*|\}|:funcid \d+|:args <>|:varattno \d+)', 'g') with ordinality as m(token, n)
),
-- Functions that policies call, with what they are given, and whether in a sub-select: once for the statement.
policy_calls as (
    select f.policy, f.clause, f.n, substring(f.token from '\d+')::oid as function,
           -- The first argument: none, or the node that comes next.
           (select a.token from policy_tokens a where a.policy = f.policy and a.clause = f.clause and a.n = f.n + 1) as argument,
           (select a.token from policy_tokens a where a.policy = f.policy and a.clause = f.clause and a.n = f.n + 2) as attribute,
           -- In a sub-select: since it began, nothing has closed it.
           exists (
               select from policy_tokens s
               where s.policy = f.policy and s.clause = f.clause and s.n < f.n and s.token = '{SUBLINK'
                 and not exists (
                     select from policy_tokens u
                     where u.policy = f.policy and u.clause = f.clause and u.n > s.n and u.n < f.n and u.depth < s.depth)) as is_wrapped
    from policy_tokens f where f.token like ':funcid %'
),
-- What each view, also a materialized one, is made of.
view_uses as materialized (
    select distinct w.ev_class as view, d.refobjid as relation
    from pg_rewrite w
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
    where w.ev_type = '1' and d.refobjid <> w.ev_class
),
-- Views with whom they run as.
views as materialized (
    -- What a view names is read as its owner, or, with security_invoker, as the caller, however deep it is nested.
    select r.oid, r.name, r.owner, r.options, o.rolname as owner_name, o.rolsuper or o.rolbypassrls as is_exempt,
           exists (select from pg_options_to_table(r.options) x
                   where x.option_name = 'security_invoker' and x.option_value::boolean) as is_invoker,
           -- It asks who is asking, and so keeps tenants apart itself.
           pg_get_viewdef(r.oid) ~ '\m(current_setting|CURRENT_USER|SESSION_USER|CURRENT_ROLE|USER)\M'
           or exists (select from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
                      where w.ev_class = r.oid and d.refobjid in (select oid from context_sources)) as filters
    from relations r join pg_roles o on o.oid = r.owner
    where r.kind = 'v'
),
-- What app roles read, and what is read for them.
opened_views as (
    select v.oid, v.oid as granted from views v
    where exists (select from grants g where g.relation = v.oid and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
    union
    select i.oid, o.granted
    from opened_views o
    join views v on v.oid = o.oid and not v.is_invoker and not v.filters
    join view_uses u on u.view = v.oid
    join views i on i.oid = u.relation
),
-- What holds rows of tenants.
holders as (
    -- Whatever takes its rows from tables that keep tenants apart, or should.
    (select oid from tenant_tables union select oid from relations where kind in ('r', 'p') and enabled)
    union
    select u.view from holders h join view_uses u on u.relation = h.oid
    where u.view not in (select oid from views where filters)
),
-- Which settings a routine or view reads that tells a policy who asks.
context_settings as materialized (
    -- What a function or view that a policy may ask reads itself.
    select format(s.pattern, regexp_replace(s.name, '(\W)', '\\\1', 'g')) as pattern, regexp_replace(m.found[1], '^request\..*', 'request') as setting
    from (select f.oid, '\m%s\(' as pattern, f.proname as name, coalesce(pg_get_function_sqlbody(f.oid), f.prosrc) as body from pg_proc f
          union all
          select v.oid, '\mFROM (?:[\w"]+\.)?%s\M', v.relname, pg_get_viewdef(v.oid) from pg_class v where v.relkind = 'v') as s
    cross join lateral regexp_matches(s.body, '\mcurrent_setting\s*\(\s*''([^'']+)''', 'g') as m(found)
    where s.oid in (select oid from context_sources)
),
-- The settings that a clause of a policy compares the tenant column with.
tenant_clauses as materialized (
    -- The settings that one clause of a policy compares the tenant column with.
    select p.relation, p.object, p.name, k.kind, array_agg(distinct c.setting order by c.setting) as settings
    from policies p
    join tenant_tables t on t.oid = p.relation
    cross join lateral (values ('USING', p.using_text), ('WITH CHECK', p.check_text)) as k(kind, text)
    cross join lateral (
        select regexp_replace(m.found[1], '^request\..*', 'request')
        from regexp_matches(k.text, '\m' || t.tenant_column || '"?\)?(?:::\w+)? = (?!ANY)(?:(?! AND | OR )[^=<>])*\mcurrent_setting\(''([^'']+)''', 'g') as m(found)
        union
        select s.setting from context_settings s
        where k.text ~ ('\m' || t.tenant_column || '"?\)?(?:::\w+)? = (?!ANY)(?:(?! AND | OR )[^=<>])*' || s.pattern)
    ) as c(setting)
    where p.reads_context and (not p.is_permissive or p.relation not in (select oid from sealed_tables))
    group by p.relation, p.object, p.name, p.oid, k.kind
),
-- Schemas of tenants.
schema_twins as (
    -- Three schemas or more with the very same tables, and nothing in them that says whose a row is: a schema per tenant.
    select array_agg(x.schema order by x.schema) as names, x.tables
    from (
        select r.schema, array_agg(c.relname::text order by c.relname) as tables
        from relations r join pg_class c on c.oid = r.oid
        where r.kind in ('r', 'p') and not r.is_partition and r.schema <> 'public'
        group by r.schema
        having count(*) > 1 and bool_and(not r.enabled and r.oid not in (select oid from tenant_tables))
    ) as x
    group by x.tables
    having count(*) > 2
),
-- Foreign keys between tenant tables that do not carry the tenant.
crossing_key_columns as (
    select k.*, t.name as table_name, p.name as parent_name, c.relname as parent_relname, t.tenant_column,
           (select array_agg(a.attname::text order by u.n) from unnest(k.conkey) with ordinality as u(attnum, n)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum) as columns,
           (select array_agg(a.attname::text order by u.n) from unnest(k.confkey) with ordinality as u(attnum, n)
            join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.attnum) as parent_columns
    from pg_constraint k
    join tenant_tables t on t.oid = k.conrelid
    join tenant_tables p on p.oid = k.confrelid and p.tenant_column = t.tenant_column
    join pg_class c on c.oid = k.confrelid
    -- A key of a partition is its parent's. One that carries the tenant may map it to another column: tenants in tenants.
    where k.contype = 'f' and k.conparentid = 0 and t.tenant_attnum <> all (k.conkey)
),
-- The same as they are written.
crossing_keys as (
    select k.*, c.list as column_list, c.parent_list,
           -- What comes after the columns: the match and the actions. Only a delete can be told to leave the tenant alone.
           regexp_replace(regexp_replace(pg_get_constraintdef(k.oid), '^.*? REFERENCES .*?\)', ''),
                          '(ON DELETE SET (?:NULL|DEFAULT))(?! \()', '\1 (' || c.list || ')') as rest
    from crossing_key_columns k
    cross join lateral (
        select (select string_agg(quote_ident(v), ', ' order by n) from unnest(k.columns) with ordinality as u(v, n)) as list,
               (select string_agg(quote_ident(v), ', ' order by n) from unnest(k.parent_columns) with ordinality as u(v, n)) as parent_list
    ) c
)
