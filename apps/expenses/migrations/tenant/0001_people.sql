-- The organisation itself: one row, written by the sign-up together with the owner. Its key is the tenant.
create table organisation (
    tenant_id uuid not null,
    currency text not null default 'GBP' check (currency ~ '^[A-Z]{3}$'),
    signed_up_at timestamptz not null default now(),
    primary key (tenant_id)
);
select freehold.tenant_table('organisation');

create table people (
    tenant_id uuid not null,
    id uuid not null,
    -- Lower case: the application folds it, so that one address is one person.
    email text not null check (email = lower(email)),
    -- A PHC string (Argon2id).
    password_hash text not null,
    role text not null check (role in ('owner', 'approver', 'member')),
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, email)
);
select freehold.tenant_table('people');

-- Who is logged in. The cookie holds a random token, this table only its SHA-256.
create table sessions (
    tenant_id uuid not null,
    token_digest bytea not null check (length(token_digest) = 32),
    person_id uuid not null,
    expires_at timestamptz not null,
    primary key (tenant_id, token_digest),
    foreign key (tenant_id, person_id) references people (tenant_id, id) on delete cascade
);
create index on sessions (tenant_id, person_id);
select freehold.tenant_table('sessions');
