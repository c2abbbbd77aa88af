-- Names that expenses refer to. A name may be as long as a record of an imported file, longer than an index entry can be,
-- so what is unique is its SHA-256.
create table suppliers (
    tenant_id uuid not null,
    id uuid not null,
    name text not null check (name <> ''),
    digest bytea not null check (length(digest) = 32),
    primary key (tenant_id, id),
    unique (tenant_id, digest)
);
select freehold.tenant_table('suppliers');

create table units (
    tenant_id uuid not null,
    id uuid not null,
    name text not null check (name <> ''),
    digest bytea not null check (length(digest) = 32),
    primary key (tenant_id, id),
    unique (tenant_id, digest)
);
select freehold.tenant_table('units');

create table categories (
    tenant_id uuid not null,
    id uuid not null,
    name text not null check (name <> ''),
    digest bytea not null check (length(digest) = 32),
    primary key (tenant_id, id),
    unique (tenant_id, digest)
);
select freehold.tenant_table('categories');

create table expenses (
    tenant_id uuid not null,
    id uuid not null,
    date date not null,
    -- Hundredths of the currency; a credit is negative.
    amount_minor bigint not null,
    currency text not null,
    supplier_id uuid,
    category_id uuid,
    unit_id uuid,
    description text not null default '',
    -- Numbers of the supplier in the registers of companies and charities, as an imported record states them.
    company_number text,
    charity_number text,
    status text not null default 'submitted' check (status in ('submitted', 'approved', 'rejected', 'paid')),
    -- Who submitted it. Nobody submitted an imported one; its import knows who sent the file. (To check the reference for each
    -- record of a file would be a quarter of the import's time.)
    created_by uuid,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, supplier_id) references suppliers (tenant_id, id),
    foreign key (tenant_id, category_id) references categories (tenant_id, id) on delete set null (category_id),
    foreign key (tenant_id, unit_id) references units (tenant_id, id),
    foreign key (tenant_id, created_by) references people (tenant_id, id) on delete set null (created_by)
);
-- The order of the list, and ranges of dates.
create index on expenses (tenant_id, date, id);
-- The same of one supplier, unit or category, which may have had its last expense years ago.
create index on expenses (tenant_id, supplier_id, date, id);
create index on expenses (tenant_id, unit_id, date, id);
create index on expenses (tenant_id, category_id, date, id) where category_id is not null;
-- What waits for somebody to act. Most expenses are paid, and nobody looks for those by status alone.
create index on expenses (tenant_id, status, date, id) where status <> 'paid';
select freehold.tenant_table('expenses');
