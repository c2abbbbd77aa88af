//! Operations: recorded lists of steps that go on where they were cut off.
//!
//! A worker takes an operation by a lease and renews it while it works; one tenant's operations run one at a time. Every step is idempotent, and is noted when it is
//! done; a worker that takes over skips what is noted. So an operation may be killed anywhere.

mod lease;
mod worker;

use std::fmt::Debug;
use std::future::Future;

use freehold::tenant::TenantId;
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::ControlError;
pub(crate) use worker::Registrations;

/// Told after each step of an operation. Tests end the work here.
pub trait StepObserver: Debug + Send + Sync {
    /// The step is done and noted.
    ///
    /// # Errors
    ///
    /// An error ends the worker's part as if it had been killed: the operation stays leased, and nothing more is written.
    fn step_done(&self, operation: &Operation, step: &str) -> Result<(), ControlError>;
}

/// Observes nothing.
#[derive(Clone, Copy, Debug)]
pub struct NoObserver;

impl StepObserver for NoObserver {
    fn step_done(&self, _: &Operation, _: &str) -> Result<(), ControlError> {
        Ok(())
    }
}

/// Work on the fleet, as the catalog records it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Operation {
    /// Its identity.
    pub id: Uuid,
    /// What to do: `provision` or `delete`.
    pub kind: String,
    /// Whom it is about.
    pub tenant: TenantId,
    /// What was asked for.
    pub parameters: Value,
    /// How often it was begun, this time included. Going on where a worker died does not count.
    pub attempts: i32,
}

/// Runs the steps of one operation, for as long as the worker has its lease.
pub(crate) struct Steps<'a> {
    pub(crate) catalog: &'a Client,
    pub(crate) operation: &'a Operation,
    pub(crate) worker: &'a str,
    pub(crate) observer: &'a dyn StepObserver,
}

impl Steps<'_> {
    /// Runs a step, unless it is noted as done. Returns what the step found out, now or then.
    pub(crate) async fn step<F>(&self, name: &'static str, work: impl FnOnce() -> F) -> Result<Value, ControlError>
    where
        F: Future<Output = Result<Value, ControlError>>,
    {
        if let Some(result) = self.noted(name).await? {
            return Ok(result);
        }
        let result = work().await?;
        self.note(name, &result).await?;
        tracing::info!(operation.id = %self.operation.id, tenant.id = %self.operation.tenant, step = name, "step done");
        self.observer.step_done(self.operation, name)?;
        Ok(result)
    }

    /// The result of a step that is done. A worker whose operation was cancelled or taken over stops here.
    async fn noted(&self, name: &str) -> Result<Option<Value>, ControlError> {
        let row = self
            .catalog
            .query_opt(
                "select s.result from catalog.operations o \
                 left join catalog.operation_steps s on s.operation = o.id and s.name = $3 \
                 where o.id = $1 and o.lease_owner = $2 and o.state = 'running'",
                &[&self.operation.id, &self.worker, &name],
            )
            .await
            .map_err(ControlError::doing("looking for a step"))?;
        row.map(|row| row.get(0)).ok_or(ControlError::LeaseLost { operation: self.operation.id })
    }

    async fn note(&self, name: &str, result: &Value) -> Result<(), ControlError> {
        let noted = self
            .catalog
            .execute(
                "insert into catalog.operation_steps (operation, name, result) \
                 select id, $3, $4 from catalog.operations where id = $1 and lease_owner = $2 and state = 'running' for update",
                &[&self.operation.id, &self.worker, &name, &result],
            )
            .await
            .map_err(ControlError::doing("noting a step"))?;
        if noted == 1 { Ok(()) } else { Err(ControlError::LeaseLost { operation: self.operation.id }) }
    }
}
