//! What a connection pooler between applications and PostgreSQL does to what a session holds.

use freehold::login::Login;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::{Diagnosis, Report};
use crate::ControlError;

const SUBJECT: &str = "the pooler";
/// What Freehold does about what most poolers do.
const NAMED: &str =
    "name it with `freehold cluster pooler`: each transaction then cleans its backend, and sets what it needs";
/// How often a backend is asked for before it counts as out of reach.
const TRIES: usize = 50;

/// Something a session can hold: how it is left, and whether it is there.
struct Trace {
    name: &'static str,
    leave: &'static str,
    is_there: &'static str,
}

const TRACES: &[Trace] = &[
    Trace {
        name: "a setting of an application's own, such as app.tenant_id",
        leave: "select set_config('freehold_doctor.left', 'by one', false)",
        is_there: "select coalesce(current_setting('freehold_doctor.left', true), '') <> ''",
    },
    Trace {
        name: "search_path",
        leave: "set search_path = freehold_doctor_left",
        is_there: "select current_setting('search_path') like '%freehold_doctor_left%'",
    },
    Trace {
        name: "row_security",
        leave: "set row_security = off",
        is_there: "select current_setting('row_security') = 'off'",
    },
    Trace {
        name: "TimeZone",
        leave: "set TimeZone = 'Pacific/Kiritimati'",
        is_there: "select current_setting('TimeZone') = 'Pacific/Kiritimati'",
    },
    Trace {
        name: "a prepared statement",
        leave: "prepare freehold_doctor_left as select 1",
        is_there: "select exists (select from pg_prepared_statements where name = 'freehold_doctor_left')",
    },
    Trace {
        name: "an advisory lock",
        leave: "select pg_advisory_lock(7331, 1337)",
        is_there: "select exists (select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())",
    },
    Trace {
        name: "a channel that is listened to",
        leave: "listen freehold_doctor_left",
        is_there: "select exists (select from pg_listening_channels())",
    },
];

/// How backends are given to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pooling {
    /// For as long as the client stays.
    Session,
    /// For a transaction.
    Transaction,
    /// For a statement: there are no transactions.
    Statement,
}

/// Brings two clients onto one backend through a pooler, and sees what one leaves for the other. `pooler` is the address and
/// the login that an application uses; it needs no rights.
///
/// What it sets and locks, it sets and locks under names of its own, and takes away.
pub async fn examine_pooler(pooler: &Login) -> Vec<Diagnosis> {
    let mut report = Report::default();
    if let Err(error) = examine(pooler, &mut report).await {
        report.failed(SUBJECT, &error);
    }
    report.0
}

async fn examine(pooler: &Login, report: &mut Report) -> Result<(), ControlError> {
    examine_start(pooler, report).await;
    let pooling = examine_pooling(pooler, report).await?;
    if pooling == Pooling::Statement {
        return Ok(());
    }
    examine_local(pooler, pooling, report).await?;
    examine_traces(pooler, pooling, report).await?;
    if pooling == Pooling::Transaction {
        examine_kept_statements(pooler, report).await?;
    }
    Ok(())
}

/// Settings that matter for safety come with the start-up packet, where nothing can change them.
async fn examine_start(pooler: &Login, report: &mut Report) {
    let mut config = pooler.config().clone();
    config.options("-c search_path=pg_catalog -c row_security=on");
    let client = match super::connect(&Login::new(config).trusting(pooler.roots().clone())).await {
        Ok(client) => client,
        Err(error) => {
            let finding = format!("it lets no settings through that connections start with: {}", error.full_text());
            return report.warn(SUBJECT, finding, NAMED);
        }
    };
    match ask(&client, "select current_setting('search_path')").await {
        Ok(path) if path == "pg_catalog" => report.good(SUBJECT, "settings that connections start with arrive"),
        Ok(path) => {
            let finding =
                format!("settings that connections start with are dropped: search_path is {path}, not pg_catalog");
            report.warn(SUBJECT, finding, NAMED);
        }
        Err(error) => report.failed(SUBJECT, &error),
    }
}

async fn examine_pooling(pooler: &Login, report: &mut Report) -> Result<Pooling, ControlError> {
    let (one, other) = (super::connect(pooler).await?, super::connect(pooler).await?);
    if let Err(error) = ask(&one, "begin").await {
        let finding =
            format!("it pools statements, so there are no transactions, and no contexts: {}", error.full_text());
        report.bad(SUBJECT, finding, "pool sessions");
        return Ok(Pooling::Statement);
    }
    ask(&one, "rollback").await?;
    let mut shared = false;
    for _ in 0..TRIES {
        let first = backend(&one).await?;
        shared |= backend(&other).await? == first;
    }
    if !shared {
        report.good(SUBJECT, "it pools sessions: a client has its backend for itself");
        return Ok(Pooling::Session);
    }
    report.warn(
        SUBJECT,
        "it pools transactions: two clients had one backend in turn, so a context must not name its backend",
        NAMED,
    );
    Ok(Pooling::Transaction)
}

/// What is set LOCAL must hold for the transaction, over several messages, and not longer.
async fn examine_local(pooler: &Login, pooling: Pooling, report: &mut Report) -> Result<(), ControlError> {
    let one = super::connect(pooler).await?;
    ask(&one, "begin").await?;
    ask(&one, "select set_config('freehold_doctor.local', 'of one', true)").await?;
    let inside = ask(&one, "select current_setting('freehold_doctor.local')").await?;
    let pid = backend(&one).await?;
    ask(&one, "commit").await?;
    if inside != "of one" {
        report.bad(SUBJECT, "what is set for a transaction does not last for it", "do not use this pooler");
        return Ok(());
    }
    let Some(other) = take_over(pooler, pooling, one, pid).await? else {
        return untested(report, "a transaction's setting");
    };
    let after = ask(&other, "select coalesce(current_setting('freehold_doctor.local', true), '')").await?;
    if after.is_empty() {
        report.good(SUBJECT, "what is set for a transaction lasts for it, and no longer");
    } else {
        report.bad(
            SUBJECT,
            "what is set for a transaction of one client is there for the next",
            "do not use this pooler",
        );
    }
    Ok(())
}

/// What one client leaves on a backend, and the next finds there.
async fn examine_traces(pooler: &Login, pooling: Pooling, report: &mut Report) -> Result<(), ControlError> {
    let mut survived = Vec::new();
    for trace in TRACES {
        let one = super::connect(pooler).await?;
        // In one transaction, so that both are on one backend. What a login may not do, it cannot leave.
        let Ok(pid) = leave(&one, trace).await else { continue };
        let Some(other) = take_over(pooler, pooling, one, pid).await? else {
            untested(report, trace.name)?;
            continue;
        };
        if ask(&other, trace.is_there).await? == "t" {
            survived.push(trace.name);
        }
        clean(&other).await;
    }
    if survived.is_empty() {
        report.good(SUBJECT, "nothing that one client leaves on a backend is there for the next");
        return Ok(());
    }
    let without = match pooling {
        Pooling::Session => "set server_reset_query = DISCARD ALL",
        _ => "set what tells tenants apart with SET LOCAL only, or server_reset_query_always = 1 too",
    };
    report.warn(
        SUBJECT,
        format!("what one client leaves on a backend is there for the next: {}", survived.join(", ")),
        format!("{NAMED}; for an application without Freehold, {without}"),
    );
    Ok(())
}

/// Drivers keep statements prepared under names. A client that comes to another backend must find them there, or its own.
async fn examine_kept_statements(pooler: &Login, report: &mut Report) -> Result<(), ControlError> {
    let failed = ControlError::doing("preparing a statement through the pooler");
    let (one, other) = (super::connect(pooler).await?, super::connect(pooler).await?);
    let kept = one.prepare("select 'of one'::text").await.map_err(&failed)?;
    let pid = backend(&one).await?;
    // The other client holds the backend on which the statement is, so that the first comes to another one.
    ask(&other, "begin").await?;
    if backend(&other).await? != pid {
        ask(&other, "rollback").await?;
        return untested(report, "a driver's prepared statements");
    }
    let answer = one.query_one(&kept, &[]).await;
    ask(&other, "rollback").await?;
    match answer {
        Ok(_) => report.warn(
            SUBJECT,
            "it keeps prepared statements for each client, under names of its own, on backends that clients share: SQL that \
             prepares a statement of such a name answers for another client's",
            "let no tenant's text become SQL behind this pooler",
        ),
        Err(error) if error.code() == Some(&SqlState::INVALID_SQL_STATEMENT_NAME) => report.warn(
            SUBJECT,
            "statements that drivers keep prepared are not there any more in the next transaction",
            "Freehold keeps none behind a pooler that is named; for an application without it, have drivers keep none, or, from \
             PgBouncer 1.21 on, set max_prepared_statements",
        ),
        Err(error) => return Err(failed(error)),
    }
    Ok(())
}

fn untested(report: &mut Report, what: &str) -> Result<(), ControlError> {
    let finding =
        format!("no second client came to the backend of the first, so it is not known what happens to {what}");
    report.warn(SUBJECT, finding, "try again while nobody else uses the pooler");
    Ok(())
}

/// Leaves a trace; returns on which backend.
async fn leave(client: &Client, trace: &Trace) -> Result<String, ControlError> {
    ask(client, "begin").await?;
    let pid = backend(client).await?;
    if let Err(error) = ask(client, trace.leave).await {
        ask(client, "rollback").await?;
        return Err(error);
    }
    ask(client, "commit").await?;
    Ok(pid)
}

/// Another client on the backend that `one` has used. Where backends are given away for sessions, `one` goes.
async fn take_over(pooler: &Login, pooling: Pooling, one: Client, pid: String) -> Result<Option<Client>, ControlError> {
    let _stays = match pooling {
        Pooling::Session => {
            drop(one);
            None
        }
        _ => Some(one),
    };
    for _ in 0..TRIES {
        let other = super::connect(pooler).await?;
        if backend(&other).await? == pid {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

/// Takes away what was left, wherever this client is.
async fn clean(client: &Client) {
    let statements = ["select pg_advisory_unlock_all()", "unlisten *", "deallocate freehold_doctor_left", "reset all"];
    for statement in statements {
        // It may not be there.
        let _ = client.simple_query(statement).await;
    }
}

async fn backend(client: &Client) -> Result<String, ControlError> {
    ask(client, "select pg_backend_pid()").await
}

/// The first value of the answer. By the simple protocol, which prepares nothing.
async fn ask(client: &Client, sql: &str) -> Result<String, ControlError> {
    let answer = client.simple_query(sql).await.map_err(ControlError::doing("asking through the pooler"))?;
    let value = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
        _ => None,
    });
    Ok(value.unwrap_or_default())
}
