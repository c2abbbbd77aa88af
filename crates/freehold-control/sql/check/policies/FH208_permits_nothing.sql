-- A permissive policy without an expression permits nothing
-- severity: low
-- covers: pgrls SEC006; splinter 0024
-- source: PostgreSQL, src/backend/rewrite/rowsecurity.c: a policy without an expression is left out
-- why: CREATE POLICY takes a policy without WITH CHECK or USING, and then leaves it out: an INSERT that it was made for fails. The next
--      to look at it mends it with (true).
select p.object, case p.command when 'a' then 'it has no WITH CHECK' else 'it has no USING' end as why,
       format('drop policy %I on %s', p.name, p.relation::regclass) as fix
from policies p
where p.is_permissive and (p.command = 'a' and p.check_text is null or p.command <> 'a' and p.using_text is null)
  and (p.command = 'a' or p.check_text is null)

-- fault:
create policy anyone on app.notes for insert;
-- names: policy anyone on app.notes

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c));
