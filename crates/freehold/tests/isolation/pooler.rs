use std::time::Duration;

use freehold::isolation::{PoolOptions, TokioPostgres};
use freehold::tenant::Model;
use freehold_testing::{Deployment, PgBouncer, server};

/// An application whose cluster is said to be where a pooler is. What comes of a query.
async fn query_through(settings: &str) -> Option<String> {
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/migrations");
    let deployment = Deployment::start(migrations).await;
    let tenant = deployment.tenant("anna", Model::Shared).await;
    let Some(pooler) = PgBouncer::start(server().socket_dir(), server().port(), settings).await else {
        println!("PgBouncer is not installed: nothing was tested");
        return None;
    };
    let catalog = freehold_testing::connect("postgres", deployment.catalog_database()).await;
    let port = i32::from(pooler.address().port());
    catalog.execute("update catalog.clusters set host = '127.0.0.1', port = $1", &[&port]).await.unwrap();
    let mut pool = PoolOptions::default();
    pool.acquire_timeout = Duration::from_secs(1);
    let application = deployment.another_application(pool).await;
    let tenant = application.directory().get(tenant.id()).unwrap();
    let mut scope = application.tenant_db::<TokioPostgres>(&tenant).read();
    let error = scope.query("select text from notes", &[]).await.unwrap_err();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Some(text)
}

#[tokio::test]
async fn a_pooler_that_refuses_the_settings_of_a_connection_refuses_the_scope() {
    for mode in ["session", "transaction"] {
        let Some(error) = query_through(&format!("pool_mode = {mode}")).await else { return };
        assert!(error.contains("unsupported startup parameter"), "{mode}: {error}");
    }
}

/// It takes the settings and passes none on, so whoever had the backend before decides what they are.
#[tokio::test]
async fn a_pooler_that_drops_the_settings_of_a_connection_is_refused() {
    for mode in ["session", "transaction"] {
        let Some(error) = query_through(&format!("pool_mode = {mode}\nignore_startup_parameters = options")).await
        else {
            return;
        };
        assert!(error.contains("a pooler dropped them"), "{mode}: {error}");
    }
}
