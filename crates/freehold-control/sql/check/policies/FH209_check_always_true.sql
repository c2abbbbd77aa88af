-- A permissive policy takes whatever is written
-- severity: high
-- covers: pitfall 16; splinter 0024; pgrls SEC028, SEC020
-- source: PostgreSQL, CREATE POLICY: WITH CHECK
-- why: WITH CHECK (true) lets one tenant write rows that belong to another: forged records, or rows that the other takes for its own.
--      Left out, USING would have been checked for ALL and UPDATE.
select p.object, 'WITH CHECK is always true, so rows may be written for any tenant' as why,
       coalesce(format('alter policy %I on %s', p.name, p.relation::regclass) || ' with check ('
                    || (select coalesce(o.check_text, o.using_text) from policies o
                        where o.relation = p.relation and o.reads_context and coalesce(o.check_text, o.using_text) <> 'true'
                          and coalesce(o.check_text, o.using_text) ~ ('\m' || t.tenant_column || '\M')
                        order by o.command in ('*', p.command) desc, o.name limit 1) || ')',
                case when p.using_text ~ ('\m' || t.tenant_column || '\M') then format('alter policy %I on %s with check (%s)', p.name, p.relation::regclass, p.using_text) end,
                format('-- compare %I in WITH CHECK of policy %I on %s', t.tenant_column, p.name, p.relation::regclass)) as fix
from policies p join tenant_tables t on t.oid = p.relation
where p.is_permissive and p.check_text = 'true' and coalesce(p.using_text, '') <> 'true' and (p.roles = '{0}' or p.roles && array(select role from reachable))
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
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c)) with check (true);
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy my_reads on app.open for select using (tenant_id = (select c.tenant from app.context c));
create policy inserts on app.open for insert to check_app with check (true);
-- names: policy inserts on app.open

-- clean:
create policy inserts on app.notes for insert with check (true);

-- clean:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c)) with check (tenant_id = (select c.tenant from app.context c));
