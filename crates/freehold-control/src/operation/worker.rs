use std::error::Error;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client};
use uuid::Uuid;

use super::lease::{let_go, release, renew, retry, take};
use super::{NoObserver, StepObserver, Steps};
use crate::metrics::{OPERATION_DURATION, OPERATIONS, kind_label};
use crate::{ControlError, ControlPlane, delete, provision};

/// How often operations are looked for when no notification arrives.
const LOOK: Duration = Duration::from_secs(1);

impl ControlPlane {
    /// Runs operations as they become due, until `stop` is done. What is running then is finished first.
    ///
    /// Never ends because of a passing failure: the catalog being away is logged, and tried again.
    ///
    /// Beside that it takes back what tenants' SQL set for its own login ([`clean_logins`](Self::clean_logins)), and ends guests
    /// whose command is gone ([`end_left_over_guests`](Self::end_left_over_guests)).
    pub async fn work(&self, worker: &str, stop: impl Future<Output = ()> + Send) {
        tokio::select! {
            () = self.operate(worker, stop) => {}
            () = self.keep_logins_clean() => {}
        }
    }

    async fn operate(&self, worker: &str, stop: impl Future<Output = ()> + Send) {
        let mut stop = pin!(stop);
        let mut bell = None;
        loop {
            let rest = match self.run_next(worker, &mut bell).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn Error, "the worker cannot reach the catalog");
                    bell = None;
                    LOOK
                }
            };
            let woken = async {
                match &mut bell {
                    Some(bell) => bell.rung().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                _ = tokio::time::timeout(rest, woken) => {}
            }
        }
    }

    /// Listens first and looks then, so that nothing comes in between unheard.
    async fn run_next(&self, worker: &str, bell: &mut Option<Bell>) -> Result<bool, ControlError> {
        if bell.as_ref().is_none_or(Bell::is_dead) {
            *bell = Some(Bell::hang(self).await?);
        }
        self.run_one(worker, None, &NoObserver).await
    }

    /// Whether this process is a worker that the catalog knows of, and the catalog answers.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be reached, or is of another version.
    pub async fn is_registered(&self) -> Result<bool, ControlError> {
        self.catalog().await?;
        Ok(self.registrations().load(Ordering::Acquire) > 0)
    }

    /// Takes one operation that is due and runs it. `false`: nothing was due.
    ///
    /// # Errors
    ///
    /// When the catalog cannot be reached. An operation that fails is no error here: it is recorded, and tried again.
    pub async fn run_one(
        &self,
        worker: &str,
        only: Option<Uuid>,
        observer: &dyn StepObserver,
    ) -> Result<bool, ControlError> {
        let catalog = self.catalog().await?;
        let Some(operation) = take(&catalog, worker, only).await? else { return Ok(false) };
        let steps = Steps { catalog: &catalog, operation: &operation, worker, observer };
        let began = Instant::now();
        let result = tokio::select! {
            result = self.run(&steps) => result,
            lost = renew(&catalog, worker, operation.id) => Err(lost),
        };
        count(&operation.kind, &result, began.elapsed());
        match &result {
            Err(ControlError::LeaseLost { .. }) => {
                let_go(&catalog, worker, operation.id).await?;
                return Ok(true);
            }
            Err(error) => {
                tracing::warn!(operation.id = %operation.id, error = error as &dyn Error, "an operation failed")
            }
            Ok(()) => {
                tracing::info!(operation.id = %operation.id, operation.kind, tenant.id = %operation.tenant, "operation done")
            }
        }
        release(&catalog, worker, &operation, &result).await?;
        Ok(true)
    }

    /// Runs an operation here and now, though it failed before, or waits for the worker that has it.
    pub(crate) async fn finish(&self, operation: Uuid) -> Result<(), ControlError> {
        let catalog = self.catalog().await?;
        retry(&catalog, operation).await?;
        let worker = format!("inline {}", Uuid::new_v4());
        loop {
            self.run_one(&worker, Some(operation), &NoObserver).await?;
            let row = catalog
                .query_one("select state, last_error from catalog.operations where id = $1", &[&operation])
                .await
                .map_err(ControlError::doing("waiting for an operation"))?;
            match (row.get(0), row.get::<_, Option<String>>(1)) {
                ("done", _) => return Ok(()),
                ("running", _) | ("pending", None) => tokio::time::sleep(Duration::from_millis(50)).await,
                (state, reason) => {
                    return Err(ControlError::Operation {
                        operation,
                        reason: reason.unwrap_or_else(|| format!("it is {state}")),
                    });
                }
            }
        }
    }

    async fn run(&self, steps: &Steps<'_>) -> Result<(), ControlError> {
        match steps.operation.kind.as_str() {
            "provision" => provision::provision(self, steps).await,
            "delete" => delete::delete(self, steps).await,
            other => Err(ControlError::Catalog(format!("unknown kind of operation: {other}"))),
        }
    }
}

fn count(kind: &str, result: &Result<(), ControlError>, time: Duration) {
    let kind = kind_label(kind);
    let result = match result {
        Ok(()) => "done",
        Err(ControlError::LeaseLost { .. }) => "lost",
        Err(_) => "failed",
    };
    counter!(OPERATIONS, "kind" => kind, "result" => result).increment(1);
    histogram!(OPERATION_DURATION, "kind" => kind).record(time);
}

/// What `catalog.has_worker` looks for.
const PRESENT: &str = "select pg_advisory_lock_shared(7146013, 1)";

/// A connection on which the catalog says that there is work, and by which it knows that there is a worker.
struct Bell {
    _client: Client,
    rings: mpsc::UnboundedReceiver<()>,
    _registered: Registered,
}

/// How many bells of a control plane hang.
pub(crate) type Registrations = Arc<AtomicUsize>;

/// A bell hangs, for as long as this lives.
struct Registered(Registrations);

impl Registered {
    fn note(registrations: &Registrations) -> Self {
        registrations.fetch_add(1, Ordering::AcqRel);
        Self(registrations.clone())
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Bell {
    async fn hang(control: &ControlPlane) -> Result<Self, ControlError> {
        let failed = ControlError::doing("listening for operations");
        let (client, mut connection) = control.catalog_login().connect().await.map_err(&failed)?;
        let (ring, rings) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(_) = message
                    && ring.send(()).is_err()
                {
                    return;
                }
            }
        });
        client.batch_execute(PRESENT).await.map_err(&failed)?;
        client.batch_execute("listen freehold_operation").await.map_err(&failed)?;
        Ok(Self { _client: client, rings, _registered: Registered::note(control.registrations()) })
    }

    /// Waits for a ring, and takes all that came; ends at once when there is nobody to ring any more.
    async fn rung(&mut self) {
        let _ = self.rings.recv().await;
        while self.rings.try_recv().is_ok() {}
    }

    fn is_dead(&self) -> bool {
        self.rings.is_closed()
    }
}
