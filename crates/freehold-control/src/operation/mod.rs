//! Operations: recorded lists of steps that go on where they were cut off.
//!
//! A worker takes an operation by a lease and renews it while it works. Every step is idempotent, and is noted when it is
//! done; a worker that takes over skips what is noted. So an operation may be killed anywhere.

mod lease;

use std::fmt::Debug;
use std::future::Future;

use freehold::tenant::TenantId;
use serde_json::Value;
use tokio_postgres::Client;
use uuid::Uuid;

pub(crate) use lease::{release, renew, take};

use crate::ControlError;

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
    /// How often a worker has taken it, this time included.
    pub attempts: i32,
}

/// Runs the steps of one operation.
pub(crate) struct Steps<'a> {
    pub(crate) catalog: &'a Client,
    pub(crate) operation: &'a Operation,
    pub(crate) observer: &'a dyn StepObserver,
}

impl Steps<'_> {
    /// Runs a step, unless it is noted as done. Returns what the step found out, now or then.
    pub(crate) async fn step<F>(&self, name: &'static str, work: impl FnOnce() -> F) -> Result<Value, ControlError>
    where
        F: Future<Output = Result<Value, ControlError>>,
    {
        let failed = ControlError::doing("noting a step");
        let done = self
            .catalog
            .query_opt("select result from catalog.operation_steps where operation = $1 and name = $2", &[&self.operation.id, &name])
            .await
            .map_err(&failed)?;
        if let Some(row) = done {
            return Ok(row.get(0));
        }
        let result = work().await?;
        self.catalog
            .execute(
                "insert into catalog.operation_steps (operation, name, result) values ($1, $2, $3) on conflict do nothing",
                &[&self.operation.id, &name, &result],
            )
            .await
            .map_err(&failed)?;
        tracing::info!(operation.id = %self.operation.id, tenant.id = %self.operation.tenant, step = name, "step done");
        self.observer.step_done(self.operation, name)?;
        Ok(result)
    }
}
