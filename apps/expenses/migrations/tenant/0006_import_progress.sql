-- An import is on record from its first byte on, with how far it is, in transactions beside the one that stores its expenses.
alter table imports
    add column state text not null default 'done' check (state in ('running', 'done', 'cancelled', 'failed')),
    add column file_name text not null default '' check (length(file_name) <= 255),
    -- Bytes of the upload, packed as it is, and how many there are if the client says.
    add column received_bytes bigint not null default 0,
    add column expected_bytes bigint,
    add column cancel_requested boolean not null default false,
    -- Why it failed, in words for who sent the file.
    add column failure text,
    add column progress_at timestamptz not null default now(),
    add column finished_at timestamptz;
-- One at a time: each keeps a connection, and an organisation has a share of them.
create unique index on imports (tenant_id) where state = 'running';
create index on imports (tenant_id, created_by);
-- The order of the list.
create index on imports (tenant_id, created_at, id);
select freehold.tenant_table('imports');
