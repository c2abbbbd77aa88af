use expenses::Monitor;
use freehold::tenant::Model;
use tokio::net::TcpListener;

use crate::client::Client;
use crate::support::Site;

#[tokio::test]
async fn what_happens_at_the_gate_and_in_the_pool_is_there_for_prometheus_without_a_name_of_a_tenant() {
    let monitor = Monitor::record().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(monitor.serve(listener));

    let site = Site::start().await;
    let ann = site.organisation("acme-inc", Model::Schema).await;
    ann.get("/api/expenses").await.expect(200);
    site.host("nobody").get("/api/expenses").await.expect(404);

    let text = Client::new(address).get("/metrics").await.text();
    let lines = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert!(lines("freehold_") > 5 && lines("# HELP freehold_") > 5, "{text}");
    assert!(text.contains("admitted") && text.contains("unknown_tenant"), "{text}");
    assert!(!text.contains("acme-inc"), "{text}");
}
