use std::time::Duration;

use tokio_postgres::Client;
use uuid::Uuid;

use super::Operation;
use crate::ControlError;

/// How long a worker that went silent keeps an operation.
const LEASE: Duration = Duration::from_secs(30);
/// How often an operation that fails for a reason of its own is tried before it is left to a person. A server that is away
/// or full is waited for without end.
const ATTEMPTS: i32 = 5;
/// Pauses double up to two to the power of this, in seconds.
const LONGEST_PAUSE: i32 = 6;

/// Takes the operation that has been due longest and that nobody works on.
///
/// A worker whose operation was cancelled holds its tenant until it has noticed, or its lease ran out. Taking over from a
/// worker that died is no attempt of its own: restarts, however many, must not use up what failures may.
pub(crate) async fn take(
    catalog: &Client,
    worker: &str,
    only: Option<Uuid>,
) -> Result<Option<Operation>, ControlError> {
    let failed = ControlError::doing("taking an operation");
    // Whoever looks while another takes would see the lease of neither: they take turns, each with a look of its own.
    catalog.batch_execute("begin; select pg_advisory_xact_lock(7146013, 2)").await.map_err(&failed)?;
    let row = catalog
        .query_opt(
            "update catalog.operations set state = 'running', attempts = attempts + (state = 'pending')::integer, lease_owner = $1, \
                    lease_until = now() + make_interval(secs => $2) \
             where id = (select o.id from catalog.operations o \
                         where o.state in ('pending', 'running') and o.not_before <= now() and ($3::uuid is null or o.id = $3) \
                           and not exists (select from catalog.operations held \
                                           where held.tenant = o.tenant and held.lease_until >= now()) \
                         order by o.not_before limit 1 for update skip locked) \
             returning id, kind, tenant, parameters, attempts",
            &[&worker, &LEASE.as_secs_f64(), &only],
        )
        .await
        .map_err(&failed)?;
    catalog.batch_execute("commit").await.map_err(&failed)?;
    Ok(row.map(|row| Operation {
        id: row.get(0),
        kind: row.get(1),
        tenant: row.get::<_, Uuid>(2).into(),
        parameters: row.get(3),
        attempts: row.get(4),
    }))
}

/// Keeps the lease for as long as it is polled. Ends when the lease was lost.
pub(crate) async fn renew(catalog: &Client, worker: &str, operation: Uuid) -> ControlError {
    loop {
        tokio::time::sleep(LEASE / 3).await;
        let renewed = catalog
            .execute(
                "update catalog.operations set lease_until = now() + make_interval(secs => $3) \
                 where id = $1 and lease_owner = $2 and state = 'running'",
                &[&operation, &worker, &LEASE.as_secs_f64()],
            )
            .await;
        match renewed {
            Ok(1) => {}
            Ok(_) => return ControlError::LeaseLost { operation },
            Err(source) => return ControlError::Database { doing: "renewing a lease", source },
        }
    }
}

/// Makes an operation due now that failed or waits to be tried again, because somebody asks for it.
pub(crate) async fn retry(catalog: &Client, operation: Uuid) -> Result<(), ControlError> {
    catalog
        .execute(
            "update catalog.operations set state = 'pending', attempts = 0, last_error = null, finished_at = null, \
                    not_before = least(not_before, now()) \
             where id = $1 and state in ('pending', 'failed')",
            &[&operation],
        )
        .await
        .map(drop)
        .map_err(ControlError::doing("retrying an operation"))
}

/// Lets go of an operation that was cancelled under the worker, so that whatever comes next for the tenant may begin.
pub(crate) async fn let_go(catalog: &Client, worker: &str, operation: Uuid) -> Result<(), ControlError> {
    catalog
        .execute(
            "update catalog.operations set lease_owner = null, lease_until = null \
             where id = $1 and lease_owner = $2 and state = 'cancelled'",
            &[&operation, &worker],
        )
        .await
        .map(drop)
        .map_err(ControlError::doing("letting an operation go"))
}

/// Ends the worker's part: done, to be tried again after a pause, or given up.
pub(crate) async fn release(
    catalog: &Client,
    worker: &str,
    operation: &Operation,
    result: &Result<(), ControlError>,
) -> Result<(), ControlError> {
    let failed = ControlError::doing("ending an operation");
    let error = result.as_ref().err().map(ControlError::full_text);
    let state = match result {
        Ok(()) => "done",
        Err(error) if operation.attempts >= ATTEMPTS && !error.is_passing() => "failed",
        Err(_) => "pending",
    };
    let pause = f64::from(2_i32.pow(operation.attempts.clamp(0, LONGEST_PAUSE) as u32));
    catalog
        .execute(
            "update catalog.operations set state = $3, last_error = $4, lease_owner = null, lease_until = null, \
                    not_before = case when $3 = 'pending' then now() + make_interval(secs => $5) else not_before end, \
                    finished_at = case when $3 = 'pending' then null else now() end \
             where id = $1 and lease_owner = $2 and state = 'running'",
            &[&operation.id, &worker, &state, &error, &pause],
        )
        .await
        .map_err(&failed)?;
    Ok(())
}
