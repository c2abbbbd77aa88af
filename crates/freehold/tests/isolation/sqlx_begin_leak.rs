//! A fault of sqlx 0.9.0, reproduced against its own pool: `begin()` dropped while the server answers leaves an open
//! transaction on the connection, and the next user of the pool works inside it. It is why scopes do not build on sqlx's
//! pool. When the first test fails, sqlx has mended it, and both can go.

use freehold::isolation::Sqlx;
use freehold::tenant::Model;
use freehold_testing::{Twins, server};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres, Transaction};

use crate::support::{cut_off, migrations, pool};

const ROUNDS: usize = 60;

async fn own_pool() -> PgPool {
    let options =
        PgConnectOptions::new_without_pgpass().username("postgres").database("postgres").port(server().port());
    PgPoolOptions::new().max_connections(1).connect_with(options.socket(server().socket_dir())).await.unwrap()
}

/// Whether the statement runs in a transaction that began before it.
const INSIDE_ANOTHER: &str = "select now() < statement_timestamp()";

#[tokio::test]
async fn sqlx_s_own_pool_hands_out_the_transaction_of_a_begin_that_was_dropped() {
    let pool = own_pool().await;
    let mut leaks = 0;
    for round in 0..ROUNDS {
        let begun: Option<sqlx::Result<Transaction<'_, Postgres>>> = cut_off(pool.begin(), 1 + round % 4).await;
        drop(begun);
        let leaked: bool = sqlx::query_scalar(INSIDE_ANOTHER).fetch_one(&pool).await.unwrap();
        leaks += usize::from(leaked);
        sqlx::raw_sql("rollback").execute(&pool).await.unwrap();
    }
    assert!(leaks > 0, "sqlx has mended it");
}

#[tokio::test]
async fn a_scope_dropped_while_it_begins_leaves_no_transaction_to_the_next_one() {
    let twins = Twins::with_pool(migrations(), Model::Shared, pool(1)).await;
    let (a, b) = (twins.a.db::<Sqlx>(), twins.b.db::<Sqlx>());
    for round in 0..ROUNDS {
        let mut dropped = a.write();
        let _ = cut_off(sqlx::query("select pg_current_xact_id()").execute(&mut dropped), 1 + round % 12).await;
        drop(dropped);
        // No transaction of A goes on here: none has an id, and the context is B's.
        let own = "select left(current_setting('freehold.token'), 36) where pg_current_xact_id_if_assigned() is null";
        let tenant: String = sqlx::query_scalar(own).fetch_one(&mut b.read()).await.unwrap();
        assert_eq!(tenant, b.tenant().id().to_string());
    }
}
