create table books (
    tenant_id uuid not null,
    id uuid not null,
    title text not null,
    pages bigint not null check (pages > 0),
    primary key (tenant_id, id),
    unique (tenant_id, title)
);
select freehold.tenant_table('books');
