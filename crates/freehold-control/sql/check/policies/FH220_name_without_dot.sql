-- A policy reads a setting that an application cannot own
-- severity: medium
-- covers: pgrls SEC024
-- source: PostgreSQL, chapter "Customized Options"
-- why: An application's own settings have a dot in their name. Without one it is a setting of the server: either there is none, and the
--      policy fails or never matches, or the client chooses it in the connection string, as with application_name.
select p.object,
       case when exists (select from pg_settings s where lower(s.name) = lower(m.name)) then format('%s is a setting of the server, and the client chooses it', m.name)
            else format('there is no setting named %s, and none can be made', m.name) end as why,
       format('-- read a setting with a dot in its name in policy %I on %s', p.name, p.relation::regclass) as fix
from policies p
cross join lateral (select distinct f.found[1] as name from regexp_matches(p.text, '\mcurrent_setting\(''([^'']+)''', 'g') as f(found)) as m
where m.name !~ '\.'
  and lower(m.name) not in ('role', 'session_authorization', 'is_superuser', 'transaction_read_only', 'transaction_isolation', 'in_hot_standby',
                            'server_version', 'server_version_num', 'timezone', 'default_transaction_read_only')

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (tenant_id::text = current_setting('tenant_id', true));
-- names: policy mine on app.open

-- fault:
create table app.open (
    tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(), owner text, primary key (tenant_id, id));
alter table app.open owner to check_owner;
alter table app.open enable row level security;
alter table app.open force row level security;
create policy mine on app.open using (owner = current_setting('application_name'));
-- names: policy mine on app.open

-- clean:
create policy writers on app.notes as restrictive for insert with check ((select current_setting('transaction_read_only')) = 'off');
