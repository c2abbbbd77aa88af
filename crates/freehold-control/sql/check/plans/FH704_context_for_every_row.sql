-- A policy asks for the context anew for every row
-- severity: low
-- covers: splinter 0003; pgrls PERF001
-- source: PostgreSQL, chapter "Function Volatility Categories"
-- why: Where no index helps, the function runs once for each row that is looked at. In a sub-select of its own, (select ...), it
--      runs once for the statement.
select p.object,
       format('it calls %s outside of a sub-select', string_agg(distinct c.function::regprocedure::text, ', ')) as why,
       -- Only calls as PostgreSQL prints them without arguments, and of settings, are sure to be found in the text.
       format('alter policy %I on %s', p.name, p.relation::regclass)
           || coalesce(' using (' || regexp_replace(p.using_text, w.pattern, '(select \1)', 'g') || ')', '')
           || coalesce(' with check (' || regexp_replace(p.check_text, w.pattern, '(select \1)', 'g') || ')', '') as fix
from policy_calls c
join pg_proc f on f.oid = c.function
join policies p on p.oid = c.policy
cross join lateral (
    select '(\mcurrent_setting\(''[^'']*''::text(?:, (?:true|false))?\)'
           || coalesce((select string_agg(distinct
                                         '|(?<![\w."])' || replace(split_part(x.function::regprocedure::text, '(', 1), '.', '\.') || '\(\)', '')
                        from policy_calls x join pg_proc y on y.oid = x.function
                        where x.policy = p.oid and x.argument = ':args <>' and x.function >= 16384 and y.provolatile <> 'v'), '')
           || ')' as pattern
) w
where not c.is_wrapped and f.provolatile <> 'v'
  and (f.proname = 'current_setting' and c.argument = '{CONST' and f.oid < 16384
           -- PostgreSQL's own settings say nothing of who asks.
           and p.text ~ 'current_setting\(''[^'']*\.'
       or f.oid >= 16384 and c.argument = ':args <>')
group by p.oid, p.object, p.name, p.relation, p.using_text, p.check_text, w.pattern

-- fault:
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages using (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
-- names: policy mine on app.pages

-- fault:
create function app.tenant() returns uuid language sql stable as $$ select current_setting('app.tenant_id')::uuid $$;
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages for update using (tenant_id = app.tenant() and id <> (select app.tenant()))
    with check (tenant_id = (select c.tenant from app.context c) and tenant_id = app.tenant());
-- names: policy mine on app.pages

-- clean:
create function app.tenant() returns uuid language sql stable parallel safe set search_path = pg_catalog, pg_temp
    as $$ select c.tenant from app.context c $$;
create table app.pages (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.pages owner to check_owner;
alter table app.pages enable row level security, force row level security;
create policy mine on app.pages using (tenant_id = (select c.tenant from app.context c) and tenant_id = (select app.tenant()));
create policy writes on app.pages as restrictive for insert with check ((select current_setting('transaction_read_only')) = 'off');
