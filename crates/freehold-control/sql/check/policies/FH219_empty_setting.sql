-- A policy casts a setting that is empty the second time
-- severity: low
-- covers: pitfall 5; pgrls SEC019
-- source: PostgreSQL, chapter "System Administration Functions": current_setting; SET LOCAL leaves an empty string behind
-- why: current_setting(..., true) is NULL on a new connection and an empty string once SET LOCAL has ended, and '' is no uuid: what
--      quietly returned no rows fails on a pooled connection, now and then.
select p.object, 'an empty setting cannot be cast, and fails instead of matching nothing' as why,
       format('alter policy %I on %s', p.name, p.relation::regclass)
           || coalesce(' using (' || regexp_replace(p.using_text, q.pattern, '(nullif(\1, ''''))::\2', 'g') || ')', '')
           || coalesce(' with check (' || regexp_replace(p.check_text, q.pattern, '(nullif(\1, ''''))::\2', 'g') || ')', '') as fix
from policies p,
     (values ('\((current_setting\(''[^'']+''::text, true\))\)::(uuid|bigint|integer|smallint|numeric|boolean|jsonb?)\M')) as q(pattern)
where p.text ~ q.pattern

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = current_setting('app.tenant_id', true)::uuid);
-- names: policy mine on app.open

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) and nullif(owner, '')::uuid is not null);
