-- Policies do nothing because row-level security is off
-- severity: critical
-- covers: pitfall 6; splinter 0007; pgrls SEC032
-- source: PostgreSQL, CREATE POLICY: row-level security must be enabled on the table for policies to be applied
-- why: The table looks protected, and is not: policies are kept in the catalogue, but nobody asks them until row-level security
--      is enabled, so every query gets the rows of every tenant.
select r.name as object,
       (select format('%s %s, and row-level security is off', count(*), case when count(*) = 1 then 'policy' else 'policies' end)
        from policies p where p.relation = r.oid) as why,
       format('alter table %s enable row level security', r.name) as fix
from relations r
where r.kind in ('r', 'p') and not r.enabled and exists (select from policies p where p.relation = r.oid)

-- fault:
alter table app.notes disable row level security;
-- names: app.notes

-- fault:
create table app.drafts (author uuid not null, id uuid not null primary key);
create policy mine on app.drafts using (author = (select current_setting('app.user_id', true)::uuid));
-- names: app.drafts

-- clean:
create table app.drafts (author uuid not null, id uuid not null primary key);
create policy mine on app.drafts using (author = (select c.tenant from app.context c));
alter table app.drafts owner to check_owner;
alter table app.drafts enable row level security, force row level security;
