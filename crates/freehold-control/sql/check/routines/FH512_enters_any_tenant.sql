-- A function makes its caller any tenant he names
-- severity: high
-- covers: pitfall 1
-- source: PostgreSQL, set_config; Vondra, "Trusted context for row-level security"
-- why: With the rights of its owner the function says who is asking, takes it from its argument, and checks nothing: one injected
--      call is any tenant.
with arguments as (
    select p.oid as routine, '\m(' || string_agg(n.name, '|') || ')\M|\$[0-9]' as any_of
    from pg_proc p cross join lateral unnest(p.proargnames) with ordinality as n(name, at)
    where n.name ~ '^\w+$' and coalesce(p.proargmodes[n.at], 'i') in ('i', 'b', 'v')
    group by p.oid
),
-- What policies and the functions and views they ask say.
asked as (
    select p.text from policies p
    union all
    select coalesce(pg_get_function_sqlbody(f.oid), f.prosrc) from pg_proc f where f.oid in (select oid from context_sources)
    union all
    select pg_get_viewdef(v.oid) from pg_class v where v.oid in (select oid from context_sources)
)
select f.name as object, format('it is SECURITY DEFINER and sets %s from its argument unchecked', c.setting) as why,
       format('revoke execute on routine %s from public%s', f.name,
              (select string_agg(', ' || x.grantee::regrole, '') from (select distinct e.grantee from aclexplode(f.acl) e
               where e.grantee in (select role from reachable) and e.grantee <> f.owner) x)) as fix
from routines f
join arguments a on a.routine = f.oid
cross join lateral (select m[1] as setting, m[2] as value
                    from regexp_matches(f.body, '\mset_config\s*\(\s*''([^'']+)''[^,]*,([^;]*)', 'gi') as m) c
where f.is_definer and f.language in ('sql', 'plpgsql') and c.value ~* a.any_of
  and exists (select from asked where strpos(lower(asked.text), quote_literal(lower(c.setting))) > 0)
  and f.body !~* '\m(where|if|case|raise|assert|exists|perform|join)\M'
and exists (select from reachable r join pg_roles c on c.oid = r.role and not c.rolsuper
              where r.role <> f.owner and has_function_privilege(r.role, f.oid, 'execute') and has_schema_privilege(r.role, f.schema::text, 'usage'))

-- fault:
create function app.enter(tenant uuid) returns void language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select set_config('app.token', tenant || '|' || encode(sha256(k.key || convert_to(tenant::text, 'utf8')), 'hex'), true) from app.keys k $$;
alter function app.enter(uuid) owner to check_owner;
-- names: app.enter(uuid)

-- clean:
create table app.sessions (secret bytea primary key, tenant uuid not null references app.tenants);
alter table app.sessions owner to check_owner;
create function app.enter(proof bytea) returns void language sql security definer set search_path = pg_catalog, pg_temp
    as $$ select set_config('app.token', s.tenant || '|' || encode(sha256(k.key || convert_to(s.tenant::text, 'utf8')), 'hex'), true)
          from app.keys k, app.sessions s where s.secret = proof $$;
alter function app.enter(bytea) owner to check_owner;
