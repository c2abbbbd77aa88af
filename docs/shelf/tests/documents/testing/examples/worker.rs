use freehold::tenant::Model;
use freehold_testing::Deployment;

#[tokio::test]
async fn a_deployment_without_twins() {
    let mut deployment =
        Deployment::start(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).await;
    deployment.start_worker();
    let tenant = deployment.tenant("acme", Model::Schema).await;
    assert_eq!(tenant.model(), Some(Model::Schema));
}
