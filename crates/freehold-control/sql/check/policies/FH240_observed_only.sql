-- Row-level security is watched here, and not enforced
-- severity: high
-- covers: adoption
-- source: freehold observe
-- why: The policies of `freehold observe` let every row through and write down what enforcement would do. A team that takes
--      them for protection has none.
select t.name as object, 'the policies of freehold observe let every row through' as why,
       '-- decide: freehold observe report, then freehold observe stop, and enforce' as fix
from tenant_tables t
where exists (select from pg_policy p where p.polrelid = t.oid and p.polname like 'freehold\_observe\_%')

-- fault:
create schema freehold_observe;
create function freehold_observe.note(relation text, command text, tenant text) returns boolean language sql as $$ select true $$;
create table app.watched (tenant_id uuid not null references app.tenants, id uuid not null, primary key (tenant_id, id));
alter table app.watched enable row level security;
alter table app.watched force row level security;
create policy freehold_observe_select on app.watched for select using (freehold_observe.note('app.watched', 'select', tenant_id::text));
-- names: app.watched

-- clean:
alter policy tenant_reads on app.notes rename to observes_reads;
