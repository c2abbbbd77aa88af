-- Row-level security is on and no policy lets anybody in
-- severity: low
-- covers: splinter 0008; pgrls SEC009
-- source: PostgreSQL, chapter "Row Security Policies": without a policy, the default is to deny
-- why: Applications were granted the table and get no row of it, without an error. Nothing leaks, but the next person to wonder
--      why it is empty is tempted to turn row-level security off.
select r.name as object,
       format('%s may use it, and no policy lets a row through',
              (select string_agg(distinct g.grantee_name, ', ') from grants g where g.relation = r.oid)) as why,
       '-- create a policy that compares the column of the tenant with the context, or revoke the grants' as fix
from relations r
where r.kind in ('r', 'p') and r.enabled
  and not exists (select from policies p where p.relation = r.oid)
  and exists (select from grants g where g.relation = r.oid and g.privilege in ('SELECT', 'INSERT', 'UPDATE', 'DELETE'))
  -- A partition or a child without policies is closed on purpose: it is read through its parent.
  and not exists (select from pg_inherits i where i.inhrelid = r.oid)

-- fault:
create table app.quiet (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.quiet enable row level security;
grant select on app.quiet to check_app;
-- names: app.quiet

-- clean:
create table app.vault (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.vault owner to check_owner;
alter table app.vault enable row level security, force row level security;
create table app.events_2027 partition of app.events for values from ('2027-01-01') to ('2028-01-01');
alter table app.events_2027 owner to check_owner;
alter table app.events_2027 enable row level security, force row level security;
