create table authors (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    email text not null,
    primary key (tenant_id, id),
    unique (tenant_id, email)
);
create table notes (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    number integer generated always as identity,
    author_id uuid,
    text text not null,
    amount bigint not null default 0,
    primary key (tenant_id, id),
    unique (tenant_id, text),
    foreign key (tenant_id, author_id) references authors (tenant_id, id) on delete cascade
);
create index notes_amount on notes (tenant_id, amount);
create table readings (
    tenant_id uuid not null,
    at date not null,
    value bigint not null,
    primary key (tenant_id, at)
) partition by range (at);
create table readings_2025 partition of readings for values from ('2025-01-01') to ('2026-01-01');
create table readings_2026 partition of readings for values from ('2026-01-01') to ('2027-01-01');
select freehold.tenant_table('authors'), freehold.tenant_table('notes'), freehold.tenant_table('readings');
