use freehold_testing::{Twins, under_every_model};

use super::lender::{Lender, WIRES};
use super::victim::Victim;

/// Settings whose value could change what B reads or writes, and what A would choose.
const DEFAULTS: &[(&str, &str)] = &[
    ("search_path", "public"),
    ("row_security", "off"),
    ("default_transaction_read_only", "on"),
    ("default_transaction_isolation", "serializable"),
    ("synchronous_commit", "local"),
    ("standard_conforming_strings", "off"),
    ("transform_null_equals", "on"),
    ("array_nulls", "off"),
    ("gin_fuzzy_search_limit", "1"),
    ("xmloption", "document"),
    ("xmlbinary", "hex"),
    ("TimeZone", "Asia/Tokyo"),
    ("DateStyle", "SQL, DMY"),
    ("IntervalStyle", "sql_standard"),
    ("bytea_output", "escape"),
    ("extra_float_digits", "-10"),
    ("client_encoding", "LATIN1"),
    ("client_min_messages", "debug5"),
    ("statement_timeout", "1"),
    ("lock_timeout", "1"),
    ("idle_in_transaction_session_timeout", "1"),
    ("idle_session_timeout", "1"),
    ("local_preload_libraries", "nothing"),
    ("timezone_abbreviations", "Australia"),
    ("quote_all_identifiers", "on"),
    ("exit_on_error", "on"),
    ("freehold.token", "left behind"),
];

const WATCHED: &str = "select name || '=' || setting from pg_settings where name = any (string_to_array(\
                       'row_security,synchronous_commit,default_transaction_read_only,default_transaction_isolation,standard_conforming_strings,\
                       transform_null_equals,array_nulls,gin_fuzzy_search_limit,xmloption,xmlbinary,TimeZone,DateStyle,IntervalStyle,bytea_output,\
                       extra_float_digits,client_encoding,client_min_messages,statement_timeout,lock_timeout,\
                       idle_in_transaction_session_timeout,idle_session_timeout,local_preload_libraries,timezone_abbreviations,quote_all_identifiers,exit_on_error,search_path', ',')) order by name";

under_every_model! {
    "tests/migrations";

    /// 43: a role may change its own defaults, and every connection opened later starts with them, unless the start-up packet
    /// says otherwise. Within this database only, so that the other tests keep their login.
    async fn defaults_that_a_login_sets_for_itself_reach_no_later_connection(twins: Twins) {
        let victim = Victim::of(twins).await;
        for wire in WIRES {
            let before = Lender::new(&victim, wire).await;
            let expected = before.ask(&before.b, WATCHED).await.unwrap();
            for (name, value) in DEFAULTS {
                let database: String = victim.attack("select current_database()::text").await.rows()[0].get(0);
                victim.attack(&format!("alter role current_user in database {database} set {name} = '{value}'")).await;
            }
            let after = Lender::new(&victim, wire).await;
            assert_eq!(after.ask(&after.b, WATCHED).await.unwrap(), expected, "{wire:?}");
            assert_eq!(after.ask(&after.b, "select text from notes").await.unwrap(), [&*victim.canary], "{wire:?}");
        }
        victim.assert_unharmed().await;
    }
}
