-- A policy has a branch that is always true
-- severity: critical
-- covers: pitfall 15; splinter 0024; pgrls SEC011
-- source: PostgreSQL, chapter "Row Security Policies"
-- why: A comparison OR true is true for every row, as is 1 = 1: mostly what is left of an evening of debugging. Whoever the policy
--      is for reads the rows of every tenant.
select p.object, 'a branch of it is true for every row' as why,
       case when p.text ~ '\(\d+ = \d+\)' then format('-- take what is always true out of the expression of policy %I on %s', p.name, p.relation::regclass)
            else format('alter policy %I on %s', p.name, p.relation::regclass)
                || coalesce(' using (' || replace(replace(p.using_text, ' OR true', ''), '(true OR ', '(') || ')', '')
                || coalesce(' with check (' || replace(replace(p.check_text, ' OR true', ''), '(true OR ', '(') || ')', '') end as fix
from policies p
where (p.reads_context or p.relation in (select oid from tenant_tables)) and (not p.is_permissive or p.relation not in (select oid from sealed_tables))
  -- A text without its literals cannot be mistaken for an expression.
  and exists (select from (values (p.using_text), (p.check_text)) as clause(text)
              where regexp_replace(clause.text, '''[^'']*''', '''''', 'g')
                    ~ '\mOR true\M|\(true OR\M|\mOR \((\d+) = \1\)|\((\d+) = \2\) OR\M|^\((\d+) = \3\)$')

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) or true);
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c)) with check (1 = 1 or tenant_id = (select c.tenant from app.context c));
-- names: policy mine on app.open

-- fault:
alter policy tenant_reads on app.notes using (tenant_id = (select c.tenant from app.context c) or true);
-- names: policy tenant_reads on app.notes

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and (owner = 'OR true' or owner is not null));
