//! The application: one list, as a user of Freehold would write it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use freehold::Freehold;
use freehold::gate::Tenancy;
use freehold::isolation::{ScopeError, Sqlx, TenantDb};
use freehold::resolve::{Chain, Subdomain};
use serde::Serialize;
use sqlx::PgPool;
use tokio::net::TcpListener;

/// The table has the columns the peer's list shows, and the index that the list needs.
pub(super) const MIGRATIONS: &[(&str, &str)] = &[(
    "0001_orders.sql",
    "create table orders (tenant_id uuid not null, id bigint not null, number text not null, status text not null, \
                          total bigint not null, placed_at timestamptz not null, primary key (tenant_id, id));
     create index orders_by_status on orders (tenant_id, status, placed_at desc);
     select freehold.tenant_table('orders');",
)];

/// 500 orders for each tenant, half of them open, as the peer has.
pub(super) const FILL: &str = "do $$
    declare place text;
    begin
        for place in select distinct placement from freehold.residents loop
            execute format('insert into %I.orders (tenant_id, id, number, status, total, placed_at)
                select tenant, g, ''o'' || g, case when g %% 2 = 0 then ''open'' else ''paid'' end, g * 100, now() - g * interval ''1 minute''
                from freehold.residents cross join generate_series(1, 500) g where placement = %L', place, place);
        end loop;
    end
    $$";

#[derive(Serialize, sqlx::FromRow)]
struct Order {
    id: i64,
    number: String,
    status: String,
    total: i64,
    placed_at: String,
}

#[derive(Serialize)]
struct Orders {
    orders: Vec<Order>,
}

const LIST: &str = "select id, number, status, total, to_char(placed_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as placed_at \
                    from orders where status = $1 order by orders.placed_at desc limit 20";

async fn list(db: TenantDb<Sqlx>) -> Result<Json<Orders>, ScopeError> {
    let mut scope = db.read();
    let orders = sqlx::query_as(LIST).bind("open").fetch_all(&mut scope).await?;
    Ok(Json(Orders { orders }))
}

/// The same list without tenants, in a database that has only one: what axum and sqlx give by themselves.
pub(super) const FILL_WITHOUT_TENANTS: &str = "
    create table orders (id bigint primary key, number text not null, status text not null, total bigint not null,
                         placed_at timestamptz not null);
    create index orders_by_status on orders (status, placed_at desc);
    insert into orders select g, 'o' || g, case when g % 2 = 0 then 'open' else 'paid' end, g * 100, now() - g * interval '1 minute'
                       from generate_series(1, 500) g;
    analyze orders";

async fn list_without_tenants(State(db): State<PgPool>) -> Result<Json<Orders>, StatusCode> {
    let orders = sqlx::query_as(LIST).bind("open").fetch_all(&db).await;
    Ok(Json(Orders { orders: orders.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)? }))
}

/// Serves in the background, and returns the port.
pub(super) async fn serve(freehold: &Freehold) -> anyhow::Result<u16> {
    let tenancy = Tenancy::new(freehold, Chain::new(Subdomain::of(["bench.test"])?));
    listen(tenancy.router(Router::new().route("/orders", get(list)), Router::new())).await
}

/// Serves the same from a database without tenants.
pub(super) async fn serve_without_tenants(db: PgPool) -> anyhow::Result<u16> {
    listen(Router::new().route("/orders", get(list_without_tenants)).with_state(db)).await
}

async fn listen(app: Router) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(port)
}
