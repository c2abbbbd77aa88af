-- Sessions start within a tenant
-- severity: high
-- covers: pitfall 4; pitfall 5
-- source: PostgreSQL, ALTER DATABASE ... SET, ALTER ROLE ... SET
-- why: The setting that policies read has a value before anybody sets it, so a query that forgot to say who asks reads and
--      writes the rows of one tenant instead of failing.
select format('settings of %s%s', case when d.setrole = 0 then 'everybody' else format('role %s', d.setrole::regrole) end,
              case when d.setdatabase <> 0 then ' in this database' else '' end) as object,
       format('policies read %s, and it has a value from the start', s.name) as why,
       case when d.setrole <> 0 and d.setdatabase <> 0
            then format('alter role %s in database %I reset %s', d.setrole::regrole, current_database(), s.name)
            when d.setrole <> 0 then format('alter role %s reset %s', d.setrole::regrole, s.name)
            when d.setdatabase <> 0 then format('alter database %I reset %s', current_database(), s.name)
            else format('alter role all reset %s', s.name) end as fix
from pg_db_role_setting d
cross join unnest(d.setconfig) as c
cross join lateral (select split_part(c, '=', 1) as name, substr(c, strpos(c, '=') + 1) as value) s
where s.name ~ '^\w+\.[\w.]+$' and s.value <> ''
  and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
  -- A role of one tenant may say so; one that serves all may not.
  and (d.setrole = 0 or exists (select from app_roles a where a.oid = d.setrole and a.configured))
  and (exists (select from policies p where strpos(lower(p.text), quote_literal(lower(s.name))) > 0)
       or exists (select from context_sources x
                  where exists (select from pg_depend e where e.classid = 'pg_policy'::regclass and e.refobjid = x.oid)
                    and strpos(lower(coalesce((select coalesce(pg_get_function_sqlbody(f.oid), f.prosrc) from pg_proc f where f.oid = x.oid),
                                              pg_get_viewdef(x.oid))), quote_literal(lower(s.name))) > 0))

-- fault:
do $$ begin execute format('alter database %I set app.token = %L', current_database(), '1|2'); end $$;
-- names: settings of everybody in this database

-- fault:
create policy mine on app.notes as restrictive using (tenant_id = current_setting('app.tenant_id', true)::uuid);
alter role check_app set app.tenant_id = '00000000-0000-0000-0000-000000000001';
-- names: role check_app

-- clean:
do $$ begin execute format('alter database %I set app.token = %L', current_database(), ''); end $$;
alter role check_app set app.colour = 'green';
