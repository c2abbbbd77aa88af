create table api_keys (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null,
    digest bytea not null check (length(digest) = 32),
    expires_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, digest)
);
select freehold.tenant_table('api_keys');
