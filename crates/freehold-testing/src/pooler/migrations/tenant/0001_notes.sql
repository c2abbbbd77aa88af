create table notes (
    tenant_id uuid not null,
    id bigint generated always as identity,
    text text not null,
    primary key (tenant_id, id)
);
select freehold.tenant_table('notes');
