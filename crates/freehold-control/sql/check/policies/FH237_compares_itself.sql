-- A policy compares a column with itself
-- severity: critical
-- covers: -
-- source: PostgreSQL, chapter "Subqueries": a bare name is looked up in the innermost query first
-- why: Inside a sub-select, tenant_id is the column of the table in its FROM, if that has one: "m.tenant_id = tenant_id" compares the
--      member with himself, and is true for every member of any tenant. So is a name that only the outer table has, selected from the other.
with names as (
    select p.oid, m.found[1] as name
    from policies p
    cross join lateral regexp_matches(regexp_replace(p.text, '''[^'']*''', '''''', 'g'),
        '\(\(?((?:[a-z_][\w$]*\.|"[^"]+"\.)?(?:[a-z_][\w$]*|"[^"]+"))(?:\)::\w+)? (?:=|IS NOT DISTINCT FROM) \(?\1(?:\)::\w+)?\)', 'g') as m(found)
    union
    -- tenant_id in (select tenant_id from members), where members has no such column
    select p.oid, m.found[2]
    from policies p
    join pg_class c on c.oid = p.relation
    cross join lateral regexp_matches(p.text, '\(((?:[a-z_][\w$]*|"[^"]+")) IN \( SELECT (' || regexp_replace(c.relname, '(\W)', '\\\1', 'g') || '\.\1)\M', 'g') as m(found)
)
select p.object, format('it compares %s with itself, which is true wherever it is not null', n.name) as why,
       format('-- name the table of each column in policy %I on %s: %s = %s', p.name, p.relation::regclass, n.name, c.relname || '.' || regexp_replace(n.name, '^.*\.', '')) as fix
from names n join policies p on p.oid = n.oid join pg_class c on c.oid = p.relation
where n.name not in ('true', 'false') and (not p.is_permissive or p.relation not in (select oid from sealed_tables))

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = tenant_id);
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create table app.members (tenant_id uuid references app.tenants, person text);
create policy mine on app.open using (exists (select from app.members m where m.tenant_id = tenant_id and m.person = current_setting('app.person')));
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create table app.members (organisation uuid references app.tenants, person text);
create policy mine on app.open using (tenant_id in (select tenant_id from app.members m where m.person = current_setting('app.person')));
-- names: policy mine on app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and exists (select from app.projects p where p.tenant_id = open.tenant_id and p.id = open.id));
