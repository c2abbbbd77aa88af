-- Runs once in every placement: once for all tenants in shared tables, once per schema, once per database.
-- Every key leads with tenant_id, whose default is the tenant of the scope, so the application never mentions it.

create table owners (
    tenant_id uuid not null,
    id uuid not null,
    name text not null,
    primary key (tenant_id, id),
    unique (tenant_id, name)
);
select freehold.tenant_table('owners');

create table spinners (
    tenant_id uuid not null,
    id uuid not null,
    owner_id uuid not null,
    name text not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, owner_id) references owners (tenant_id, id)
);
create index on spinners (tenant_id, owner_id);
select freehold.tenant_table('spinners');

create table spins (
    tenant_id uuid not null,
    id uuid not null,
    spinner_id uuid not null,
    milliseconds bigint not null check (milliseconds > 0),
    at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, spinner_id) references spinners (tenant_id, id) on delete cascade
);
create index on spins (tenant_id, spinner_id);
select freehold.tenant_table('spins');
