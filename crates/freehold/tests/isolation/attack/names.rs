use freehold_testing::{Outcome, Twins, under_every_model};

use super::lender::{Lender, WIRES};
use super::victim::Victim;

/// A query per relation outside the tenants' schemas that A may read: its rows as text.
const READABLE: &str =
    "select format('select coalesce(string_agg(r::text, e''\\n''), '''') from (select * from %s) r', c.oid::regclass)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm', 'p') and n.nspname not like 't\\_%'
      and has_table_privilege(c.oid, 'select') and has_schema_privilege(n.oid, 'usage')
    order by c.relname";

under_every_model! {
    "tests/migrations";

    /// 50: every catalogue, view and setting that A can read, whole.
    async fn no_catalogue_names_another_tenant(twins: Twins) {
        let victim = Victim::of(twins).await;
        // B is at work meanwhile, on a connection of its own.
        let mut scope = victim.twins.b.db::<freehold::isolation::TokioPostgres>().write();
        scope.ad_hoc(&format!("update notes set amount = 4711 where text = '{}'", victim.canary), &[]).await.unwrap();
        let b = &victim.twins.b.tenant;
        let (slug, id) = (b.slug().to_string(), b.id().to_string());
        let readable = victim.attack(READABLE).await;
        assert!(readable.rows().len() > 100, "{} relations were searched", readable.rows().len());
        let mut answered = 0;
        for row in readable.rows() {
            let sql: &str = row.get(0);
            let outcome = victim.attack(sql).await;
            answered += usize::from(matches!(outcome, Outcome::Rows(_)));
            assert!(!outcome.reveals(id.as_bytes()), "{sql} shows the id of B");
            // A slug of four letters is part of other words; a name stands by itself.
            let shown = ["(", ",", "\"", " ", "="].iter().any(|before| outcome.reveals(format!("{before}{slug}").as_bytes()));
            assert!(!shown, "{sql} shows the slug of B");
        }
        assert!(answered > 80, "{answered} relations answered");
    }

    /// 51: the catalog is a database of its own, where tenants' logins have no business.
    async fn the_login_of_a_tenant_may_not_connect_to_the_catalog(twins: Twins) {
        let victim = Victim::of(twins).await;
        let catalog = victim.twins.deployment.catalog_database();
        let others = victim.attack(&format!("select datname::text from pg_database
            where datname <> current_database() and datname in ('{catalog}', '{{schema}}') and has_database_privilege(datname, 'connect')")).await;
        let others: Vec<&str> = others.rows().iter().map(|row| row.get(0)).collect();
        assert_eq!(others, [""; 0]);
    }

    /// 51: a channel ends at the database, so the directory's cannot be overheard or forged from here.
    async fn the_directory_hears_nothing_that_a_tenant_says(twins: Twins) {
        let victim = Victim::of(twins).await;
        let version = victim.twins.deployment.freehold.directory().version();
        let outcomes = victim.session(&["listen freehold_directory", "notify freehold_directory, '999999999'", "notify freehold_operation, 'x'", "commit"]).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Rows(_))), "{outcomes:?}");
        let late = victim.twins.deployment.tenant("later", victim.twins.model).await;
        assert_eq!(late.slug().as_str(), "later");
        assert!(victim.twins.deployment.freehold.directory().version() < version + 100);
    }

    /// 19, 52: what the driver keeps on a connection is the program's text, without anybody's values in it.
    async fn the_statements_kept_on_a_connection_hold_no_values_of_b(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            lender.ask(&lender.b, "select text from notes").await.unwrap();
            lender.ask(&lender.b, "select $$a literal of the program$$::text").await.unwrap();
            let kept = lender.ask(&lender.a, "select statement || parameter_types::text from pg_prepared_statements").await.unwrap();
            let kept = kept.join("\n");
            assert!(!kept.contains(&victim.canary) && !kept.contains(&victim.twins.b.tenant.id().to_string()), "{kept}");
        }
    }

    /// 19: text made at run time has no name on the server, so the next tenant cannot read it.
    async fn ad_hoc_text_of_b_is_not_kept(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let lender = Lender::new(&victim, wire).await;
            lender.ask_ad_hoc(&lender.b, &format!("select text from notes where text = '{}'", victim.canary)).await.unwrap();
            let kept = lender.ask(&lender.a, "select statement from pg_prepared_statements").await.unwrap();
            assert!(kept.iter().all(|text| !text.contains(&victim.canary)), "{wire:?}: {kept:?}");
        }
    }
}
