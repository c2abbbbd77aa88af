//! The doctor's view of PgBouncer, in its modes and with its traps.

use freehold_control::{Diagnosis, Health, examine_pooler};
use freehold_testing::PgBouncer;
use tokio_postgres::Config;

use crate::support::*;

async fn diagnoses(settings: &str) -> Option<Vec<Diagnosis>> {
    let place = place();
    let server = start_server(&place).await;
    let Some(pooler) = PgBouncer::start(server.socket_dir(), server.port(), settings).await else {
        println!("PgBouncer is not installed: nothing was tested");
        return None;
    };
    let mut config = Config::new();
    config.host("127.0.0.1").port(pooler.address().port()).user("postgres").dbname("postgres");
    Some(examine_pooler(&config.into()).await)
}

fn said(diagnoses: &[Diagnosis], health: Health, words: &str) -> bool {
    diagnoses.iter().any(|diagnosis| diagnosis.health == health && diagnosis.finding.contains(words))
}

#[tokio::test]
async fn sessions_that_are_pooled_and_reset_leave_nothing() {
    let Some(found) = diagnoses("pool_mode = session\nserver_reset_query = DISCARD ALL").await else { return };
    assert!(said(&found, Health::Good, "pools sessions"), "{found:#?}");
    assert!(said(&found, Health::Good, "lasts for it, and no longer"), "{found:#?}");
    assert!(said(&found, Health::Good, "nothing that one client leaves"), "{found:#?}");
    assert!(said(&found, Health::Warning, "lets no settings through"), "{found:#?}");
}

#[tokio::test]
async fn sessions_that_are_pooled_and_not_reset_leave_everything() {
    let Some(found) = diagnoses("pool_mode = session\nserver_reset_query =").await else { return };
    let leftovers = found.iter().find(|found| found.finding.starts_with("what one client leaves")).unwrap();
    for trace in
        ["app.tenant_id", "search_path", "row_security", "a prepared statement", "an advisory lock", "a channel"]
    {
        assert!(leftovers.finding.contains(trace), "{trace}: {found:#?}");
    }
    assert!(leftovers.cure.as_ref().unwrap().contains("DISCARD ALL"), "{leftovers:?}");
}

#[tokio::test]
async fn transactions_that_are_pooled_leave_what_is_not_local() {
    let Some(found) = diagnoses("pool_mode = transaction").await else { return };
    assert!(said(&found, Health::Warning, "pools transactions"), "{found:#?}");
    assert!(said(&found, Health::Good, "lasts for it, and no longer"), "{found:#?}");
    assert!(said(&found, Health::Warning, "app.tenant_id"), "{found:#?}");
    assert!(said(&found, Health::Warning, "statements that drivers keep prepared"), "{found:#?}");
    let always = diagnoses("pool_mode = transaction\nserver_reset_query = DISCARD ALL\nserver_reset_query_always = 1")
        .await
        .unwrap();
    assert!(said(&always, Health::Good, "nothing that one client leaves"), "{always:#?}");
}

/// The trap: the pooler takes the settings, and nobody gets them.
#[tokio::test]
async fn settings_that_the_pooler_drops_are_missed() {
    let Some(found) = diagnoses("pool_mode = session\nignore_startup_parameters = options").await else { return };
    assert!(said(&found, Health::Warning, "are dropped"), "{found:#?}");
}

#[tokio::test]
async fn statements_that_are_pooled_are_no_use() {
    let Some(found) = diagnoses("pool_mode = statement").await else { return };
    assert!(said(&found, Health::Bad, "no transactions"), "{found:#?}");
}

#[tokio::test]
async fn a_pooler_that_does_not_answer_is_a_diagnosis() {
    let mut config = Config::new();
    config.host("127.0.0.1").port(1).user("postgres").dbname("postgres");
    let found = examine_pooler(&config.into()).await;
    assert!(
        found.iter().any(|found| found.health == Health::Bad && found.finding.contains("cannot connect")),
        "{found:#?}"
    );
}
