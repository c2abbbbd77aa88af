//! A network that is slower than this machine: a proxy that holds every byte for half of the added round-trip time.
//!
//! The delay is constant, so what came first is due first: one thread sleeps until the head of one queue is due. It is a
//! thread of its own because tokio's timers count whole milliseconds.

use std::path::{Path, PathBuf};
use std::sync::mpsc as thread_channel;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc;

type Writer = mpsc::UnboundedSender<Vec<u8>>;

/// Bytes that are on their way.
struct InFlight {
    due: Instant,
    bytes: Vec<u8>,
    to: Writer,
}

/// Listens on a port of 127.0.0.1 and forwards to the server's Unix socket. Ends with the process.
pub(crate) async fn delayed(socket: &Path, round_trip: Duration) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let (line, arrivals) = thread_channel::channel::<InFlight>();
    std::thread::Builder::new().name("network".to_owned()).spawn(move || carry(&arrivals))?;
    let socket = socket.to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(connect(client, socket.clone(), line.clone(), round_trip / 2));
        }
    });
    Ok(port)
}

fn carry(arrivals: &thread_channel::Receiver<InFlight>) {
    // A sleep otherwise ends up to 50 us late. Without the right to change that the delay is longer by as much.
    let _ = nix::sys::prctl::set_timerslack(1);
    for InFlight { due, bytes, to } in arrivals {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // Nobody reads any more: the connection was closed.
        let _ = to.send(bytes);
    }
}

async fn connect(client: TcpStream, socket: PathBuf, line: thread_channel::Sender<InFlight>, delay: Duration) {
    let Ok(server) = UnixStream::connect(&socket).await else { return };
    if client.set_nodelay(true).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        direction(from_client, to_server, line.clone(), delay),
        direction(from_server, to_client, line, delay)
    );
}

async fn direction(
    mut from: impl AsyncReadExt + Unpin,
    mut into: impl AsyncWriteExt + Unpin,
    line: thread_channel::Sender<InFlight>,
    delay: Duration,
) {
    let (to, mut arrived) = mpsc::unbounded_channel::<Vec<u8>>();
    let send = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let in_flight = InFlight { due: Instant::now() + delay, bytes: buffer[..length].to_vec(), to: to.clone() };
            if line.send(in_flight).is_err() {
                return;
            }
        }
    };
    let receive = async move {
        while let Some(bytes) = arrived.recv().await {
            if into.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // The other side has closed; so does this one.
        let _ = into.shutdown().await;
    };
    tokio::join!(send, receive);
}
