use freehold_testing::{Twins, under_every_model};

under_every_model! {
    "tests/migrations";

    /// 39: it drops every policy whose only role is the caller.
    async fn drop_owned_by_the_caller_removes_no_policy(twins: Twins) {
        twins.seed("insert into notes (text) values ('canary')").await;
        let before = twins.digest(&twins.b, "notes").await;
        let _ = twins.attack("drop owned by current_user").await;
        assert_eq!(twins.attack("select text from notes").await.rows().len(), 1);
        assert_eq!(twins.digest(&twins.b, "notes").await, before);
    }
}
