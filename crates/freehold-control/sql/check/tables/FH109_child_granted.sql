-- An application may read a partition or child table past its parent's policies
-- severity: critical
-- covers: pitfall 13; pgrls SEC041, SEC043
-- source: PostgreSQL, chapter "Inheritance", section "Caveats"; "Row Security Policies"
-- why: The parent's policies hold only for queries that name the parent. An application that names this table, which the
--      catalogue shows to everybody, gets the rows of every tenant.
with recursive
-- Partitions and children of a table that keeps tenants apart, at any depth.
descendants as (
    select i.inhrelid as oid, r.oid as ancestor
    from relations r join pg_inherits i on i.inhparent = r.oid
    where r.enabled and (r.oid in (select oid from tenant_tables) or r.oid in (select relation from policies where reads_context))
    union
    select i.inhrelid, d.ancestor from descendants d join pg_inherits i on i.inhparent = d.oid
),
granted as (
    select g.relation, string_agg(distinct g.grantee_name, ', ') as grantees
    from grants g where g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') group by g.relation
)
select r.name as object,
       format('%s may use it directly, and the policies of %s do not hold there', g.grantees, min(d.ancestor::regclass::text)) as why,
       case when r.enabled then format('revoke all on %s from %s', r.name, g.grantees)
            -- Without a policy the table is closed, and its parent still reads it.
            else format('alter table %s enable row level security, force row level security', r.name) end as fix
from descendants d join relations r on r.oid = d.oid join granted g on g.relation = r.oid
where r.kind in ('r', 'p')
  and case when r.enabled
           then exists (select from policies p where p.relation = r.oid and p.is_permissive)
                and not exists (select from policies p where p.relation = r.oid and p.reads_context)
           else not exists (select from policies p where p.relation = r.oid)
                and (r.is_partition or r.oid not in (select oid from tenant_tables)) end
group by r.name, r.enabled, g.grantees

-- fault:
create table app.events_2027 partition of app.events for values from ('2027-01-01') to ('2028-01-01');
grant select on app.events_2027 to check_app;
-- names: app.events_2027

-- fault:
create table app.events_2027 partition of app.events for values from ('2027-01-01') to ('2028-01-01');
alter table app.events_2027 enable row level security, force row level security;
create policy recent on app.events_2027 using (at > '2027-01-02');
grant select on app.events_2027 to public;
-- names: app.events_2027

-- fault:
create table app.drafts (author uuid not null, id uuid not null primary key);
create policy mine on app.drafts using (author = (select current_setting('app.user_id')::uuid));
alter table app.drafts enable row level security, force row level security;
create table app.old_drafts (primary key (id)) inherits (app.drafts);
grant select, update on app.old_drafts to check_app;
-- names: app.old_drafts

-- clean:
create table app.events_2027 partition of app.events for values from ('2027-01-01') to ('2028-01-01');
alter table app.events_2027 owner to check_owner;
select app.protect('app.events_2027');
grant select on app.events_2027 to check_app;
