use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tokio::io::copy_bidirectional;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use super::Spliced;

/// The port in the name of the socket's file.
const PORT: u16 = 5432;

/// Carries bytes between a [`Spliced`] and a driver that insists on connecting by itself: the driver connects to a Unix
/// socket in a directory that nobody else may enter, which is gone as soon as it did.
#[derive(Debug)]
pub(crate) struct Relay(JoinHandle<()>);

impl Relay {
    /// Waits for the driver behind the door. Returns how the driver is to connect, and what becomes the relay once it has.
    pub(crate) fn new(mut server: Spliced) -> io::Result<(Door, Self)> {
        let door = Door::new()?;
        let listener = UnixListener::bind(door.directory.join(format!(".s.PGSQL.{PORT}")))?;
        let task = tokio::spawn(async move {
            let carried = async {
                loop {
                    let (mut driver, _) = listener.accept().await?;
                    // Another process of this user can find the directory.
                    if driver.peer_cred()?.pid() != i32::try_from(std::process::id()).ok() {
                        continue;
                    }
                    drop(listener);
                    return copy_bidirectional(&mut driver, &mut server).await;
                }
            };
            if let Err(error) = carried.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a database connection ended");
            }
        });
        Ok((door, Self(task)))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where a driver finds its relay.
#[derive(Debug)]
pub(crate) struct Door {
    directory: PathBuf,
}

impl Door {
    fn new() -> io::Result<Self> {
        let directory = std::env::temp_dir().join(format!("freehold-{:016x}", rand::random::<u64>()));
        DirBuilder::new().mode(0o700).create(&directory)?;
        Ok(Self { directory })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn port(&self) -> u16 {
        PORT
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // What is left of it is an empty directory that nobody uses.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
