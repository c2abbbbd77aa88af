use freehold::isolation::{ErrorKind, ScopeError, TokioPostgres};
use freehold_testing::{Outcome, Twins, under_every_model};

use super::seal::Token;
use super::victim::Victim;

/// Every kind of statement that touches rows. With A's own context each is answered.
const STATEMENTS: &[&str] = &[
    "select text from notes",
    "select count(*) from notes, readings",
    "select text from notes for update",
    "with n as materialized (select text from notes) select * from n",
    "insert into notes (text) values ('new')",
    "insert into notes (tenant_id, text) select tenant_id, 'other' from notes",
    "insert into notes (text) values ('a note of anna') on conflict (tenant_id, text) do update set amount = 1",
    "update notes set amount = 2",
    "delete from readings",
    "merge into notes n using (select 'a note of anna' as text) s on n.text = s.text when matched then update set amount = 3",
    "select text from notes order by amount for share",
];

/// Runs each statement in a scope of A's whose token was exchanged for another.
async fn with_token(victim: &Victim, token: &str, mut judge: impl FnMut(&str, &Outcome)) {
    let exchange = format!("select set_config('freehold.token', '{token}', true)");
    for statement in STATEMENTS {
        let outcomes = victim.session(&[&exchange, statement]).await;
        outcomes[0].rows();
        judge(statement, &outcomes[1]);
    }
    victim.assert_unharmed().await;
}

/// A token of A, genuine but for what is changed before it is sealed.
async fn sealed(victim: &Victim, change: impl FnOnce(&mut Token)) -> String {
    let mut token = Token::of(&victim.twins, &victim.twins.a).await;
    change(&mut token);
    token.seal(&victim.twins, &victim.twins.a).await
}

/// A token that should not be taken, and what the refusal has to say.
type Forgery = (&'static str, fn(&mut Token), fn(String, &Victim) -> String, &'static str);

const FORGERIES: &[Forgery] = &[
    ("junk", |_| (), |_, _| "junk".to_owned(), "junk|a key this database does not have"),
    ("the id of B in the token of A", |_| (), |token, victim| victim.with_id_of_b(&token), "not genuine"),
    ("another MAC", |_| (), |token, _| format!("{}{}", &token[..token.len() - 64], "0".repeat(64)), "not genuine"),
    ("a key unknown here", |token| token.generation = 9, |token, _| token, "a key this database does not have"),
    ("a token that expired", |token| token.life = -2, |token, _| token, "has expired"),
    ("the token of another connection", |token| token.pid = "1".to_owned(), |token, _| token, "for another connection"),
    ("an epoch that is over", |token| token.epoch = 7, |token, _| token, "Stale"),
    (
        "a placement the tenant is not in",
        |token| token.placement = "t_aaaaaaaaaaaaaaaa".to_owned(),
        |token, _| token,
        "Stale|for another placement",
    ),
];

under_every_model! {
    "tests/migrations";

    /// The control of those that follow: the statements are good, and a genuine token is taken.
    async fn a_genuine_token_is_answered_by_every_kind_of_statement(twins: Twins) {
        let victim = Victim::of(twins).await;
        let token = sealed(&victim, |_| ()).await;
        with_token(&victim, &token, |_, outcome| assert!(matches!(outcome, Outcome::Rows(_)), "{outcome:?}")).await;
    }

    /// 1, 46, 47, 48
    async fn a_token_that_does_not_verify_raises_in_every_kind_of_statement(twins: Twins) {
        let victim = Victim::of(twins).await;
        for (what, change, forge, reason) in FORGERIES {
            let token = forge(sealed(&victim, change).await, &victim);
            with_token(&victim, &token, |statement, outcome| {
                let refused = matches!(outcome, Outcome::Refused(_)) && reason.split('|').any(|reason| format!("{outcome:?}").contains(reason));
                assert!(refused, "{what}: {statement} was not refused as {reason}: {outcome:?}");
            })
            .await;
        }
    }

    /// 48
    async fn a_missing_token_raises_in_every_kind_of_statement(twins: Twins) {
        let victim = Victim::of(twins).await;
        with_token(&victim, "", |statement, outcome| {
            assert!(matches!(outcome, Outcome::Refused(_)), "{statement} was answered: {outcome:?}");
        })
        .await;
    }

    /// Each database has its own key: under the database model even a genuine token of B opens nothing in A's database.
    async fn a_token_of_b_from_another_connection_opens_nothing(twins: Twins) {
        let victim = Victim::of(twins).await;
        let mut token = Token::of(&victim.twins, &victim.twins.b).await;
        token.pid = "1".to_owned();
        let token = token.seal(&victim.twins, &victim.twins.b).await;
        with_token(&victim, &token, |statement, outcome| {
            assert!(matches!(outcome, Outcome::Refused(_)), "{statement} was answered: {outcome:?}");
        })
        .await;
    }

    /// 2: settings that peers take for a tenant or an administrator.
    async fn no_plain_setting_chooses_a_tenant(twins: Twins) {
        let victim = Victim::of(twins).await;
        for name in ["app.tenant", "app.tenant_id", "app.is_admin", "freehold.tenant", "freehold.mode", "freehold.bypass", "rls.bypass"] {
            for value in ["{tenant}", "on", "w"] {
                let set = format!("select set_config('{name}', '{value}', false)");
                let outcomes = victim.session(&[&set, "select text from notes"]).await;
                assert_eq!(outcomes[1].rows().len(), 1);
            }
        }
        victim.assert_unharmed().await;
    }

    /// 39: it drops every policy whose only role is the caller.
    async fn drop_owned_by_the_caller_removes_no_policy(twins: Twins) {
        let victim = Victim::of(twins).await;
        let _ = victim.attack("drop owned by current_user").await;
        let _ = victim.attack("drop owned by current_user cascade").await;
        assert_eq!(victim.attack("select text from notes").await.rows().len(), 1);
        victim.assert_unharmed().await;
    }

    /// 4: outside a transaction the context is gone, so nothing is seen rather than everything.
    async fn after_its_own_commit_a_scope_has_no_context(twins: Twins) {
        let victim = Victim::of(twins).await;
        for end in ["commit", "rollback", "commit and chain", "rollback and chain"] {
            for statement in STATEMENTS {
                let statement = statement.replace(" notes", " {schema}.notes").replace(" readings", " {schema}.readings");
                let outcomes = victim.session(&[end, &statement]).await;
                assert!(matches!(outcomes[1], Outcome::Refused(_)), "{statement} after {end}: {:?}", outcomes[1]);
            }
        }
        victim.assert_unharmed().await;
    }

    /// 45
    async fn a_token_for_reading_that_is_kept_beyond_the_transaction_does_not_write(twins: Twins) {
        let victim = Victim::of(twins).await;
        let mut scope = victim.twins.a.db::<TokioPostgres>().read();
        for statement in [
            "select set_config('mine.token', current_setting('freehold.token'), false), set_config('mine.path', current_setting('search_path'), false)",
            "commit",
            "select set_config('freehold.token', current_setting('mine.token'), false), set_config('search_path', current_setting('mine.path'), false)",
        ] {
            scope.ad_hoc(statement, &[]).await.unwrap();
        }
        assert_eq!(scope.ad_hoc("select text from notes", &[]).await.unwrap().len(), 1);
        for write in STATEMENTS[4..10].iter().chain(&["select text from notes for update"]) {
            let error: ScopeError = scope.ad_hoc(write, &[]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ReadOnly, "{write}: {error:?}");
        }
    }

    /// A snapshot that is kept would show the tenant as resident after it was fenced, and let a row in behind its erasure.
    async fn a_transaction_that_keeps_its_snapshot_has_no_context(twins: Twins) {
        let victim = Victim::of(twins).await;
        for level in ["repeatable read", "serializable"] {
            let mut scope = victim.twins.a.db::<TokioPostgres>().write();
            for statement in [
                "select set_config('mine.token', current_setting('freehold.token'), false), set_config('mine.path', current_setting('search_path'), false)",
                "commit",
                &format!("begin isolation level {level}"),
                "select set_config('freehold.token', current_setting('mine.token'), true), set_config('search_path', current_setting('mine.path'), true)",
            ] {
                scope.ad_hoc(statement, &[]).await.unwrap();
            }
            for statement in STATEMENTS {
                scope.ad_hoc("savepoint before", &[]).await.unwrap();
                let refused = scope.ad_hoc(statement, &[]).await.unwrap_err();
                assert!(format!("{refused:?}").contains("under read committed alone"), "{level}, {statement}: {refused:?}");
                scope.ad_hoc("rollback to before", &[]).await.unwrap();
            }
        }
        victim.assert_unharmed().await;
    }

    /// The same token, put where the next transaction on this connection would find it.
    async fn a_token_that_was_kept_at_session_level_is_gone_with_the_scope(twins: Twins) {
        let victim = Victim::of(twins).await;
        let keep = "select set_config('freehold.token', current_setting('freehold.token'), false)";
        victim.session(&[keep, "commit"]).await;
        let found = victim.session(&["commit", "select coalesce(current_setting('freehold.token', true), '')"]).await;
        assert_eq!(found[1].rows()[0].get::<_, &str>(0), "");
        victim.assert_unharmed().await;
    }
}
