-- WITH CHECK does not ask for the tenant that USING asks for
-- severity: high
-- covers: pitfall 16; pgrls SEC040
-- source: PostgreSQL, CREATE POLICY: WITH CHECK takes the place of USING for what is written
-- why: An explicit WITH CHECK takes the place of USING for the new row. When it says nothing of the tenant, an UPDATE hands a row to
--      another tenant, and an INSERT plants one there.
select p.object, format('USING compares %s and WITH CHECK does not', t.tenant_column) as why,
       format('alter policy %I on %s with check (%s and %s)', p.name, p.relation::regclass, p.using_text, p.check_text) as fix
from policies p join tenant_tables t on t.oid = p.relation
where p.command in ('*', 'w') and p.using_text ~ ('\m' || t.tenant_column || '\M')
  and p.check_text not in ('true', 'false') and p.check_text !~ ('\m' || t.tenant_column || '\M') and p.check_text !~ '\.\*'
  and (p.roles = '{0}' or p.roles && array(select role from reachable))
  and exists (select from unnest(case p.command when '*' then array['a', 'w'] else array[p.command::text] end) as written(command) where not exists (
      select from policies f
      where f.relation = p.relation and f.oid <> p.oid and not f.is_permissive and f.roles = '{0}' and f.reads_context
        and f.command::text in (written.command, '*') and coalesce(f.check_text, f.using_text) ~ ('\m' || t.tenant_column || '\M')))

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c)) with check (owner in ('me', 'you'));
-- names: policy mine on app.open

-- fault:
alter policy tenant_updates on app.notes with check (text <> '');
-- names: policy tenant_updates on app.notes

-- clean:
create policy my_text on app.notes for update using (tenant_id = (select c.tenant from app.context c)) with check (text <> '');

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c)) with check (tenant_id = (select c.tenant from app.context c) and owner in ('me', 'you'));
