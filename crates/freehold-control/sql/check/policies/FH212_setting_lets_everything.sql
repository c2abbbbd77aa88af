-- A setting that any SQL can set lets every row through
-- severity: high
-- covers: pitfall 2
-- source: PostgreSQL, chapter "Customized Options": everybody may set a name with a dot in it
-- why: A branch like current_setting('app.is_admin') = 'true' is a password that is not secret: one set_config in an injected statement,
--      or left over on a pooled connection, opens the rows of every tenant.
with bypasses as (
    select p.oid, m.found[1] as setting
    from policies p
    cross join lateral regexp_matches(p.text, 'current_setting\(''([^'']+)''(?:::text)?(?:, true)?\)' ||
        '(?:[^=<>]{0,20} = (?:ANY \(+ARRAY\[)?''(?:true|on|1|t|yes|y|all|\*|admin|superadmin|super_admin|root|system|service|bypass)''|[^=<>]{0,20}\)::boolean)', 'gi') as m(found)
    where p.text ~ '\mOR\M' or p.text !~ '\mAND\M'
    union
    -- Through a function that only says yes or no.
    select p.oid, m.found[1]
    from policies p
    join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
    join routines f on f.oid = d.refobjid and f.returns = 'boolean'::regtype
    join pg_proc c on c.oid = f.oid and c.pronargs = 0
    cross join lateral regexp_matches(f.body, 'current_setting\s*\(\s*''([^'']+)''', 'gi') as m(found)
    where f.body !~* 'sha\d|hmac|digest|verif|pg_has_role|signature' and m.found[1] !~ '^request\.'
      and (p.text ~ '\mOR\M' or p.text !~ '\mAND\M')
)
select distinct p.object, format('whoever sets %s passes, whatever the row', b.setting) as why,
       format('-- take %s out of policy %I on %s: let operators in by pg_has_role or by a policy for their role', b.setting, p.name, p.relation::regclass) as fix
from bypasses b join policies p on p.oid = b.oid
where (not p.is_permissive or p.relation not in (select oid from sealed_tables)) and p.text !~ '\mpg_has_role\('
  and (p.is_permissive or exists (select from tenant_tables t where t.oid = p.relation and p.text ~ ('\m' || t.tenant_column || '\M.*\mOR\M|\mOR\M.*\m' || t.tenant_column || '\M')))
  and b.setting ~ '\.' and (p.relation in (select oid from tenant_tables) or p.text ~ '\mOR\M')

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) or current_setting('app.is_admin', true) = 'true');
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (coalesce(current_setting('app.is_admin', true), '') in ('on', '1') or tenant_id = (select c.tenant from app.context c));
-- names: policy mine on app.open

-- fault:
alter policy tenant_reads on app.notes using (tenant_id = (select c.tenant from app.context c) or current_setting('app.bypass', true)::boolean);
-- names: policy tenant_reads on app.notes

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create function app.is_support() returns boolean language sql stable as $$ select current_setting('app.support', true) = 'on' $$;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c));
create policy support on app.open using (app.is_support());
-- names: policy support on app.open

-- clean:
create role check_support;
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id = (select c.tenant from app.context c) or pg_has_role(current_user, 'check_support', 'member'));
