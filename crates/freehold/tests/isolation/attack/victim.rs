use freehold::isolation::TokioPostgres;
use freehold::tenant::Model;
use freehold_testing::{Outcome, Twins};
use uuid::Uuid;

/// Tenant B, whose data has a canary in it, and tenant A, who is after it.
///
/// In hostile SQL `{schema}` stands for the schema B's tables are in, and `{tenant}` for B's id: more than an attacker is
/// likely to know.
pub(super) struct Victim {
    pub(super) twins: Twins,
    pub(super) canary: String,
    pub(super) schema: String,
    before: String,
}

/// What A owns beside it, so that no attack ends early for want of rows.
const ROWS_OF_A: &str = "with a as (insert into authors (email) values ('anna@example.org') returning id),
     r as (insert into readings (at, value) values ('2025-05-05', 1), ('2026-05-05', 2))
     insert into notes (author_id, text, amount) select id, 'a note of anna', 7 from a";

impl Victim {
    pub(super) async fn of(twins: Twins) -> Self {
        let canary = format!("canary-{}", Uuid::new_v4().simple());
        let rows_of_b = format!(
            "with a as (insert into authors (email) values ('{canary}@example.org') returning id),
             r as (insert into readings (at, value) values ('2025-06-06', 11), ('2026-06-06', 22))
             insert into notes (author_id, text, amount) select id, '{canary}', 4711 from a"
        );
        for (twin, rows) in [(&twins.a, ROWS_OF_A), (&twins.b, &rows_of_b)] {
            let mut scope = twin.db::<TokioPostgres>().write();
            scope.ad_hoc(rows, &[]).await.unwrap();
            scope.commit().await.unwrap();
        }
        let schema = twins.truth(&twins.b).await.query_one("select current_schema()::text", &[]).await.unwrap().get(0);
        let mut victim = Self { twins, canary, schema, before: String::new() };
        victim.before = victim.fingerprint().await;
        victim
    }

    /// One hostile statement, committed if it can be. Its answer must not have the canary in it.
    pub(super) async fn attack(&self, sql: &str) -> Outcome {
        let sql = self.aimed(sql);
        let outcome = self.twins.attack(&sql).await;
        self.assert_hidden_in(&outcome, &sql);
        outcome
    }

    /// Hostile statements in one scope. None of the answers may have the canary in it.
    pub(super) async fn session(&self, statements: &[&str]) -> Vec<Outcome> {
        let statements: Vec<_> = statements.iter().map(|sql| self.aimed(sql)).collect();
        let outcomes = self.twins.session(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
        for (sql, outcome) in statements.iter().zip(&outcomes) {
            self.assert_hidden_in(outcome, sql);
        }
        outcomes
    }

    /// Hostile statements, each in a scope of its own and each refused.
    pub(super) async fn refuses(&self, statements: &[&str]) {
        for sql in statements {
            if let Outcome::Rows(rows) = self.attack(sql).await {
                panic!("{sql} was not refused: {} rows", rows.len());
            }
        }
        self.assert_unharmed().await;
    }

    /// B has the rows it had, the tables the guards they had, and B's own requests are answered.
    pub(super) async fn assert_unharmed(&self) {
        assert_eq!(self.fingerprint().await, self.before, "something of B changed");
        let rows = self.twins.b.db::<TokioPostgres>().read().query("select text from notes", &[]).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.get::<_, &str>(0)).collect::<Vec<_>>(), [&self.canary]);
    }

    pub(super) fn aimed(&self, sql: &str) -> String {
        sql.replace("{schema}", &self.schema).replace("{tenant}", &self.twins.b.tenant.id().to_string())
    }

    /// A token of A with B's id in the place of A's.
    pub(super) fn with_id_of_b(&self, token: &str) -> String {
        token.replace(&self.twins.a.tenant.id().to_string(), &self.twins.b.tenant.id().to_string())
    }

    fn assert_hidden_in(&self, outcome: &Outcome, sql: &str) {
        assert!(!outcome.reveals(self.canary.as_bytes()), "{sql} revealed the canary: {outcome:?}");
    }

    /// B's rows, everybody's rows where B lives alone, and the guards of the tables.
    async fn fingerprint(&self) -> String {
        let truth = self.twins.truth(&self.twins.b).await;
        let whose = if self.twins.model == Model::Shared { "tenant_id = $1" } else { "$1::uuid is not null" };
        let mut fingerprint = String::new();
        for table in ["authors", "notes", "readings"] {
            let rows = format!(
                "select coalesce(string_agg(t::text, e'\\n' order by t::text), '') from {table} t where {whose}"
            );
            let rows = truth.query_one(&rows, &[self.twins.b.tenant.id().as_uuid()]).await.unwrap();
            fingerprint.push_str(rows.get(0));
        }
        let guards = truth
            .query_one(
                "select md5(string_agg(format('%s %s %s %s %s', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, c.relacl,
                        (select string_agg(format('%s %s %s %s', p.polname, p.polroles, p.polqual, p.polwithcheck), ';' order by p.polname)
                         from pg_policy p where p.polrelid = c.oid)), e'\\n' order by c.relname))
                 from pg_class c
                 where c.relnamespace = $1::text::regnamespace and c.relname ~ '^(authors|notes|readings|readings_2025|readings_2026)$'",
                &[&self.schema],
            )
            .await
            .unwrap();
        fingerprint.push_str(guards.get(0));
        fingerprint
    }
}
