-- A small database with tenants in it, made as it should be. The self-test plants each rule's fault in it, and each rule's
-- clean twin, and rolls back.
create role check_owner nologin;
create role check_app login;
create schema app authorization check_owner;
set local role check_owner;

create table app.tenants (id uuid primary key, name text not null);
create table app.keys (key bytea not null primary key);
-- Who asks, believed only with a seal.
create view app.context with (security_barrier = true) as
    select split_part(t.token, '|', 1)::uuid as tenant
    from (select current_setting('app.token') as token) as t
    where split_part(t.token, '|', 2) = (select encode(sha256(k.key || convert_to(split_part(t.token, '|', 1), 'utf8')), 'hex') from app.keys k);
grant select on app.context to public;

create table app.projects (
    tenant_id uuid not null references app.tenants,
    id uuid not null default gen_random_uuid(),
    name text not null,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);
create table app.notes (
    tenant_id uuid not null references app.tenants,
    id uuid not null default gen_random_uuid(),
    project_id uuid,
    text text not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, project_id) references app.projects (tenant_id, id) on delete cascade
);
create index notes_by_project on app.notes (tenant_id, project_id);
create table app.events (
    tenant_id uuid not null references app.tenants,
    at date not null,
    id uuid not null default gen_random_uuid(),
    what text not null,
    primary key (tenant_id, at, id)
) partition by range (at);
create table app.events_2026 partition of app.events for values from ('2026-01-01') to ('2027-01-01');

-- By hand and in full, for a fault to take one thing away.
create function app.protect(protected regclass) returns void language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    mine constant text := 'tenant_id = (select c.tenant from app.context c)';
begin
    execute format('alter table %s enable row level security', protected);
    execute format('alter table %s force row level security', protected);
    execute format('create policy everybody on %s using (true)', protected);
    execute format('create policy tenant_reads on %s as restrictive for select using (%s)', protected, mine);
    execute format('create policy tenant_inserts on %s as restrictive for insert with check (%s)', protected, mine);
    execute format('create policy tenant_updates on %s as restrictive for update using (%s) with check (%s)', protected, mine, mine);
    execute format('create policy tenant_deletes on %s as restrictive for delete using (%s)', protected, mine);
end
$$;
revoke execute on function app.protect(regclass) from public;
select app.protect('app.projects');
select app.protect('app.notes');
select app.protect('app.events');
select app.protect('app.events_2026');
grant select, insert, update, delete on app.projects, app.notes, app.events to check_app;

reset role;
grant usage on schema app to check_app;
do $$ begin execute format('revoke all on database %I from public; grant connect on database %I to check_app', current_database(), current_database()); end $$;
set local freehold_check.roles = 'check_app';
set local freehold_check.server_version = '159999';
