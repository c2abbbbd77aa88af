//! The tables: the same under every model, once without tenancy, and once behind a plain setting.

/// The application's migration.
pub(super) const MIGRATIONS: &[(&str, &str)] = &[(
    "0001_items.sql",
    "create table items (tenant_id uuid not null, id bigint not null, name text not null, amount bigint not null, \
                         primary key (tenant_id, id));
     select freehold.tenant_table('items');
     create table entries (tenant_id uuid not null, id uuid not null, name text not null, amount bigint not null, \
                           primary key (tenant_id, id));
     select freehold.tenant_table('entries');",
)];

/// Gives every tenant its rows, whatever the database.
pub(super) fn fill(rows: i64) -> String {
    format!(
        "do $$
         declare place text;
         begin
             for place in select distinct placement from freehold.residents loop
                 execute format('insert into %I.items (tenant_id, id, name, amount)
                     select tenant, number, ''item '' || number, number * 100
                     from freehold.residents cross join generate_series(1, {rows}) number where placement = %L', place, place);
             end loop;
         end
         $$"
    )
}

/// Copies of the shared tables for the baselines: without tenancy, and with what a careful application does by hand, a
/// policy on a plain setting that is read once per statement.
pub(super) fn baselines(shared: &str) -> String {
    let tables: String = ["plain", "setting"]
        .iter()
        .map(|schema| {
            format!(
                "create schema {schema};
                 create table {schema}.items (like {shared}.items including indexes);
                 insert into {schema}.items select * from {shared}.items;
                 create table {schema}.entries (like {shared}.entries including indexes);
                 grant usage on schema {schema} to bench;
                 grant select, insert on all tables in schema {schema} to bench;"
            )
        })
        .collect();
    let policies: String = ["items", "entries"]
        .iter()
        .map(|table| {
            format!(
                "alter table setting.{table} enable row level security;
                 create policy tenant on setting.{table} using (tenant_id = (select current_setting('app.tenant')::uuid));"
            )
        })
        .collect();
    format!(
        "create role bench login;
         grant connect on database bench_data to bench;
         {tables}
         {policies}
         analyze"
    )
}
