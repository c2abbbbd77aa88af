use std::time::Duration;

use freehold::Freehold;
use freehold::isolation::{ErrorKind, PoolOptions, TokioPostgres};
use freehold::tenant::Model;
use freehold_testing::{Outcome, Twins, under_every_model};

use super::victim::Victim;

const DEADLINE: Duration = Duration::from_secs(2);

/// An application whose scopes may take two seconds.
async fn impatient(victim: &Victim) -> Freehold {
    let mut pool = PoolOptions::default();
    pool.deadline = DEADLINE;
    victim.twins.deployment.another_application(pool).await
}

under_every_model! {
    "tests/migrations";

    /// 54
    async fn a_backend_of_b_cannot_be_stopped_by_a(twins: Twins) {
        let victim = Victim::of(twins).await;
        let mut scope = victim.twins.b.db::<TokioPostgres>().write();
        let pid: i32 = scope.query("select pg_backend_pid()", &[]).await.unwrap()[0].get(0);
        for stop in ["pg_terminate_backend", "pg_cancel_backend"] {
            assert!(matches!(victim.attack(&format!("select {stop}({pid})")).await, Outcome::Refused(_)));
            assert!(matches!(victim.attack(&format!("select {stop}(pg_stat_get_backend_pid(id)) from pg_stat_get_backend_idset() id")).await, Outcome::Refused(_)));
        }
        let rows = scope.query("select text from notes", &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, &str>(0), victim.canary);
    }

    /// 55, stated as open: A may lock what it may write. It holds the lock until its own deadline; B waits until its own, and
    /// both are told.
    async fn a_lock_of_a_ends_with_the_deadline_of_a(twins: Twins) {
        let victim = Victim::of(twins).await;
        let application = impatient(&victim).await;
        let [a, b] = [&victim.twins.a, &victim.twins.b].map(|twin| application.directory().get(twin.tenant.id()).unwrap());
        let hold = application.clone();
        let lock = victim.aimed("lock table {schema}.notes in access exclusive mode");
        let holding = tokio::spawn(async move {
            let mut scope = hold.tenant_db::<TokioPostgres>(&a).write();
            let locked = scope.ad_hoc(&lock, &[]).await;
            let _ = scope.ad_hoc("set statement_timeout = 0", &[]).await;
            (locked.is_ok(), scope.ad_hoc("select pg_sleep(600)", &[]).await.unwrap_err())
        });
        let (locked, error) = tokio::time::timeout(DEADLINE * 5, holding).await.unwrap().unwrap();
        assert_eq!(locked, victim.twins.model != Model::Database);
        assert!(matches!(error.kind(), ErrorKind::Timeout) || !locked, "{error:?}");
        let rows = application.tenant_db::<TokioPostgres>(&b).read().query("select text from notes", &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, &str>(0), victim.canary);
        victim.assert_unharmed().await;
    }

    /// 55: a statement that never ends, by a tenant that has taken away every limit it can.
    async fn a_statement_without_end_does_not_keep_b_from_its_rows(twins: Twins) {
        let victim = Victim::of(twins).await;
        let application = impatient(&victim).await;
        let [a, b] = [&victim.twins.a, &victim.twins.b].map(|twin| application.directory().get(twin.tenant.id()).unwrap());
        let mut endless = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let db = application.tenant_db::<TokioPostgres>(&a);
            endless.spawn(async move {
                let mut scope = db.write();
                let _ = scope.ad_hoc("set statement_timeout = 0; ", &[]).await;
                let _ = scope.ad_hoc("set client_connection_check_interval = 0", &[]).await;
                scope.ad_hoc("select pg_sleep(600)", &[]).await.unwrap_err().kind()
            });
        }
        for _ in 0..5 {
            let answer = application.tenant_db::<TokioPostgres>(&b).read().query("select text from notes", &[]).await.unwrap();
            assert_eq!(answer[0].get::<_, &str>(0), victim.canary);
        }
        while let Some(kind) = endless.join_next().await {
            assert!(matches!(kind.unwrap(), ErrorKind::Timeout | ErrorKind::Busy));
        }
        tokio::time::timeout(DEADLINE * 5, async {
            while !nothing_runs_on(&victim).await {
                tokio::task::yield_now().await;
            }
        }).await.expect("what ran past its deadline is stopped on the server");
    }
}

async fn nothing_runs_on(victim: &Victim) -> bool {
    let truth = victim.twins.truth(&victim.twins.a).await;
    let running = "select from pg_stat_activity where datname = current_database() and query like '%pg_sleep(600)%' and state = 'active' and pid <> pg_backend_pid()";
    truth.query(running, &[]).await.unwrap().is_empty()
}
