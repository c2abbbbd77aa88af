use freehold::isolation::TokioPostgres;
use freehold_testing::{Twins, under_every_model};

under_every_model! {
    "migrations";

    async fn a_tenant_counts_its_own_books(twins: Twins) {
        twins.seed("insert into books (id, title, pages) values (gen_random_uuid(), 'Emma', 512)").await;
        let mut scope = twins.a.db::<TokioPostgres>().read();
        let rows = scope.query("select count(*) from books", &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, i64>(0), 1);
    }
}
