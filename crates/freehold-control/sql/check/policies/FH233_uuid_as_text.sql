-- A policy compares a uuid as text
-- severity: low
-- covers: pgrls PERF004
-- source: PostgreSQL, chapter "UUID Type"
-- why: As text, the same uuid in capitals is another one, and its rows are not found. An index on the column does not serve the comparison
--      either, so that every query reads the whole table.
select p.object, format('%s is a uuid, and cast to text for the comparison', t.tenant_column) as why,
       case when p.text ~ q.pattern and regexp_replace(p.text, q.pattern, '', 'g') !~ q.cast_column
            then format('alter policy %I on %s', p.name, p.relation::regclass)
                || coalesce(' using (' || regexp_replace(p.using_text, q.pattern, quote_ident(t.tenant_column) || ' = (nullif(\1, ''''))::uuid', 'g') || ')', '')
                || coalesce(' with check (' || regexp_replace(p.check_text, q.pattern, quote_ident(t.tenant_column) || ' = (nullif(\1, ''''))::uuid', 'g') || ')', '')
            else format('-- cast the other side to uuid in policy %I on %s', p.name, p.relation::regclass) end as fix
from policies p
join tenant_tables t on t.oid = p.relation and t.tenant_type = 'uuid'::regtype
cross join lateral (
    select '\("?' || t.tenant_column || '"?\)::text' as cast_column,
           '\("?' || t.tenant_column || '"?\)::text = (current_setting\(''[^'']+''::text(?:, true)?\))' as pattern
) as q
where p.reads_context and p.text ~ (q.cast_column || '\)? (=|~~)')

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id::text = current_setting('app.tenant_id', true));
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id::text = (select c.tenant::text from app.context c));
-- names: policy mine on app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and left(tenant_id::text, 1) <> '0');
