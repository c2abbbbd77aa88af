-- A policy calls a volatile function
-- severity: low
-- covers: pgrls PERF002
-- source: PostgreSQL, chapter "Function Volatility Categories"
-- why: It runs again for every row, no index can be used for what it is compared with, and which rows are shown may change within
--      one statement. Functions are volatile unless they say otherwise.
select p.object, format('%s is volatile', c.function::regprocedure) as why,
       case when r.oid is null then '-- replace it by what is the same throughout a statement'
            -- Nothing in it writes or counts.
            when r.language in ('sql', 'plpgsql')
                 and r.body !~* '\m(insert|update|delete|merge|truncate|execute|call)\M'
                 and not exists (select from regexp_matches(r.body, '(\w+)\s*\(', 'g') m
                                 join pg_proc x on x.proname = lower(m[1]) and x.provolatile = 'v')
            then format('alter function %s stable', r.name)
            else format('-- if it only reads: alter function %s stable', r.name) end as fix
from policy_calls c
join pg_proc f on f.oid = c.function and f.provolatile = 'v'
join policies p on p.oid = c.policy
left join routines r on r.oid = c.function
where not c.is_wrapped
group by p.oid, p.object, c.function, r.oid, r.language, r.body, r.name

-- fault:
create function app.tenant() returns uuid language sql as $$ select current_setting('app.tenant_id')::uuid $$;
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages using (tenant_id = app.tenant());
-- names: policy mine on app.pages

-- fault:
create policy sampled on app.notes as restrictive for select using (random() < 0.5);
-- names: policy sampled on app.notes

-- clean:
create function app.tenant() returns uuid language sql stable parallel safe set search_path = pg_catalog, pg_temp
    as $$ select c.tenant from app.context c $$;
create policy mine on app.notes as restrictive for select using (tenant_id = (select app.tenant()));
