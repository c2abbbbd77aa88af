-- Schema freehold of a data database: who may be here, how a context proves itself, and the calls a migration author makes.
-- The form of the context and of the policies was attacked before it was chosen; the attack suite repeats each attack.

create schema freehold authorization freehold_seal;
create schema global authorization freehold_owner;
grant usage on schema freehold, global to public;

-- A fresh database lets everybody create temporary tables, and lets everybody in.
do $$
begin
    execute format('revoke all on database %I from public', current_database());
    execute format('grant connect, create, temporary on database %I to freehold_control', current_database());
    execute format('grant create on database %I to freehold_owner', current_database());
end
$$;
revoke all on schema public from public;

set local role freehold_seal;

-- One row: what this database is, for the library that connects to it.
create table freehold.installation (
    only_row boolean primary key default true check (only_row),
    schema_version integer not null,
    -- The oldest schema version a connecting library may have been built for.
    compatible_from integer not null,
    -- What an administrator's rights allowed to close: hardened.sql, or no more than the scripts themselves.
    profile text not null default 'managed' check (profile in ('hardened', 'managed')),
    -- Which routines of tenants run text that they are given, so that a statement's tag does not tell all that ran in it.
    -- It decides how thoroughly a connection has to be cleaned. Kept by freehold.note_interpreters().
    interpreters text not null default 'callable' check (interpreters in ('none', 'triggers', 'callable')),
    installed_at timestamptz not null default now()
);
insert into freehold.installation (schema_version, compatible_from) values (1, 1);

-- Which routines there are that run text they are given, or statements that leave something behind. A procedural language
-- can (EXECUTE), a function in C may; the extensions named here do not, nor do SQL functions that only have queries. A trigger
-- is set off by writes alone.
create function freehold.interpreters() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select case
               when coalesce(bool_or(p.prorettype <> all (array['trigger', 'event_trigger']::regtype[])), false) then 'callable'
               when count(*) > 0 then 'triggers'
               else 'none'
           end
    from pg_proc p
    join pg_language l on l.oid = p.prolang
    where l.lanname <> 'internal'
      and not (l.lanname = 'sql' and p.prosrc !~* '\m(prepare|execute|deallocate|declare|listen|load|discard|copy)\M')
      and p.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'freehold'::regnamespace)
      and not exists (
          select from pg_depend d
          join pg_extension e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
          where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
            and e.extname in ('btree_gin', 'btree_gist', 'citext', 'cube', 'earthdistance', 'fuzzystrmatch', 'hstore', 'intarray',
                              'isn', 'ltree', 'pg_trgm', 'pgcrypto', 'seg', 'unaccent', 'uuid-ossp', 'vector'))
$$;

create function freehold.note_interpreters() returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
    update freehold.installation i set interpreters = found.interpreters
    from freehold.interpreters() as found(interpreters)
    where i.interpreters <> found.interpreters
$$;
revoke execute on function freehold.interpreters(), freehold.note_interpreters() from public;

-- Placements of this database. A placement's id is the name of its schema.
create table freehold.placements (
    id text primary key check (id ~ '^t_[a-z2-7]{16}$'),
    model text not null check (model in ('shared', 'schema', 'database')),
    created_at timestamptz not null default now()
);

-- Who lives here, at which epoch. A tenant that moved away or was deleted has no row, so every context minted for it is stale.
-- A login marks a tenant that only its own role may reach.
create table freehold.residents (
    tenant uuid primary key,
    placement text not null references freehold.placements (id),
    epoch bigint not null check (epoch > 0),
    login name
-- Every statement looks its tenant up. Pages that are mostly empty make the planner prefer the index from some sixty tenants on.
) with (fillfactor = 10);

-- HMAC-SHA256 (RFC 2104) keys, kept as the two padded keys that the construction hashes first. Two generations are valid
-- at a time. The salt and the fingerprint are public: with them a library that holds the master key derives the same key,
-- and one that holds another master key learns so at connect.
create table freehold.seal_keys (
    generation integer primary key,
    salt bytea not null check (length(salt) = 32),
    fingerprint text not null,
    inner_pad bytea not null check (length(inner_pad) = 64),
    outer_pad bytea not null check (length(outer_pad) = 64),
    created_at timestamptz not null default now()
);

-- What each placement has: one row per applied migration, written in the transaction that applied it. Placement '' is the
-- database itself (migrations/shared).
create table freehold.ledger (
    placement text not null,
    version integer not null,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now(),
    primary key (placement, version)
);

-- Guests: logins that live as long as one command does (`freehold tenant exec`), each for one tenant. A plain client has no key,
-- so for a guest the database seals the context itself. What counts is the name that the session logged in by, which no SQL
-- changes.
create table freehold.guests (
    login name primary key check (login ~ '^g_[a-z2-7]{16}$'),
    tenant uuid not null,
    mode text not null check (mode in ('r', 'w')),
    -- For the start of a transaction, like the expiry of a token. The command's own process moves it on.
    good_until timestamptz not null
);

-- The token of a guest, for this backend and transaction; null for everybody else. It has one field more than others, which
-- nobody else can seal: `guest`, or `snapshot` for one that only reads. It runs with the rights of its owner, and gives nobody
-- more than the context that is the guest's own anyway.
create function freehold.guest_token() returns text
language sql stable parallel restricted security definer
set search_path = pg_catalog, pg_temp
as $$
    select t.text || '|' || encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(t.text, 'UTF8'))), 'hex')
    from freehold.guests g
    join freehold.residents r on r.tenant = g.tenant
    cross join (select * from freehold.seal_keys order by generation desc limit 1) k
    cross join lateral concat_ws('|', g.tenant, r.placement, r.epoch, g.mode, k.generation, pg_backend_pid(),
                                 ceil(date_part('epoch', now())), case g.mode when 'r' then 'snapshot' else 'guest' end) as t(text)
    where g.login = session_user and g.good_until > now()
$$;

-- The context: the one row says for which tenant, in which placement, and whether for reading or writing the current
-- transaction was opened. Reading column `tenant` of a context that does not verify raises: the cast to uuid fails and
-- carries the reason. A plain expression would yield null, which every policy would turn into an innocent "no rows".
--
-- Token: tenant | placement | epoch | mode | generation | pid | expiry | HMAC-SHA256 in hex over all before the last bar.
-- An empty pid is for contexts behind a transaction pooler, which never know their backend.
create view freehold.context with (security_barrier) as
select case
           when coalesce(s.token, '') = '' then 'freehold: no tenant context'
           when k.generation is null then 'freehold: the tenant context is sealed with a key this database does not have'
           when encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(left(s.token, -65), 'UTF8'))), 'hex')
                is distinct from right(s.token, 64) then 'freehold: the tenant context is not genuine'
           when split_part(s.token, '|', 6) not in ('', pg_backend_pid()::text) then 'freehold: the tenant context is for another connection'
           when split_part(s.token, '|', 7)::double precision < date_part('epoch', now()) then 'freehold: the tenant context has expired'
           -- A transaction that keeps one snapshot would not see that its tenant moved away or was deleted meanwhile. A guest
           -- that only reads may, to copy tables as of one moment: what it reads was the tenant's when it began.
           when current_setting('transaction_isolation') <> 'read committed' and split_part(s.token, '|', 8) <> 'snapshot'
                then 'freehold: a tenant context holds under read committed alone'
           -- One scalar sub-select by the primary key. The planner turns "not exists" into a hash table of all residents, built
           -- anew for each statement.
           when (select r.placement = split_part(s.token, '|', 2)
                        and r.epoch = split_part(s.token, '|', 3)::bigint
                        and (r.login is null or r.login = session_user or split_part(s.token, '|', 8) in ('guest', 'snapshot'))
                 from freehold.residents r
                 where r.tenant = left(s.token, 36)::uuid) is not true then 'freehold: the tenant context is stale'
           else left(s.token, 36)
       end::uuid as tenant,
       split_part(s.token, '|', 2) as placement,
       split_part(s.token, '|', 4) as mode
from (select coalesce(current_setting('freehold.token', true), freehold.guest_token()) as token offset 0) s
left join freehold.seal_keys k on k.generation::text = split_part(s.token, '|', 5);

-- What a connection needs to know before it is used: one query at connect. Every generation that is valid is listed,
-- newest first.
create view freehold.hello with (security_barrier) as
select pg_backend_pid() as pid,
       date_part('epoch', clock_timestamp()) as clock,
       (select system_identifier from pg_control_system())::text as system,
       current_database()::text as database,
       current_setting('server_version_num')::integer as server_version,
       i.schema_version,
       i.compatible_from,
       k.generation,
       k.salt,
       k.fingerprint
from freehold.installation i
left join lateral (select * from freehold.seal_keys order by generation desc limit 1) k on true;

grant select on freehold.context, freehold.hello to public;
grant select, insert, update, delete on freehold.placements, freehold.residents, freehold.guests, freehold.seal_keys, freehold.ledger
    to freehold_control;
grant select on freehold.installation to freehold_control;
grant select (profile, interpreters) on freehold.installation to public;
grant update (interpreters) on freehold.installation to freehold_control;
grant execute on function freehold.interpreters(), freehold.note_interpreters() to freehold_control;
grant select on freehold.placements to freehold_owner;

reset role;
