use std::time::Duration;

use tokio_postgres::Client;
use uuid::Uuid;

use super::Operation;
use crate::ControlError;

/// How long a worker that went silent keeps an operation.
const LEASE: Duration = Duration::from_secs(30);
/// How often a failing operation is tried before it is left to a person.
const ATTEMPTS: i32 = 5;

/// Takes the operation that has been due longest and that nobody works on.
pub(crate) async fn take(catalog: &Client, worker: &str, only: Option<Uuid>) -> Result<Option<Operation>, ControlError> {
    let row = catalog
        .query_opt(
            "update catalog.operations set state = 'running', attempts = attempts + 1, lease_owner = $1, \
                    lease_until = now() + make_interval(secs => $2) \
             where id = (select id from catalog.operations \
                         where state in ('pending', 'running') and not_before <= now() \
                           and (lease_until is null or lease_until < now()) and ($3::uuid is null or id = $3) \
                         order by not_before limit 1 for update skip locked) \
             returning id, kind, tenant, parameters, attempts",
            &[&worker, &LEASE.as_secs_f64(), &only],
        )
        .await
        .map_err(ControlError::doing("taking an operation"))?;
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

/// Ends the worker's part: done, to be tried again after a pause, or given up.
pub(crate) async fn release(
    catalog: &Client,
    worker: &str,
    operation: &Operation,
    result: &Result<(), ControlError>,
) -> Result<(), ControlError> {
    let failed = ControlError::doing("ending an operation");
    let error = result.as_ref().err().map(full_text);
    let state = match result {
        Ok(()) => "done",
        Err(_) if operation.attempts >= ATTEMPTS => "failed",
        Err(_) => "pending",
    };
    let pause = f64::from(2_i32.pow(operation.attempts.clamp(0, 8) as u32));
    catalog
        .execute(
            "update catalog.operations set state = $3, last_error = $4, lease_owner = null, lease_until = null, \
                    not_before = case when $3 = 'pending' then now() + make_interval(secs => $5) else not_before end, \
                    finished_at = case when $3 = 'pending' then null else now() end \
             where id = $1 and lease_owner = $2",
            &[&operation.id, &worker, &state, &error, &pause],
        )
        .await
        .map_err(&failed)?;
    Ok(())
}

/// An error with everything that led to it.
fn full_text(error: &ControlError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
