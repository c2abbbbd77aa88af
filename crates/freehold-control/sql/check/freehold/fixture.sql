-- A data database as Freehold sets it up, with two tables of an application in its shared placement, which is the path.
set local freehold_check.server_version = '159999';
select set_config('search_path', (select id from freehold.placements), true);
set local role freehold_owner;
create table accounts (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    name text not null,
    primary key (tenant_id, id)
);
select freehold.tenant_table('accounts');
create table global.currencies (code text primary key);
select freehold.global_table('global.currencies');
reset role;
