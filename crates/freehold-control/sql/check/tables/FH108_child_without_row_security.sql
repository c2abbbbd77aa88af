-- A partition or child table has no row-level security of its own
-- severity: medium
-- covers: pitfall 13; pgrls SEC041, SEC043
-- source: PostgreSQL, chapter "Inheritance", section "Caveats"; "Row Security Policies"
-- why: The parent's policies hold only for queries that name the parent. No application may name this table yet, but one grant
--      on all tables of the schema, as most set-up scripts have it, opens the rows of every tenant.
with recursive
-- Partitions and children of a table that keeps tenants apart, at any depth.
descendants as (
    select i.inhrelid as oid, r.oid as ancestor
    from relations r join pg_inherits i on i.inhparent = r.oid
    where r.enabled and (r.oid in (select oid from tenant_tables) or r.oid in (select relation from policies where reads_context))
    union
    select i.inhrelid, d.ancestor from descendants d join pg_inherits i on i.inhparent = d.oid
)
select r.name as object,
       format('%s has policies, which do not hold for queries that name this table', min(d.ancestor::regclass::text)) as why,
       -- Without a policy the table is closed, and its parent still reads it.
       format('alter table %s enable row level security, force row level security', r.name) as fix
from descendants d join relations r on r.oid = d.oid
where r.kind in ('r', 'p') and not r.enabled
  and not exists (select from policies p where p.relation = r.oid)
  and not exists (select from grants g where g.relation = r.oid and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
  -- Any other table with the column of the tenant is a plain finding.
  and (r.is_partition or r.oid not in (select oid from tenant_tables))
group by r.name

-- fault:
create table app.events_2027 partition of app.events for values from ('2027-01-01') to ('2028-01-01');
-- names: app.events_2027

-- fault:
create table app.events_2028 partition of app.events for values from ('2028-01-01') to ('2029-01-01') partition by range (at);
alter table app.events_2028 enable row level security, force row level security;
create table app.events_2028_1 partition of app.events_2028 for values from ('2028-01-01') to ('2028-07-01');
-- names: app.events_2028_1

-- fault:
create table app.drafts (author uuid not null, id uuid not null primary key);
create policy mine on app.drafts using (author = (select current_setting('app.user_id')::uuid));
alter table app.drafts enable row level security, force row level security;
create table app.old_drafts (primary key (id)) inherits (app.drafts);
-- names: app.old_drafts

-- clean:
create table app.events_2027 partition of app.events for values from ('2027-01-01') to ('2028-01-01');
alter table app.events_2027 owner to check_owner;
select app.protect('app.events_2027');

-- clean:
create table app.events_2027 partition of app.events for values from ('2027-01-01') to ('2028-01-01');
alter table app.events_2027 owner to check_owner;
alter table app.events_2027 enable row level security, force row level security;
