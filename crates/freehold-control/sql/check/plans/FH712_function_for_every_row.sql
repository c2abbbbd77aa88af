-- A policy runs a function for every row
-- severity: low
-- covers: splinter 0003; pgrls PERF001
-- source: PostgreSQL, chapter "Function Volatility Categories"; inlining of SQL functions
-- why: A function that is given a column is called for each row that is looked at, and one that PostgreSQL cannot put into the
--      query, as it is PL/pgSQL, has its owner's rights or settings of its own, is a query for each of them.
select p.object,
       format('it calls %s with %I of every row', r.name, a.attname) as why,
       format('-- turn it round: %I in (select ... ), where the sub-select lists what is allowed, once for the statement', a.attname) as fix
from policy_calls c
join policies p on p.oid = c.policy
join routines r on r.oid = c.function
join pg_attribute a on a.attrelid = p.relation and a.attnum = substring(c.attribute from '^:varattno (\d+)$')::smallint
join pg_class s on s.oid = p.relation
left join tenant_tables t on t.oid = p.relation
where not c.is_wrapped and c.argument = '{VAR'
  -- For few rows it does not matter.
  and s.reltuples >= 10000
  and (r.language not in ('internal', 'c', 'sql') or r.is_definer or r.settings is not null)
  and a.attname is distinct from t.tenant_column
  -- Once a restrictive policy for everybody has kept tenants apart, only a tenant's own rows are looked at.
  and p.relation not in (select oid from sealed_tables)
group by p.oid, p.object, r.name, a.attname

-- fault:
create function app.may_see(page uuid) returns boolean language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp
    as $$ begin return page is not null; end $$;
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages using (tenant_id = (select c.tenant from app.context c) and app.may_see(id));
update pg_class set reltuples = 50000 where oid = 'app.pages'::regclass;
-- names: policy mine on app.pages

-- clean:
create function app.may_see(page uuid) returns boolean language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp
    as $$ begin return page is not null; end $$;
create policy seen on app.notes as restrictive for select using (app.may_see(id));
update pg_class set reltuples = 50000 where oid = 'app.notes'::regclass;
