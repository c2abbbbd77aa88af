-- Sums of all expenses but rejected ones, per month: a report over a million expenses reads thousands of rows. The application
-- changes them in the transaction that changes expenses (src/totals).
--
-- Several rows may have the same key, and their sum counts: whoever finds a row locked adds one, so that nobody waits for another's
-- transaction, which may be an import of an hour.
create table unit_totals (
    tenant_id uuid not null,
    id uuid not null,
    -- Its first day.
    month date not null check (extract(day from month) = 1),
    unit_id uuid,
    category_id uuid,
    count integer not null,
    total_minor bigint not null,
    primary key (tenant_id, id),
    -- A category that is deleted leaves sums as it leaves expenses. Units and suppliers stay.
    foreign key (tenant_id, category_id) references categories (tenant_id, id) on delete set null (category_id)
);
create index on unit_totals (tenant_id, month, unit_id);
create index on unit_totals (tenant_id, category_id) where category_id is not null;

-- The same, by supplier too. For the largest of our samples it has four hundred times as many rows.
create table supplier_totals (
    tenant_id uuid not null,
    id uuid not null,
    month date not null check (extract(day from month) = 1),
    unit_id uuid,
    category_id uuid,
    supplier_id uuid,
    count integer not null,
    total_minor bigint not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, category_id) references categories (tenant_id, id) on delete set null (category_id)
);
create index on supplier_totals (tenant_id, month, supplier_id);
-- What was spent on the suppliers of a page of their list.
create index on supplier_totals (tenant_id, supplier_id);
create index on supplier_totals (tenant_id, category_id) where category_id is not null;

select freehold.tenant_table('unit_totals');
select freehold.tenant_table('supplier_totals');
