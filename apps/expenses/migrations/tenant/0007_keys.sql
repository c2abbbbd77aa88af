-- Keys for programs. A key acts for the person who made it, within its scope, and goes with them. Only the digest is kept.
create table api_keys (
    tenant_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    name text not null check (name <> '' and length(name) <= 100),
    digest bytea not null check (length(digest) = 32),
    scope text not null check (scope in ('read', 'write', 'manage')),
    -- Had for a password, in the place of a session: it ends when sessions end, and is not listed.
    is_login boolean not null default false,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    -- To the minute.
    last_used_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, digest),
    foreign key (tenant_id, person_id) references people (tenant_id, id) on delete cascade
);
create index on api_keys (tenant_id, person_id);
select freehold.tenant_table('api_keys');
