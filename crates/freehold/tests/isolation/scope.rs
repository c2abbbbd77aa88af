use freehold::isolation::{ErrorKind, ScopeError, Sqlx, TokioPostgres};
use freehold_testing::{Twins, under_every_model};

under_every_model! {
    "tests/migrations";

    async fn what_a_scope_wrote_is_there_after_commit_and_only_then(twins: Twins) {
        let db = twins.a.db::<TokioPostgres>();
        let mut dropped = db.write();
        dropped.execute("insert into notes (text) values ('dropped')", &[]).await.unwrap();
        drop(dropped);
        let mut kept = db.write();
        kept.execute("insert into notes (text) values ('kept')", &[]).await.unwrap();
        kept.commit().await.unwrap();
        let rows = db.read().query("select text from notes", &[]).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["kept"]);
    }

    async fn a_read_scope_refuses_to_write_on_both_drivers(twins: Twins) {
        let error = twins.a.db::<TokioPostgres>().read().execute("insert into notes (text) values ('x')", &[]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error:?}");
        let mut scope = twins.a.db::<Sqlx>().read();
        let error = sqlx::query("insert into notes (text) values ('x')").execute(&mut scope).await.unwrap_err();
        assert_eq!(ScopeError::from(error).kind(), ErrorKind::ReadOnly);
    }
}
