use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Listens for SIGTERM and SIGINT from now on. The future ends with the first of them and tells which it was, by its number.
///
/// # Errors
///
/// When the system refuses to have the signals caught.
pub fn stop_requested() -> io::Result<impl Future<Output = i32> + Send> {
    let (term, int) = (SignalKind::terminate(), SignalKind::interrupt());
    let mut terminate = signal(term)?;
    let mut interrupt = signal(int)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => term.as_raw_value(),
            _ = interrupt.recv() => int.as_raw_value(),
        }
    })
}
