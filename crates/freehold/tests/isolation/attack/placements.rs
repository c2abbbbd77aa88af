use std::path::Path;
use std::sync::Arc;

use freehold::isolation::TokioPostgres;
use freehold::tenant::{Model, Tenant};
use freehold_testing::{Deployment, Twins};

use super::seal::Token;
use super::victim::Victim;

async fn schema_of(deployment: &Deployment, tenant: &Tenant) -> String {
    deployment.truth(tenant).await.query_one("select current_schema()::text", &[]).await.unwrap().get(0)
}

async fn rows_in(deployment: &Deployment, tenant: &Tenant) -> i64 {
    deployment
        .truth(tenant)
        .await
        .query_one("select (select count(*) from notes) + (select count(*) from readings)", &[])
        .await
        .unwrap()
        .get(0)
}

/// A deployment in which every model lives beside every other: two tenants of each.
async fn neighbours() -> (Deployment, Vec<Arc<Tenant>>) {
    let twins = Twins::start(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/migrations"), Model::Shared).await;
    let victim = Victim::of(twins).await;
    let Twins { a, b, deployment, .. } = victim.twins;
    let mut tenants = vec![a.tenant, b.tenant];
    for (slug, model) in
        [("carla", Model::Schema), ("dora", Model::Schema), ("emil", Model::Database), ("fred", Model::Database)]
    {
        tenants.push(deployment.tenant(slug, model).await);
    }
    (deployment, tenants)
}

/// 46: rows of one's own, invisible to the neighbour but in its dump and its quota.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_cannot_leave_rows_of_its_own_in_the_placement_of_another() {
    let (deployment, tenants) = neighbours().await;
    for tenant in &tenants {
        for neighbour in &tenants {
            let schema = schema_of(&deployment, neighbour).await;
            if tenant.id() == neighbour.id() || schema == schema_of(&deployment, tenant).await {
                continue;
            }
            let before = rows_in(&deployment, neighbour).await;
            for sql in [
                format!("insert into {schema}.notes (text) values ('left here')"),
                format!("insert into {schema}.notes (tenant_id, text) values ('{}', 'left here')", tenant.id()),
                format!("insert into {schema}.readings (at, value) values ('2025-05-05', 1) on conflict do nothing"),
                format!(
                    "merge into {schema}.notes n using (select 1) s on false when not matched then insert (text) values ('left here')"
                ),
                format!("copy {schema}.notes (text) from stdin"),
            ] {
                let mut scope = deployment.freehold.tenant_db::<TokioPostgres>(tenant).write();
                let outcome = scope.ad_hoc(&sql, &[]).await;
                assert!(outcome.is_err(), "{} of {} in the placement of {}", sql, tenant.slug(), neighbour.slug());
                drop(scope);
            }
            assert_eq!(rows_in(&deployment, neighbour).await, before);
        }
    }
}

/// 25: the path leads to one schema and nowhere else, so a schema that went away is an error and not another's tables.
#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_dropped_in_mid_flight_is_an_error_and_no_fall_through() {
    let (deployment, tenants) = neighbours().await;
    let carla = &tenants[2];
    let db = deployment.freehold.tenant_db::<TokioPostgres>(carla);
    db.read().query("select text from notes", &[]).await.unwrap();
    let schema = schema_of(&deployment, carla).await;
    let truth = deployment.truth(carla).await;
    truth.batch_execute(&format!("create table public.notes (tenant_id uuid, text text); insert into public.notes values ('{}', 'wrong'); \
                                  grant usage on schema public to public; grant select on public.notes to public; drop schema {schema} cascade", carla.id()))
        .await.unwrap();
    let error = db.read().query("select text from notes", &[]).await.unwrap_err();
    assert_eq!(error.sqlstate(), Some("42P01"), "{error:?}");
}

/// 47: what a frozen picture of the tenant would do after a move.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_moved_on_is_refused_at_its_old_place() {
    let (deployment, tenants) = neighbours().await;
    let anna = &tenants[0];
    let db = deployment.freehold.tenant_db::<TokioPostgres>(anna);
    let truth = deployment.truth(anna).await;
    truth
        .execute("update freehold.residents set epoch = epoch + 1 where tenant = $1", &[anna.id().as_uuid()])
        .await
        .unwrap();
    for sql in ["select text from notes", "insert into notes (text) values ('late')", "delete from notes"] {
        let mut scope = db.write();
        let error = scope.ad_hoc(sql, &[]).await.unwrap_err();
        assert_eq!(error.kind(), freehold::isolation::ErrorKind::Stale, "{sql}: {error:?}");
    }
    truth.execute("delete from freehold.residents where tenant = $1", &[anna.id().as_uuid()]).await.unwrap();
    let error = db.read().query("select text from notes", &[]).await.unwrap_err();
    assert_eq!(error.kind(), freehold::isolation::ErrorKind::Stale, "{error:?}");
}

/// A login of its own is checked beside the seal: the key of its database opens nothing for another login.
#[tokio::test(flavor = "multi_thread")]
async fn a_genuine_token_of_a_tenant_with_a_login_is_refused_from_any_other_login() {
    let twins = Twins::start(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/migrations"), Model::Database).await;
    let victim = Victim::of(twins).await;
    let truth = victim.twins.truth(&victim.twins.a).await;
    let token = Token::of(&victim.twins, &victim.twins.a).await.seal(&victim.twins, &victim.twins.a).await;
    truth.query_one("select set_config('freehold.token', $1, false)", &[&token]).await.unwrap();
    let error = truth.query("select tenant from freehold.context", &[]).await.unwrap_err();
    assert!(format!("{error:?}").contains("stale"), "{error:?}");
}
