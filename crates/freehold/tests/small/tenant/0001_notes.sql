create table notes (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    text text not null,
    number bigint not null default 0,
    primary key (tenant_id, id),
    unique (tenant_id, text)
);
select freehold.tenant_table('notes');
