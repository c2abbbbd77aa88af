-- Who decides on expenses above an amount. Without a rule that fits, every approver does; owners always do.
create table approval_rules (
    tenant_id uuid not null,
    id uuid not null,
    -- Expenses of more than this, in hundredths of the currency.
    above_minor bigint not null check (above_minor >= 0),
    -- Of this category or unit alone, or of any.
    category_id uuid,
    unit_id uuid,
    -- This person, or owners alone.
    approver_id uuid,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, category_id) references categories (tenant_id, id) on delete cascade,
    foreign key (tenant_id, unit_id) references units (tenant_id, id),
    foreign key (tenant_id, approver_id) references people (tenant_id, id) on delete set null (approver_id)
);
create index on approval_rules (tenant_id, category_id);
create index on approval_rules (tenant_id, unit_id);
create index on approval_rules (tenant_id, approver_id);
select freehold.tenant_table('approval_rules');

-- What may be spent in a month or a year, altogether or by a unit or on a category.
create table budgets (
    tenant_id uuid not null,
    id uuid not null,
    period text not null check (period in ('month', 'year')),
    unit_id uuid,
    category_id uuid,
    amount_minor bigint not null check (amount_minor > 0),
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique nulls not distinct (tenant_id, period, unit_id, category_id),
    foreign key (tenant_id, unit_id) references units (tenant_id, id),
    foreign key (tenant_id, category_id) references categories (tenant_id, id) on delete cascade
);
create index on budgets (tenant_id, unit_id);
create index on budgets (tenant_id, category_id);
select freehold.tenant_table('budgets');
