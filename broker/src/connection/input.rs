//! From the socket to the session.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Connection, OUTGOING_BYTES_MAX};
use crate::session::End;

/// Bytes one read takes at most.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    /// Where a thread reads to: connections are polled one after the other, so one buffer serves them all.
    static READ_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Takes packets that were read, then reads once; whether anything was taken or read.
    pub(super) fn poll_input(&mut self, cx: &mut Context<'_>) -> bool {
        let took = self.take_unread(cx);
        if !self.wants_input() {
            return took;
        }
        READ_BUFFER.with_borrow_mut(|buffer| self.read(cx, buffer)) || took
    }

    fn wants_input(&self) -> bool {
        self.session.wants_input() && self.outgoing() < OUTGOING_BYTES_MAX
    }

    fn read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> bool {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
            Poll::Ready(Ok(()) | Err(_)) => {
                self.session.finish(End::Lost);
                return true;
            }
        }
        if self.unread.is_empty() {
            let consumed = self.take_packets(cx, buffer.filled());
            self.unread
                .extend_from_slice(buffer.filled().get(consumed..).unwrap_or_default());
        } else {
            self.unread.extend_from_slice(buffer.filled());
            self.take_unread(cx);
        }
        true
    }

    /// Reads over what the client sends until it closes.
    pub(super) fn discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            loop {
                let mut buffer = ReadBuf::new(buffer);
                let outcome = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
                if outcome.is_err() || buffer.filled().is_empty() {
                    return Poll::Ready(());
                }
            }
        })
    }

    fn take_unread(&mut self, cx: &mut Context<'_>) -> bool {
        if self.unread.is_empty() || !self.wants_input() {
            return false;
        }
        let bytes = std::mem::take(&mut self.unread);
        let consumed = self.take_packets(cx, &bytes);
        if consumed == 0 {
            self.unread = bytes;
        } else {
            // What is left is usually nothing: the buffer goes, and an idle connection holds none.
            self.unread.extend_from_slice(bytes.get(consumed..).unwrap_or_default());
        }
        consumed > 0
    }

    /// Feeds whole packets to the session as long as it takes them; how many bytes it took.
    fn take_packets(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> usize {
        let mut consumed = 0;
        while self.wants_input() {
            let now = self.now;
            let step = self.session.receive(now, bytes.get(consumed..).unwrap_or_default());
            if step.consumed == 0 {
                break;
            }
            consumed += step.consumed;
            if let Some(request) = &step.request {
                self.perform(cx, request);
            }
        }
        consumed
    }
}
