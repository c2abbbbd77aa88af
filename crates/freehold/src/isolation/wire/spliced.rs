use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::address::Socket;
use super::state::{State, Verdict};

/// What is collected before it is written, unless the driver flushes earlier; and how much is read at once.
const CHUNK: usize = 16 * 1024;

/// The stream that a driver talks to its server on.
pub(crate) struct Spliced {
    socket: Box<dyn Socket>,
    state: Arc<Mutex<State>>,
    outgoing: BytesMut,
    incoming: BytesMut,
    /// How many bytes of `incoming`, and of what follows, are the driver's.
    granted: usize,
}

impl Spliced {
    pub(super) fn new(socket: Box<dyn Socket>, state: Arc<Mutex<State>>) -> Self {
        Self { socket, state, outgoing: BytesMut::new(), incoming: BytesMut::new(), granted: 0 }
    }

    /// Writes what is collected. A flush may have to follow: TLS keeps back what the network does not take.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(Pin::new(&mut self.socket).poll_write(context, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Hands over what was read and is the driver's, and takes out what is not.
    fn deliver(&mut self, out: &mut ReadBuf<'_>) -> io::Result<()> {
        let mut state = self.state.lock();
        loop {
            while let Some(header) = self.incoming.get(self.granted..self.granted + 5) {
                // What may have to be taken out must be in front.
                if self.granted > 0 && state.may_take(header[0]) {
                    break;
                }
                let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize + 1;
                let body = self.incoming.get(self.granted + 5..self.granted + length);
                match state.receive(header[0], body)? {
                    Verdict::Deliver => self.granted += length,
                    Verdict::Take => self.incoming.advance(length),
                    Verdict::Wait => break,
                }
            }
            let count = self.granted.min(self.incoming.len()).min(out.remaining());
            if count == 0 {
                return Ok(());
            }
            out.put_slice(&self.incoming[..count]);
            self.incoming.advance(count);
            self.granted -= count;
        }
    }
}

impl AsyncRead for Spliced {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.state.lock().send_alone(&mut this.outgoing, context.waker());
        if let Poll::Ready(Err(error)) = Pin::new(&mut *this).poll_flush(context) {
            return Poll::Ready(Err(error));
        }
        let before = out.filled().len();
        loop {
            this.deliver(out)?;
            if out.filled().len() > before || out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            this.incoming.reserve(CHUNK);
            if ready!(poll_read_buf(Pin::new(&mut this.socket), context, &mut this.incoming))? == 0 {
                this.state.lock().close();
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Spliced {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.outgoing.len() >= CHUNK {
            ready!(this.poll_drain(context))?;
        }
        this.state.lock().transmit(bytes, &mut this.outgoing)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(context))?;
        Pin::new(&mut this.socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(context))?;
        Pin::new(&mut this.socket).poll_shutdown(context)
    }
}

impl Drop for Spliced {
    fn drop(&mut self) {
        self.state.lock().close();
    }
}
