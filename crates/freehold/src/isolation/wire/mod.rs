//! What goes over the socket between a driver and its server: watched, and added to.
//!
//! A driver sends what the scope asks it to, message by message, and waits for the server to be ready each time. What goes
//! around it (rollback, begin, context, commit) is put here into the driver's own messages, before the same Sync (PostgreSQL:
//! "Pipelining" in the chapter on the frontend/backend protocol), and the answers to it are taken out again. So the
//! first statement of a scope costs one round trip where it is kept prepared, whatever the driver.
//!
//! Nothing reaches the server unseen. The tags of completed statements tell whether anything but queries ran, which decides
//! how the connection has to be cleaned. The simple protocol, in whose messages a second statement can hide, is refused to
//! drivers that can do without it.
//!
//! Behind a pooler each transaction may come to another backend. There every opening cleans the backend first, and no statement
//! keeps a name ([`Unnamed`](unnamed::Unnamed)).
//!
//! Two parts: [`Wire`] is held by the scope and says what to do; [`Spliced`] is the stream that the driver reads and writes.

mod address;
mod framing;
mod message;
#[cfg(feature = "sqlx")]
mod relay;
mod script;
mod spliced;
mod state;
mod unnamed;

use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use address::Address;
pub(crate) use message::{Opened, Refusal};
#[cfg(feature = "sqlx")]
pub(crate) use relay::Relay;
pub(crate) use script::Script;
pub(crate) use spliced::Spliced;
use state::State;
pub(crate) use state::{Reply, Transaction};

use super::endpoint::ConnectInfo;
use super::error::Source;
use super::session::Opening;

/// What a scope holds of a connection's socket.
pub(crate) struct Wire {
    state: Arc<Mutex<State>>,
    address: Address,
}

impl Wire {
    /// Connects to a server. The driver's start-up packet is the first thing to be sent.
    ///
    /// A driver that sends Query messages of its own making may do so if that is `simple`, and the session is cleaned the
    /// more thoroughly for it.
    pub(crate) async fn connect(info: &ConnectInfo, simple: bool) -> Result<(Self, Spliced), Source> {
        let address = Address::new(info)?;
        let socket = address.connect().await?;
        let state = Arc::new(Mutex::new(State::new(simple, info.pooled)));
        Ok((Self { state: state.clone(), address }, Spliced::new(socket, state)))
    }

    /// Opens a transaction with the driver's next message.
    pub(crate) fn open(&self, opening: &Opening) {
        self.state.lock().open(opening);
    }

    /// The beginning of a script that opens a transaction.
    pub(crate) fn opening(&self, opening: &Opening) -> Script {
        let mut state = self.state.lock();
        let (ahead, script) = state.opening(opening);
        if let Some(ahead) = ahead {
            state.send(ahead, None);
        }
        script
    }

    /// Runs `script` before the driver's next message.
    pub(crate) fn precede(&self, script: Script) {
        self.state.lock().precede(script);
    }

    /// Commits behind the next statement that the driver executes, if that does not fail.
    #[cfg(feature = "tokio-postgres")]
    pub(crate) fn commit_behind(&self) {
        self.state.lock().commit_behind();
    }

    /// A statement failed, perhaps before it was sent: nothing is committed behind another one in its place, and the state of
    /// the session is no longer vouched for. What was to go before it stays due: without that the next statement would run
    /// in whatever transaction there is.
    #[cfg(feature = "tokio-postgres")]
    pub(crate) fn distrust(&self) {
        self.state.lock().distrust();
    }

    /// Forgets what was to go with the driver's next message, because the session is going to be cleaned.
    pub(crate) fn give_up(&self) {
        self.state.lock().give_up();
    }

    /// Runs `script` by itself, and returns the last row of its answers. The driver must have read all of its own.
    pub(crate) async fn exchange(&self, script: Script) -> Result<Reply, Source> {
        let (sender, receiver) = oneshot::channel();
        self.state.lock().send(script, Some(sender));
        match receiver.await {
            Ok(answer) => answer.map_err(Source::from),
            Err(_) => Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
        }
    }

    /// What the server said when it opened the transaction.
    pub(crate) fn opened(&self) -> Option<Opened> {
        self.state.lock().opened()
    }

    /// Whether a pooler gives each transaction whatever backend it likes.
    pub(crate) fn is_pooled(&self) -> bool {
        self.state.lock().is_pooled()
    }

    /// Whether the transaction ended, behind a pooler: what came next would go to any backend.
    pub(crate) fn has_lost_its_backend(&self) -> bool {
        self.state.lock().has_lost_its_backend()
    }

    /// Leaves the session clean without a word of its own: what is left to do goes out before the next opening, or with
    /// [`tidy_up`](Self::tidy_up). False if more is needed.
    pub(crate) fn leave(&self) -> bool {
        self.state.lock().leave()
    }

    /// Does now what was left to do.
    pub(crate) fn tidy_up(&self) {
        self.state.lock().tidy_up();
    }

    /// The session was cleaned, and proved to be.
    pub(crate) fn cleaned(&self) {
        self.state.lock().cleaned();
    }

    /// Text made at run time is sent. What is prepared behind it may be read otherwise than it is written.
    pub(crate) fn ran_ad_hoc(&self) {
        self.state.lock().ran_ad_hoc();
    }

    /// Whether such text was sent since the session was cleaned, or a setting changed that decides how text is read.
    pub(crate) fn has_run_ad_hoc(&self) -> bool {
        self.state.lock().has_run_ad_hoc()
    }

    /// Whether prepared statements were taken away by a statement of the driver.
    pub(crate) fn has_deallocated(&self) -> bool {
        self.state.lock().has_deallocated()
    }

    /// How many statements of the driver the server has read.
    pub(crate) fn parsed(&self) -> u64 {
        self.state.lock().parsed()
    }

    /// Whether the driver has asked what types there are since this was called last.
    pub(crate) fn take_asked_for_types(&self) -> bool {
        self.state.lock().take_asked_for_types()
    }

    /// How the server stood when it was ready last.
    pub(crate) fn transaction(&self) -> Transaction {
        self.state.lock().transaction()
    }

    /// Whether the server answered everything that it was sent. A driver that is carried by a relay may have sent more.
    #[cfg(feature = "sqlx")]
    pub(crate) fn is_answered(&self) -> bool {
        self.state.lock().is_answered()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.lock().is_closed()
    }

    /// Asks the server to stop the running statement. The connection must be closed after it: the request may arrive late.
    ///
    /// Done when the other side has closed the connection on which it was asked, as libpq waits for that too. PgBouncer 1.18
    /// falls over where it is closed before.
    pub(crate) fn cancel(&self) -> impl Future<Output = ()> + Send + 'static {
        let (request, address) = (self.state.lock().cancel_request(), self.address.clone());
        async move {
            let Some(request) = request else { return };
            let sent = async {
                let mut socket = address.connect().await?;
                socket.write_all(&request).await?;
                socket.flush().await?;
                // The other side has nothing to say, and closes.
                let _ = socket.read_u8().await;
                io::Result::Ok(())
            };
            if let Err(error) = sent.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a statement could not be cancelled");
            }
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("address", &self.address).finish_non_exhaustive()
    }
}
