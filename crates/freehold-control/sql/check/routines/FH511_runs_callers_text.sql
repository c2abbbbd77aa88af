-- A function runs its caller's text with the rights of its owner
-- severity: critical
-- covers: pitfall 8; pitfall 56
-- source: PostgreSQL, PL/pgSQL, chapter "Executing Dynamic Commands": Quoting Values in Dynamic Queries
-- why: An argument becomes part of a statement without being quoted, so the caller writes what the owner runs: every table of the
--      owner is the caller's.
with arguments as (
    select p.oid as routine,
           '(\$[0-9]+|(' || coalesce((select string_agg(n.name, '|') from unnest(p.proargnames) with ordinality as n(name, at)
               where n.name ~ '^\w+$' and coalesce(p.proargmodes[n.at], 'i') in ('i', 'b', 'v')), '\$0') || ')\M)' as any_of
    from pg_proc p
    where p.pronargs > 0
)
select f.name as object, 'it is SECURITY DEFINER and executes an argument as SQL' as why,
       format('revoke execute on routine %s from public%s', f.name,
              (select string_agg(', ' || x.grantee::regrole, '') from (select distinct e.grantee from aclexplode(f.acl) e
               where e.grantee in (select role from reachable) and e.grantee <> f.owner) x)) as fix
from routines f
join arguments a on a.routine = f.oid
-- Values after USING are parameters of the statement, not its text.
cross join lateral (select regexp_replace(f.body, '\musing\M[^;]*', '', 'gi') as body) t
where f.is_definer
  and (f.language = 'plpgsql'
       and (t.body ~* ('\mexecute\s+\(?\s*' || a.any_of)
            or t.body ~* ('\mexecute\M[^;]*\|\|\s*' || a.any_of)
            or t.body ~* '\mexecute\M' and t.body ~* (':=[^;]*\|\|\s*' || a.any_of)
            or t.body ~* ('\mexecute\s+format\s*\([^;]*%(\d+\$)?s[^;]*,\s*' || a.any_of))
       or f.language in ('sql', 'plpgsql')
          and f.body ~* ('\m(query_to_xml|query_to_xml_and_xmlschema|cursor_to_xml)\s*\(\s*' || a.any_of))
and exists (select from reachable r join pg_roles c on c.oid = r.role and not c.rolsuper
              where r.role <> f.owner and has_function_privilege(r.role, f.oid, 'execute') and has_schema_privilege(r.role, f.schema::text, 'usage'))

-- fault:
create function app.count_of(tbl text) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$ declare n bigint; begin execute 'select count(*) from ' || tbl into n; return n; end $$;
alter function app.count_of(text) owner to check_owner;
-- names: app.count_of(text)

-- fault:
create function app.count_where(condition text) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$ declare n bigint; begin execute format('select count(*) from app.projects where %s', condition) into n; return n; end $$;
create function app.as_xml(query text) returns xml language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select query_to_xml(query, true, true, '') $$;
-- names: app.count_where(text)
-- names: app.as_xml(text)

-- clean:
create function app.count_of(tbl text, wanted text) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$ declare n bigint; begin execute format('select count(*) from app.%I where name = $1', tbl) into n using wanted; return n; end $$;
create function app.name_of(tbl text) returns text language plpgsql security definer set search_path = pg_catalog, pg_temp
    as $$ declare n text; begin execute 'select max(name) from app.' || quote_ident(tbl) into n; return n; end $$;
alter function app.count_of(text, text) owner to check_owner;
alter function app.name_of(text) owner to check_owner;
