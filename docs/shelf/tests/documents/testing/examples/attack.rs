use freehold_testing::{Twins, under_every_model};

under_every_model! {
    "migrations";

    async fn a_tenant_cannot_rename_anothers_books(twins: Twins) {
        twins.seed("insert into books (id, title, pages) values (gen_random_uuid(), 'Emma', 512)").await;
        let before = twins.digest(&twins.b, "books").await;
        twins.attack("update books set title = 'mine' where tenant_id is not null").await;
        assert_eq!(twins.digest(&twins.b, "books").await, before);
        let peek = twins.attack(&format!("select title from books where tenant_id = '{}'", twins.b.tenant.id())).await;
        assert!(peek.rows().is_empty());
    }
}
