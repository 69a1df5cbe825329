//! One dull task per socket: carries bytes to the session and back, and does what it asks.
//!
//! Each wake does everything that can be done and then writes once, acknowledgements and deliveries together. An idle
//! connection holds no buffer: bytes are read into one that the thread owns, and only unfinished packets are kept.

mod input;
mod job;
mod lifecycle;
mod output;
mod publications;
mod timer;
mod walk;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use godwit_hub::{Attachment, CloseReason};
use godwit_registry::Device;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::door::Door;
use crate::session::{End, Request, Session};
use crate::threads;
use job::{Done, Job};
use output::Output;
use publications::Publications;
use timer::Timer;
use walk::Walk;

/// Bytes that wait for the socket, above which no packet is read and no delivery made.
const OUTGOING_BYTES_MAX: usize = 64 * 1024;

/// Rounds of one wake, so that one busy socket does not keep its thread.
const ROUNDS_MAX: usize = 8;

/// Serves one client until its session ends and its last bytes are written. `since` is when it came: its time to
/// say CONNECT runs from there.
pub(crate) async fn serve<S>(door: Arc<Door>, stream: S, (transport, since): (&'static str, u64))
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let gauge = metrics::gauge!("mqtt_connections", "transport" => transport);
    gauge.increment(1.0);
    let mut connection = Connection::new(door, stream, since);
    let end = std::future::poll_fn(|cx| connection.poll(cx)).await;
    gauge.decrement(1.0);
    metrics::counter!("mqtt_disconnects_total", "reason" => end.label()).increment(1);
}

struct Connection<S> {
    door: Arc<Door>,
    /// The door's time when this wake began its round.
    now: u64,
    stream: S,
    session: Session,
    /// Bytes read and not yet taken by the session.
    unread: Vec<u8>,
    output: Output,
    /// Who the client is, once it was let in.
    member: Option<Member>,
    /// Whether its mailbox was never looked into, and so does not know whom to wake.
    just_entered: bool,
    /// What must be done before the next packet is taken.
    job: Option<Job>,
    publications: Publications,
    /// When the session ends because a publication could not be stored.
    gives_up_at: Option<u64>,
    walk: Walk,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Whether the door knows whom to wake when it closes.
    is_known: bool,
    timer: Timer,
    /// What the archive's writer wakes, once the task has run: the thread is roused for all of a commit together.
    waker: Option<Waker>,
    /// When a client that does not take its last bytes is left; `None` while the session lasts.
    left_at: Option<u64>,
    /// Whether this side of the socket is closed.
    is_hung_up: bool,
}

struct Member {
    device: Arc<Device>,
    attachment: Attachment,
    clean_start: bool,
    /// The highest number earlier connections may have sent.
    sent_before: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    fn new(door: Arc<Door>, stream: S, since: u64) -> Self {
        let session = Session::new(Arc::clone(&door.limits), since);
        let closing = Box::pin(door.closing.clone().cancelled_owned());
        Self {
            door,
            now: since,
            stream,
            session,
            unread: Vec::new(),
            output: Output::default(),
            member: None,
            just_entered: false,
            job: None,
            publications: Publications::default(),
            gives_up_at: None,
            walk: Walk::default(),
            closing,
            is_known: false,
            timer: Timer::default(),
            waker: None,
            left_at: None,
            is_hung_up: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let writers = self.waker.take();
        let writers =
            writers.unwrap_or_else(|| threads::gathered_waker(cx.waker()).unwrap_or_else(|| cx.waker().clone()));
        let outcome = self.poll_rounds(cx, &writers);
        self.waker = Some(writers);
        outcome
    }

    /// `writers` is what the archive's writer wakes.
    fn poll_rounds(&mut self, cx: &mut Context<'_>, writers: &Waker) -> Poll<End> {
        for _ in 0..ROUNDS_MAX {
            self.now = self.door.now();
            self.heed_closing(cx);
            self.empty_mailbox(writers);
            self.poll_timer(cx);
            while self.session.end().is_none() && self.work(cx, writers) {}
            let made_room = self.flush(cx);
            if let Some(end) = self.session.end() {
                return self.part(cx, end);
            }
            let has_mailbox = std::mem::take(&mut self.just_entered);
            if !made_room && !has_mailbox && !self.is_due() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Does what can be done without writing; whether anything was done.
    fn work(&mut self, cx: &mut Context<'_>, writers: &Waker) -> bool {
        let job = self.poll_job(cx);
        let answers = self.poll_publications(&mut Context::from_waker(writers));
        let page = self.poll_page(cx);
        let input = self.poll_input(cx);
        let delivered = self.deliver();
        job || answers || page || input || delivered
    }

    fn heed_closing(&mut self, cx: &mut Context<'_>) {
        if !self.is_known {
            // Once is enough: the task and its waker stay the same, and asking takes a lock that all share.
            self.is_known = true;
            let _ = self.closing.as_mut().poll(cx);
        }
        if self.door.is_closing() && self.session.end().is_none() {
            self.drain();
        }
    }

    fn drain(&mut self) {
        let drain_ms = u64::try_from(self.door.settings.drain_timeout.as_millis()).unwrap_or(u64::MAX);
        self.session.drain(self.now.saturating_add(drain_ms));
    }

    fn empty_mailbox(&mut self, writers: &Waker) {
        let Some(member) = &self.member else { return };
        if !member.attachment.mailbox().has_news() {
            return;
        }
        let mail = member.attachment.mailbox().take(writers);
        for event in mail.events {
            if self.outgoing() < OUTGOING_BYTES_MAX {
                self.session.event(&event);
            } else {
                metrics::counter!("events_dropped_total", "reason" => "slow_client").increment(1);
            }
        }
        self.walk.hints(mail.head, mail.hints, mail.missed);
        match mail.close {
            Some(CloseReason::TakenOver { .. }) => self.session.finish(End::TakenOver),
            Some(CloseReason::Retired) => self.session.finish(End::Retired),
            Some(CloseReason::Shutdown) if self.session.end().is_none() => self.drain(),
            Some(CloseReason::Shutdown) | None => {}
        }
    }

    fn due_at(&self) -> Option<u64> {
        let timeout = self.session.next_timeout();
        let earliest = self.gives_up_at.into_iter().chain(timeout).min();
        self.left_at.or(earliest)
    }

    /// Whether something is due before the timer goes off, or already.
    fn is_due(&self) -> bool {
        self.due_at()
            .is_some_and(|at| self.timer.is_late_for(at) || self.now >= at)
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) {
        while let Some(at) = self.due_at() {
            if !self.timer.poll(cx, &self.door, (self.now, at)) {
                return;
            }
            self.now = self.door.now();
            let now = self.now;
            self.session.tick(now);
            if self.gives_up_at.take_if(|at| now >= *at).is_some() {
                self.session.finish(End::Failed);
            }
            if self.left_at.is_some_and(|at| now >= at) {
                return;
            }
        }
    }

    /// Waits for `job` before the next packet is taken.
    fn wait_for(&mut self, job: Job) {
        self.job = Some(job);
        self.session.hold(self.now, true);
    }

    fn poll_job(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(job) = &mut self.job else { return false };
        let Poll::Ready(done) = job.as_mut().poll(cx) else {
            return false;
        };
        self.job = None;
        self.session.hold(self.now, self.gives_up_at.is_some());
        match done {
            Done::Entered(outcome) => self.enter(outcome),
            Done::Submitted(submitted) => self.submitted(submitted),
            Done::Replied(replied) => self.replied(&replied),
            Done::Subscribed {
                change,
                state,
                before,
                outcome,
            } => {
                if outcome.is_err()
                    && let Some(member) = &self.member
                {
                    self.door.hub.take_back(member.device.no, state, before);
                }
                self.subscribed(change, state.cursor, outcome);
            }
        }
        true
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    fn perform(&mut self, cx: &mut Context<'_>, request: &Request<'_>) {
        match request {
            Request::Authenticate(credentials) => self.wait_for(job::authenticate(&self.door, credentials)),
            Request::Publish(publication) => self.publish(cx, publication),
            Request::Refused(refusal) => publications::count(refusal.code()),
            Request::Subscribe(change) => self.subscribe(*change),
            Request::Delivered { seq } => self.walk.acknowledged(*seq),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        // With the buffers it does not hold while idle, this is what 100,000 phones cost.
        let bytes = size_of::<Connection<tokio::net::TcpStream>>();
        assert!(bytes <= 1_024, "{bytes} bytes");
    }
}
