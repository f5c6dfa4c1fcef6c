//! A connection whose other side may be slow, but not for ever.
//!
//! hyper waits for the head of a request with a time limit, and [`super::body`] for its
//! body. Here is the rest: a client that does not take its answer is let go of, and
//! one whose head does not end is told so with 408.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

const TOO_LATE: &[u8] = b"HTTP/1.1 408 Request Timeout\r\n\
    content-type: application/json\r\n\
    content-length: 80\r\n\
    connection: close\r\n\r\n\
    {\"error\":{\"code\":\"slow\",\"message\":\"the request's head did not arrive in time\"}}\n";

/// A TCP connection that ends when nothing can be written to it for a while.
pub(super) struct Patient {
    stream: TcpStream,
    patience: Duration,
    stall: Option<Pin<Box<Sleep>>>,
    /// Bytes have come that nothing was answered to.
    is_asked: bool,
    is_too_late: Arc<AtomicBool>,
}

impl Patient {
    /// The flag, once set, sends 408 when the connection is dropped in the middle of a
    /// request's head.
    pub(super) fn new(stream: TcpStream, patience: Duration) -> (Self, Arc<AtomicBool>) {
        let is_too_late = Arc::new(AtomicBool::new(false));
        let patient = Self {
            stream,
            patience,
            stall: None,
            is_asked: false,
            is_too_late: Arc::clone(&is_too_late),
        };
        (patient, is_too_late)
    }

    fn watch(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stall = None;
            self.is_asked = false;
            return written;
        }
        let patience = self.patience;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stall.as_mut().poll(cx));
        stall.as_mut().reset(Instant::now() + patience);
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        if self.is_asked && self.is_too_late.load(Ordering::Relaxed) {
            // The buffer of a connection that was sent nothing has room for it.
            drop(self.stream.try_write(TOO_LATE));
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.is_asked |= buffer.filled().len() > before;
        read
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
