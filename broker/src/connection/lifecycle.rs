//! Coming, subscribing and leaving: where the session meets what is stored of the device.

use std::sync::Arc;
use std::task::{Context, Poll};

use godwit_hub::{CloseReason, DeviceState, SessionState};
use godwit_model::Refusal;
use godwit_registry::Device;
use tokio::io::{AsyncRead, AsyncWrite};

use super::publications::Publications;
use super::{Connection, Member, job};
use crate::codec::QoS;
use crate::session::{Admission, ConnectRefusal, End, Persistence, SubscriptionChange, Subscriptions};
use crate::wills::{self, Will};

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// The credentials were checked: the client is let in, or told why not.
    pub(super) fn enter(&mut self, outcome: Result<Member, ConnectRefusal>) {
        let now = self.now;
        match outcome {
            Err(refusal) => self.session.authenticated(now, Err(refusal)),
            Ok(mut member) => {
                let stored = self.stored(&member.device);
                let sent_before = self.door.unconfirmed.take(member.device.no);
                // A session that starts clean sends nothing a second time.
                member.sent_before = if member.clean_start { 0 } else { sent_before };
                let sent_before = member.sent_before;
                self.settle_will(&member);
                self.member = Some(member);
                self.just_entered = true;
                self.session.authenticated(now, Ok(Admission { stored, sent_before }));
                self.save_beginning();
                self.walk_from(None);
            }
        }
    }

    /// The will of an earlier connection that waited for the device to come back: not wanted any more, unless a clean
    /// start ends the session it belongs to (OASIS MQTT 5.0, 3.1.3.2.2).
    fn settle_will(&self, member: &Member) {
        let Some(will) = self.door.wills.take(member.device.no) else {
            return;
        };
        if member.clean_start {
            will.publish(&self.door);
        } else {
            wills::count("cancelled");
        }
    }

    /// The subscriptions of a stored session that is still alive.
    fn stored(&self, device: &Device) -> Option<Subscriptions> {
        let session = self.door.hub.device(device.no)?.session?;
        let subscriptions = Subscriptions::from_bits(session.subscriptions);
        let kept = Persistence {
            subscriptions,
            expiry_s: session.expiry_s,
        };
        kept.is_alive(session.ended_at_ms, self.door.dispatcher.now_ms())
            .then_some(subscriptions)
    }

    /// What is to be stored of the session now, with these subscriptions.
    fn session_state(&self, subscriptions: Subscriptions, ended_at_ms: u64) -> Option<SessionState> {
        self.session.persistence().map(|kept| SessionState {
            subscriptions: subscriptions.bits(),
            expiry_s: kept.expiry_s,
            ended_at_ms,
        })
    }

    /// Stores that the session lasts, when something else is stored. Need not be waited for: what the client relies
    /// on, its subscriptions, is stored when it asks for them.
    fn save_beginning(&self) {
        let Some(Member { device, .. }) = &self.member else {
            return;
        };
        let session = self.session_state(self.session.subscriptions(), 0);
        let stored = self.door.hub.device(device.no);
        if stored.is_some_and(|stored| stored.session == session) {
            return;
        }
        let account = device.account.no;
        let first = || self.door.hub.first_cursor(account, device.first_of_account);
        let cursor = stored.map_or_else(first, |stored| stored.cursor);
        self.save(
            device,
            DeviceState {
                account,
                cursor,
                session,
            },
        );
    }

    fn save(&self, device: &Device, state: DeviceState) {
        match self.door.hub.save_session(device.no, state) {
            Ok(saved) => drop(saved),
            Err(error) => tracing::warn!(%error, device = %device.no, "a session could not be stored"),
        }
    }

    /// Begins to store subscriptions; the packet is answered when that is done.
    pub(super) fn subscribe(&mut self, change: SubscriptionChange) {
        let Some(Member { device, .. }) = &self.member else {
            return;
        };
        let (hub, account) = (&self.door.hub, device.account.no);
        let stored = hub.device(device.no);
        let cursor = match (change.starts_at_head, stored) {
            (true, _) => hub.head(account),
            (false, Some(stored)) => self.walk.cursor().unwrap_or(stored.cursor),
            (false, None) => hub.first_cursor(account, device.first_of_account),
        };
        let session = self.session_state(change.subscriptions, 0);
        let state = DeviceState {
            account,
            cursor,
            session,
        };
        if stored == Some(state) {
            self.subscribed(change, cursor, Ok(()));
            return;
        }
        match hub.save_session(device.no, state) {
            Ok(saved) => self.wait_for(job::subscribed(saved, change, state)),
            Err(error) => {
                tracing::warn!(%error, "subscriptions could not be stored");
                self.subscribed(change, cursor, Err(job::of_save(&error)));
            }
        }
    }

    /// The subscriptions are stored, or not.
    pub(super) fn subscribed(&mut self, change: SubscriptionChange, cursor: u64, outcome: Result<(), Refusal>) {
        self.session.subscribed(self.now, outcome);
        if outcome.is_ok() {
            self.walk_from(change.starts_at_head.then_some(cursor));
        }
    }

    /// Brings the walk in line with the subscriptions. A walk that goes on is left alone, unless it is to start anew.
    fn walk_from(&mut self, start: Option<u64>) {
        let Some(Member { device, attachment, .. }) = &self.member else {
            return;
        };
        let (hub, account) = (&self.door.hub, device.account.no);
        let mailbox = attachment.mailbox();
        match self.session.subscriptions().inbox() {
            None => {
                mailbox.listen(false);
                self.walk.stop();
            }
            Some(QoS::AtMostOnce) if self.walk.watches() => {}
            Some(QoS::AtMostOnce) => {
                mailbox.listen(true);
                self.walk.watch();
            }
            Some(_) if self.walk.follows() && start.is_none() => {}
            Some(_) => {
                // First listen, then look how far the inbox reaches: nothing can come in between unnoticed.
                mailbox.listen(true);
                let known = || hub.device(device.no).map(|stored| stored.cursor);
                let cursor = start.or_else(known).unwrap_or_else(|| hub.head(account));
                self.walk.follow(cursor, hub.head(account), self.session.window());
            }
        }
    }

    /// Parts with the client: leaves the house at once, and the socket when the last bytes are taken.
    pub(super) fn part(&mut self, cx: &mut Context<'_>, end: End) -> Poll<End> {
        if self.left_at.is_none() {
            let farewell_ms = u64::try_from(self.door.settings.farewell_timeout.as_millis()).unwrap_or(u64::MAX);
            self.left_at = Some(self.now.saturating_add(farewell_ms));
            self.leave(end);
            self.poll_timer(cx);
        }
        if self.left_at.is_some_and(|at| self.now >= at) {
            return Poll::Ready(end);
        }
        self.hang_up(cx, end).map(|()| end)
    }

    /// Stores what outlives the connection, and frees what does not.
    fn leave(&mut self, end: End) {
        self.walk.note_cursor(&self.door, self.member.as_ref());
        // Answers of the platform find nobody any more.
        self.job = None;
        self.publications = Publications::default();
        self.unread = Vec::new();
        if let Some(member) = self.member.take() {
            self.note_unconfirmed(&member);
            self.leave_will(&member, end);
            // However this one ended: once a newer session is there, what is stored belongs to it.
            let closed = member.attachment.mailbox().closed();
            if !matches!(closed, Some(CloseReason::TakenOver { .. } | CloseReason::Retired)) {
                self.save_end(&member.device, end);
            }
            // Last: a newer session waits for it.
            drop(member);
        }
        self.walk.stop();
    }

    /// So that the next connection marks what it sends again, also when this one sent nothing of it.
    fn note_unconfirmed(&self, member: &Member) {
        let device = member.device.no;
        let sent = self.walk.sent().max(member.sent_before);
        let cursor = self.door.hub.device(device).map_or(0, |stored| stored.cursor);
        if sent > cursor {
            self.door.unconfirmed.note(device, sent);
        }
    }

    /// Publishes the will, now or after its delay. A server that stops does not make clients vanish, and a retired
    /// device has nothing to say.
    fn leave_will(&mut self, member: &Member, end: End) {
        let Some((words, delay_s)) = self.session.take_will() else {
            return;
        };
        if matches!(end, End::ShuttingDown | End::Retired) {
            wills::count("cancelled");
            return;
        }
        let device = &member.device;
        let will = Will {
            device: Arc::clone(device),
            words,
        };
        if delay_s == 0 {
            will.publish(&self.door);
            return;
        }
        will.publish_after(&self.door, delay_s);
        // Looked at afterwards: a newer session that came before did not find the will, one that comes later does.
        if let Some(CloseReason::TakenOver { clean_start }) = member.attachment.mailbox().closed()
            && let Some(will) = self.door.wills.take(device.no)
        {
            if clean_start {
                will.publish(&self.door);
            } else {
                wills::count("cancelled");
            }
        }
    }

    fn save_end(&self, device: &Device, end: End) {
        if end == End::Retired {
            return;
        }
        let Some(stored) = self.door.hub.device(device.no) else {
            return;
        };
        let mut session = self.session_state(self.session.subscriptions(), self.door.dispatcher.now_ms());
        if let Some(session) = session.as_mut().filter(|session| session.expiry_s == u32::MAX) {
            // When it ended matters to nobody, which spares a record for every goodbye.
            session.ended_at_ms = 0;
        }
        if session != stored.session {
            let cursor = self.walk.cursor().unwrap_or(stored.cursor).max(stored.cursor);
            self.save(
                device,
                DeviceState {
                    account: stored.account,
                    cursor,
                    session,
                },
            );
        }
    }
}
