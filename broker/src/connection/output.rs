//! From the session to the socket.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, OUTGOING_BYTES_MAX};
use crate::session::End;

/// Bytes on their way to the socket. Empty when nothing waits, and then without a buffer.
#[derive(Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    written: usize,
    /// Whether the stream below may hold written bytes back.
    unflushed: bool,
}

impl Output {
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0 && !self.unflushed
    }

    fn add(&mut self, bytes: Vec<u8>) {
        if self.bytes.is_empty() {
            self.bytes = bytes;
        } else {
            self.bytes.drain(..self.written);
            self.written = 0;
            self.bytes.extend_from_slice(&bytes);
        }
    }

    fn poll_flush<S: AsyncWrite + Unpin>(&mut self, cx: &mut Context<'_>, stream: &mut S) -> Poll<std::io::Result<()>> {
        while let Some(rest) = self.bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut *stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
            self.unflushed = true;
        }
        self.bytes = Vec::new();
        self.written = 0;
        if self.unflushed {
            ready!(Pin::new(stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Bytes that wait for the socket.
    pub(super) fn outgoing(&self) -> usize {
        self.output.len() + self.session.outbox_bytes()
    }

    /// Writes what waits; whether that made room for what was held back.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> bool {
        self.walk.note_cursor(&self.door, self.member.as_ref());
        let was_full = self.outgoing() >= OUTGOING_BYTES_MAX;
        if self.session.outbox_bytes() > 0 {
            self.output.add(self.session.take_outbox());
        }
        if self.output.is_empty() {
            return false;
        }
        match self.output.poll_flush(cx, &mut self.stream) {
            Poll::Pending => was_full && self.outgoing() < OUTGOING_BYTES_MAX,
            Poll::Ready(Ok(())) => was_full,
            Poll::Ready(Err(_)) => {
                // Nobody reads what is left.
                self.output = Output::default();
                self.session.finish(End::Lost);
                drop(self.session.take_outbox());
                false
            }
        }
    }

    /// Ends the socket: all written, this side closed, and what the client still sends read over until it closes too.
    /// Closing with unread bytes would make the system throw away what the client has not received.
    pub(super) fn hang_up(&mut self, cx: &mut Context<'_>, end: End) -> Poll<()> {
        if end == End::Lost {
            // Nobody may be there any more: one attempt.
            let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
            return Poll::Ready(());
        }
        if !self.output.is_empty() {
            return Poll::Pending;
        }
        if !self.is_hung_up {
            let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
            self.is_hung_up = true;
        }
        if end == End::Disconnected {
            Poll::Ready(())
        } else {
            self.discard(cx)
        }
    }
}
