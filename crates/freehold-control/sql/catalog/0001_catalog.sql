-- The catalog: the only truth about tenants. It is a database of its own, where the login that runs tenants' SQL may not
-- connect. Applications read it as freehold_reader through the views at the end of this file.

do $$
begin
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect on database %I to freehold_reader, freehold_control', current_database());
end
$$;
revoke all on schema public from public;

create schema catalog authorization freehold_control;
grant usage on schema catalog to freehold_reader;

set local role freehold_control;

-- One row: what this database is, for the library that connects to it.
create table catalog.installation (
    only_row boolean primary key default true check (only_row),
    schema_version integer not null,
    compatible_from integer not null,
    installed_at timestamptz not null default now(),
    -- The last migrations that were rolled out to everybody, which new tenants get; null where none were yet.
    shared_migrations integer,
    tenant_migrations integer
);
insert into catalog.installation (schema_version, compatible_from) values (1, 1);

-- PostgreSQL servers that hold tenants. `password` is a reference (env:NAME, file:PATH), never a secret.
create table catalog.clusters (
    id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    host text not null,
    port integer not null check (port between 1 and 65535),
    -- Where applications connect instead, if a pooler stands between them and the server.
    pooler_host text,
    pooler_port integer check (pooler_port between 1 and 65535),
    level text not null default 'sealed' check (level in ('sealed', 'dedicated')),
    -- The database of the shared placement and of schema placements.
    database text not null,
    app_password text check (app_password ~ '^(env|file):'),
    control_password text check (control_password ~ '^(env|file):'),
    draining boolean not null default false,
    added_at timestamptz not null default now(),
    check ((pooler_host is null) = (pooler_port is null))
);

-- Where tenants live. The id is the name of the schema, and for model database also of the database and of its login.
create table catalog.placements (
    id text primary key check (id ~ '^t_[a-z2-7]{16}$'),
    cluster text not null references catalog.clusters (id),
    model text not null check (model in ('shared', 'schema', 'database')),
    database text not null,
    created_at timestamptz not null default now(),
    dropped_at timestamptz
);
create index on catalog.placements (cluster, model) where dropped_at is null;

create table catalog.tenants (
    id uuid primary key,
    slug text not null check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name text not null check (length(name) between 1 and 200),
    status text not null check (status in ('provisioning', 'active', 'read_only', 'suspended', 'deleting', 'deleted')),
    placement text references catalog.placements (id),
    epoch bigint not null default 1 check (epoch > 0),
    plan text,
    created_at timestamptz not null default now(),
    delete_after timestamptz,
    -- What it was before it was to be deleted, for whoever takes that back.
    deleting_from text check (deleting_from in ('provisioning', 'active', 'read_only', 'suspended')),
    -- Rises with every change of any tenant, in commit order; what readers poll.
    version bigint not null default 0,
    -- A tenant may be deleted before it was given a place.
    check (placement is not null or status in ('provisioning', 'deleting', 'deleted'))
);
create unique index tenants_slug on catalog.tenants (slug) where status <> 'deleted';
create unique index tenants_version on catalog.tenants (version);

-- Slugs that tenants gave up. Links, cookies and mail still lead to them, so nobody else gets one before its time is over.
create table catalog.former_slugs (
    slug text not null,
    tenant uuid not null references catalog.tenants (id),
    reserved_until timestamptz not null,
    primary key (slug, tenant)
);

create sequence catalog.directory_version;

-- Changes are serialised until commit, so a reader that has seen version n has seen everything below n.
create function catalog.stamp_version() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(7146011, 1);
    new.version := nextval('catalog.directory_version');
    perform pg_notify('freehold_directory', new.version::text);
    return new;
end
$$;
create trigger stamp_version before insert or update on catalog.tenants
for each row execute function catalog.stamp_version();

-- Looks under the lock that every change of tenants takes, so that a rename that is about to be committed is seen.
create function catalog.refuse_reserved_slug() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(7146011, 1);
    if exists (select from catalog.former_slugs f
               where f.slug = new.slug and f.tenant <> new.id and f.reserved_until > now()) then
        raise exception 'the slug is reserved for the tenant that had it'
            using errcode = 'unique_violation', constraint = 'former_slugs';
    end if;
    return new;
end
$$;
create trigger refuse_reserved_slug before insert or update of slug on catalog.tenants
for each row execute function catalog.refuse_reserved_slug();

-- Work on the fleet. The worker holds a lease while it works; a lease that ran out is free to take.
create table catalog.operations (
    id uuid primary key default gen_random_uuid(),
    kind text not null check (kind in ('provision', 'delete')),
    tenant uuid not null references catalog.tenants (id),
    idempotency_key text not null unique check (length(idempotency_key) between 1 and 250),
    parameters jsonb not null default '{}',
    state text not null default 'pending' check (state in ('pending', 'running', 'done', 'failed', 'cancelled')),
    attempts integer not null default 0,
    last_error text,
    lease_owner text,
    lease_until timestamptz,
    not_before timestamptz not null default now(),
    requested_by text not null,
    requested_at timestamptz not null default now(),
    finished_at timestamptz
);
create index operations_open on catalog.operations (not_before) where state in ('pending', 'running');
create index on catalog.operations (tenant);

create table catalog.operation_steps (
    operation uuid not null references catalog.operations (id),
    name text not null,
    done_at timestamptz not null default now(),
    -- What later steps, and a second run of this one, need to know.
    result jsonb not null default '{}',
    primary key (operation, name)
);

-- Logins that live as long as one command does. Noted before they are made, so that none is left over unknown: a worker ends
-- those whose command does not move the time on any more.
create table catalog.guests (
    login text primary key check (login ~ '^g_[a-z2-7]{16}$'),
    tenant uuid not null references catalog.tenants (id),
    placement text not null references catalog.placements (id),
    good_until timestamptz not null
);

-- Deliberate acts: who did what to whom, and why. Written before the act.
create table catalog.audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null check (actor <> ''),
    action text not null check (action <> ''),
    tenant uuid,
    reason text not null check (reason <> ''),
    detail jsonb not null default '{}'
);
create index on catalog.audit (tenant, at);

-- People who may run the deployment over its API and its console. Those of a tenant are rows of the application's own tables.
create table catalog.operators (
    name text primary key check (name ~ '^[^[:cntrl:][:space:]]{1,200}$'),
    -- Argon2id, as a PHC string.
    password text not null check (password like '$argon2id$%'),
    created_at timestamptz not null default now()
);
create unique index operators_name on catalog.operators (lower(name));

create function catalog.announce_operation() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_notify('freehold_operation', new.id::text);
    return new;
end
$$;
create trigger announce_operation after insert or update of state on catalog.operations
for each row execute function catalog.announce_operation();

-- Asks for a new tenant: reserves its slug and records the operation, both or neither. The same key asked again gives the
-- same operation, and another try at it if it failed. Raises unique_violation when another tenant has the slug or
-- had it until lately, invalid_parameter_value when the key names a request for another slug, check_violation when name or
-- key are empty or too long.
create function catalog.request_provision(
    idempotency_key text, tenant uuid, slug text, name text, model text, requested_by text,
    out operation uuid, out tenant_id uuid)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Keys of callers are apart from ours.
    key constant text := 'provision ' || request_provision.idempotency_key;
    known text;
begin
    if length(request_provision.idempotency_key) not between 1 and 200 then
        raise exception 'a key has 1 to 200 characters' using errcode = 'check_violation';
    end if;
    perform pg_advisory_xact_lock(7146012, hashtext(key));
    -- A key names a tenant for as long as there is that tenant. Behind its deletion the same request is another one.
    update catalog.operations o set idempotency_key = 'of deleted tenant ' || o.tenant
    from catalog.tenants t
    where o.idempotency_key = key and t.id = o.tenant and t.status = 'deleted';
    select o.id, o.tenant, t.slug into operation, tenant_id, known
    from catalog.operations o join catalog.tenants t on t.id = o.tenant where o.idempotency_key = key;
    if not found then
        insert into catalog.tenants (id, slug, name, status) values (tenant, slug, name, 'provisioning') returning id into tenant_id;
        insert into catalog.operations (kind, tenant, idempotency_key, parameters, requested_by)
        values ('provision', tenant, key, jsonb_build_object('model', model), requested_by)
        returning id into operation;
    elsif known <> slug then
        raise exception 'the key names a request for another slug' using errcode = 'invalid_parameter_value';
    else
        update catalog.operations o
        set state = 'pending', attempts = 0, last_error = null, finished_at = null, not_before = now()
        where o.id = operation and o.state = 'failed';
    end if;
end
$$;

-- What became of an operation, for whoever asked for it.
create function catalog.operation_state(operation uuid, out state text, out last_error text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select o.state, o.last_error from catalog.operations o where o.id = operation_state.operation $$;

-- Whether a worker is there. It holds this lock, which it shares with other workers, for as long as its connection lives.
create function catalog.has_worker() returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
    select exists (
        select from pg_locks
        where locktype = 'advisory' and classid = 7146013 and objid = 1 and mode = 'ShareLock' and granted
          and database = (select oid from pg_database where datname = current_database())
    )
$$;

-- What applications may know of tenants.
create view catalog.directory with (security_barrier) as
select t.id, t.slug, t.name, t.status, t.epoch, t.plan, t.version, p.id as placement, p.model, p.cluster, p.database
from catalog.tenants t
left join catalog.placements p on p.id = t.placement;

-- How applications reach clusters.
create view catalog.endpoints with (security_barrier) as
select id, coalesce(pooler_host, host) as host, coalesce(pooler_port, port) as port, pooler_host is not null as pooled, level, app_password
from catalog.clusters;

create view catalog.hello with (security_barrier) as
select schema_version, compatible_from from catalog.installation;

revoke all on function catalog.request_provision(text, uuid, text, text, text, text), catalog.operation_state(uuid),
    catalog.has_worker(), catalog.stamp_version(), catalog.refuse_reserved_slug(), catalog.announce_operation() from public;
grant execute on function catalog.request_provision(text, uuid, text, text, text, text), catalog.operation_state(uuid),
    catalog.has_worker() to freehold_reader;
grant select on catalog.directory, catalog.endpoints, catalog.hello to freehold_reader;

reset role;
