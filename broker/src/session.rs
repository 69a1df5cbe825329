//! One connection of a device as a state machine: bytes, answers and time go in, bytes and requests come out.
//!
//! It does no I/O and knows no clock: every time is a monotonic count of milliseconds passed in. Who drives it
//! - feeds what was read to [`Session::receive`] until it takes nothing more, and performs each [`Request`];
//! - answers by [`Session::authenticated`], [`Session::answer`] and [`Session::subscribed`], in any order;
//! - hands inbox entries to [`Session::deliver`] while [`Session::room`] is not 0;
//! - writes [`Session::take_outbox`] to the socket, and closes it once [`Session::end`] tells why;
//! - calls [`Session::tick`] when [`Session::next_timeout`] has come.
//!
//! While [`Session::wants_input`] is false nothing should be read: that is the back-pressure a client of MQTT 3.1.1
//! feels, which cannot be told "no".

mod alias;
mod downlink;
mod end;
mod goodbye;
mod handshake;
mod limits;
mod persistence;
mod request;
mod subscription;
mod topics;
mod uplink;

use std::sync::Arc;

use godwit_model::Refusal;

pub use downlink::{Delivered, Extras};
pub use end::{ConnectRefusal, End};
pub use handshake::{Admission, StoredWill};
pub use limits::Limits;
pub use persistence::Persistence;
pub use request::{Answer, Credentials, Place, Publication, Request, Stored, SubscriptionChange};
pub use subscription::Subscriptions;

use crate::codec::write;
use crate::codec::{self, Acknowledgement, DecodeError, Packet, Version, frame};
use alias::Aliases;
use downlink::Downlink;
use handshake::Greeting;
use subscription::PendingChange;
use topics::Topics;
use uplink::Uplink;

/// The state of one connection.
#[derive(Debug)]
pub struct Session {
    limits: Arc<Limits>,
    phase: Phase,
    version: Version,
    greeting: Option<Box<Greeting>>,
    topics: Topics,
    aliases: Aliases,
    outbox: Vec<u8>,
    uplink: Uplink,
    downlink: Downlink,
    subscriptions: Subscriptions,
    change: Option<Box<PendingChange>>,
    /// A clean start moves the cursor to the head, at the first subscription of QoS 1 to the inbox.
    starts_at_head: bool,
    expiry_s: u32,
    /// What CONNECT asked for.
    asked_expiry_s: u32,
    wants_problem_information: bool,
    will: Option<Box<StoredWill>>,
    /// One and a half keep-alive intervals in milliseconds; 0 is no limit.
    silence_max_ms: u64,
    heard_at: u64,
    /// Whether the driver keeps the client waiting.
    held: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing but a CONNECT may come, before the deadline.
    Connecting {
        deadline: u64,
        /// Whether it will be refused, because the server goes down.
        closing: bool,
    },
    /// The credentials are being checked; nothing is read.
    Authenticating {
        deadline: u64,
    },
    Open,
    /// Going down: nothing is read, pending publications are still answered.
    Draining {
        deadline: u64,
    },
    Ended(End),
}

/// What one call of [`Session::receive`] did.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Bytes taken off the front; 0 means that nothing more can be done with what is there.
    pub consumed: usize,
    /// What the platform has to do.
    pub request: Option<Request<'a>>,
}

impl Session {
    /// A session of a connection accepted at `now`.
    pub fn new(limits: Arc<Limits>, now: u64) -> Self {
        let deadline = now.saturating_add(limits.connect_timeout_ms);
        Self {
            limits,
            phase: Phase::Connecting {
                deadline,
                closing: false,
            },
            version: Version::V311,
            greeting: None,
            topics: Topics::default(),
            aliases: Aliases::default(),
            outbox: Vec::new(),
            uplink: Uplink::default(),
            downlink: Downlink::default(),
            subscriptions: Subscriptions::default(),
            change: None,
            starts_at_head: false,
            expiry_s: 0,
            asked_expiry_s: 0,
            wants_problem_information: true,
            will: None,
            silence_max_ms: 0,
            heard_at: now,
            held: false,
        }
    }

    /// Takes at most one packet off the front of `bytes`.
    pub fn receive<'a>(&mut self, now: u64, bytes: &'a [u8]) -> Step<'a> {
        if !self.wants_input() {
            return Step {
                consumed: 0,
                request: None,
            };
        }
        let split = match frame::split(bytes, self.packet_bytes_max()) {
            Ok(Some(frame)) => frame,
            Ok(None) => {
                return Step {
                    consumed: 0,
                    request: None,
                };
            }
            Err(error) => {
                self.finish(End::Undecodable(error));
                return Step {
                    consumed: bytes.len(),
                    request: None,
                };
            }
        };
        self.heard_at = now;
        let request = match codec::decode(split, self.version) {
            Ok(packet) => self.packet(packet),
            Err(error) => {
                self.undecodable(error);
                None
            }
        };
        Step {
            consumed: split.size,
            request,
        }
    }

    /// Whether bytes of the client are welcome now.
    pub fn wants_input(&self) -> bool {
        !self.held && self.has_room_for_input()
    }

    fn has_room_for_input(&self) -> bool {
        match self.phase {
            Phase::Connecting { .. } => true,
            Phase::Open => self.change.is_none() && !self.uplink.is_full(self.version, &self.limits),
            Phase::Authenticating { .. } | Phase::Draining { .. } | Phase::Ended(_) => false,
        }
    }

    /// Keeps the client waiting, or lets it go on: nothing is read meanwhile, and its silence is not counted.
    pub fn hold(&mut self, now: u64, held: bool) {
        let was_paused = !self.wants_input();
        self.held = held;
        self.resume(now, was_paused);
    }

    /// Bytes of the largest packet that is welcome now.
    pub fn packet_bytes_max(&self) -> usize {
        match self.phase {
            Phase::Connecting { .. } => self.limits.connect_bytes_max,
            _ => self.limits.packet_bytes_max,
        }
    }

    fn packet<'a>(&mut self, packet: Packet<'a>) -> Option<Request<'a>> {
        match (self.phase, packet) {
            (Phase::Connecting { deadline, closing }, Packet::Connect(connect)) => {
                self.greet(deadline, closing, &connect)
            }
            (Phase::Connecting { .. }, _) => self.broken(DecodeError::Protocol("the first packet must be CONNECT")),
            (_, Packet::Publish(publish)) => self.publish(&publish),
            (_, Packet::PubAck(ack)) => self.delivered(ack),
            (_, Packet::PubRel(release)) => self.release(release),
            (_, Packet::Subscribe(subscribe)) => self.subscribe(&subscribe),
            (_, Packet::Unsubscribe(unsubscribe)) => self.unsubscribe(&unsubscribe),
            (_, Packet::PingReq) => {
                write::pingresp(&mut self.outbox);
                None
            }
            (_, Packet::Disconnect(disconnect)) => self.disconnect(disconnect),
            (_, Packet::Connect(_)) => self.broken(DecodeError::Protocol("a second CONNECT")),
            (_, Packet::PubRec(_) | Packet::PubComp(_)) => {
                self.broken(DecodeError::Protocol("an answer to QoS 2, which is not delivered"))
            }
            (_, Packet::Auth) => self.broken(DecodeError::Protocol("AUTH without a method")),
        }
    }

    fn delivered(&mut self, ack: Acknowledgement) -> Option<Request<'static>> {
        // A refusal of the client ends the delivery as well (OASIS MQTT 5.0, 4.3.2): the cursor moves on.
        let seq = self.downlink.acknowledged(ack.packet_id)?;
        Some(Request::Delivered { seq })
    }

    fn undecodable(&mut self, error: DecodeError) {
        if let (Phase::Connecting { .. }, DecodeError::UnsupportedVersion(level)) = (self.phase, error) {
            self.version = if level > 5 { Version::V5 } else { Version::V311 };
            self.refuse_connect(ConnectRefusal::UnsupportedVersion);
        } else {
            self.finish(End::Undecodable(error));
        }
    }

    /// When [`Session::tick`] is to be called at the latest; `None` is never.
    pub fn next_timeout(&self) -> Option<u64> {
        match self.phase {
            Phase::Connecting { deadline, .. } | Phase::Authenticating { deadline } | Phase::Draining { deadline } => {
                Some(deadline)
            }
            // Who is not read from cannot be blamed for silence.
            Phase::Open if self.silence_max_ms > 0 && self.wants_input() => {
                Some(self.heard_at.saturating_add(self.silence_max_ms))
            }
            Phase::Open | Phase::Ended(_) => None,
        }
    }

    /// Does what the time asks for.
    pub fn tick(&mut self, now: u64) {
        if self.next_timeout().is_none_or(|due| now < due) {
            return;
        }
        match self.phase {
            Phase::Connecting { .. } => self.finish(End::ConnectTimeout),
            Phase::Authenticating { .. } => self.refuse_connect(ConnectRefusal::Unavailable),
            Phase::Open => self.finish(End::KeepAliveTimeout),
            Phase::Draining { .. } => self.finish(End::ShuttingDown),
            Phase::Ended(_) => {}
        }
    }

    /// Says what became of the publication with this ticket. Acknowledgements leave in the order of receipt.
    pub fn answer(&mut self, now: u64, ticket: u64, answer: Answer) {
        let was_paused = !self.wants_input();
        self.uplink.answered(ticket, answer);
        self.acknowledge();
        self.resume(now, was_paused);
    }

    /// The subscriptions asked for last are stored, or why not. Sends SUBACK or UNSUBACK.
    pub fn subscribed(&mut self, now: u64, outcome: Result<(), Refusal>) {
        let was_paused = !self.wants_input();
        self.finish_change(outcome);
        self.resume(now, was_paused);
    }

    fn resume(&mut self, now: u64, was_paused: bool) {
        if was_paused && self.wants_input() {
            self.heard_at = now;
        }
        if matches!(self.phase, Phase::Draining { .. }) && self.uplink.is_empty() {
            self.finish(End::ShuttingDown);
        }
    }

    /// Why the session ended; `None` while it lasts. The outbox is still to be written.
    pub fn end(&self) -> Option<End> {
        match self.phase {
            Phase::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Whether the client was let in and the session lasts.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Draining { .. })
    }

    /// Which specification the client speaks; 3.1.1 until its CONNECT is read.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What is to be written to the socket. The buffer goes to the caller, so that an idle session holds none.
    pub fn take_outbox(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outbox)
    }

    /// Bytes that wait to be written.
    pub fn outbox_bytes(&self) -> usize {
        self.outbox.len()
    }

    /// Publications whose answer is still owed.
    pub fn pending_publications(&self) -> usize {
        self.uplink.len()
    }

    /// What the client may receive.
    pub fn subscriptions(&self) -> Subscriptions {
        self.subscriptions
    }

    /// What is to be stored of the session; `None` when it ends with its connection.
    pub fn persistence(&self) -> Option<Persistence> {
        Persistence::of(self.subscriptions, self.expiry_s)
    }

    /// The will that is due after the end; `None` when the client gave none or left in order.
    pub fn will(&self) -> Option<&StoredWill> {
        self.will.as_deref()
    }

    /// Takes the will, and the seconds after the end of the connection when it is due: at the latest with the end of the
    /// session.
    pub fn take_will(&mut self) -> Option<(Box<StoredWill>, u32)> {
        let will = self.will.take()?;
        let delay_s = will.delay_s.min(self.expiry_s);
        Some((will, delay_s))
    }
}
