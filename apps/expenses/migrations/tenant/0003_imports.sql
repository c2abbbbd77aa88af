create table imports (
    tenant_id uuid not null,
    id uuid not null,
    imported bigint not null default 0,
    skipped bigint not null default 0,
    rejected bigint not null default 0,
    created_by uuid,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, created_by) references people (tenant_id, id) on delete set null (created_by)
);
select freehold.tenant_table('imports');

-- Records of an imported file that were not imported. The application keeps the first 100,000 of a file.
create table import_rejections (
    tenant_id uuid not null,
    import_id uuid not null,
    line bigint not null,
    reason text not null,
    primary key (tenant_id, import_id, line),
    foreign key (tenant_id, import_id) references imports (tenant_id, id) on delete cascade
);
select freehold.tenant_table('import_rejections');
