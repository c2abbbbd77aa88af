use std::num::NonZeroUsize;
use std::pin::pin;

use freehold_control::ControlPlane;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use uuid::Uuid;

/// Runs operations on the fleet as they become due: what applications ask for, and what has to wait for its day.
///
/// Any number of workers, in any number of processes, may serve one deployment; the catalog hands each operation to one
/// of them. A worker that is killed leaves its operation to the others.
///
/// ```no_run
/// # async fn example(control: freehold_control::ControlPlane) -> std::io::Result<()> {
/// use freehold_server::{Worker, stop_requested};
///
/// let stop = stop_requested()?;
/// Worker::new(control).run(stop).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Worker {
    control: ControlPlane,
    tasks: NonZeroUsize,
}

impl Worker {
    /// A worker that runs one operation at a time.
    pub fn new(control: ControlPlane) -> Self {
        Self { control, tasks: NonZeroUsize::MIN }
    }

    /// How many operations it runs at a time.
    #[must_use]
    pub fn tasks(mut self, tasks: NonZeroUsize) -> Self {
        self.tasks = tasks;
        self
    }

    /// Works until `stop` is done. Operations that are running then are finished first.
    pub async fn run<T>(&self, stop: impl Future<Output = T>) {
        let (stopping, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tracing::info!(tasks = self.tasks, "the worker works");
        let mut stop = pin!(stop);
        loop {
            while tasks.len() < self.tasks.get() {
                tasks.spawn(task(self.control.clone(), stopped.clone()));
            }
            tokio::select! {
                _ = &mut stop => break,
                // It panicked. Whoever works next takes over the operation it had.
                Some(ended) = tasks.join_next() => tell(ended),
            }
        }
        stopping.send_replace(true);
        while let Some(ended) = tasks.join_next().await {
            tell(ended);
        }
        tracing::info!("the worker stopped");
    }
}

fn tell(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(error = &error as &dyn std::error::Error, "a task of the worker ended");
    }
}

async fn task(control: ControlPlane, mut stopped: watch::Receiver<bool>) {
    let name = format!("worker {} {}", std::process::id(), Uuid::new_v4().simple());
    let stop = async move {
        // An error means that the worker itself is gone, which ends its tasks too.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    control.work(&name, stop).await;
}
