create table loans (
    tenant_id uuid not null,
    id uuid not null,
    book_id uuid not null,
    reader text not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, book_id) references books (tenant_id, id) on delete cascade
);
create index on loans (tenant_id, book_id);
select freehold.tenant_table('loans');
