//! Which subscriptions there are: three topics of the own account, and nothing else.

use godwit_model::Refusal;
use godwit_protocol::{Channel, topic};

use crate::codec::{self, QoS, Reason, Subscribe, Unsubscribe, Version, write};
use crate::session::topics::Topics;
use crate::session::{End, Request, Session, SubscriptionChange};

/// What a client may receive, as bits that fit where sessions are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions(u8);

/// One filter that may be subscribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Inbox,
    Reply,
    Event,
    All,
}

const INBOX: u8 = 1;
const INBOX_QOS_1: u8 = 1 << 1;
const REPLY: u8 = 1 << 2;
const EVENT: u8 = 1 << 3;
const ALL: u8 = 1 << 4;
const ALL_QOS_1: u8 = 1 << 5;
const INBOX_NO_LOCAL: u8 = 1 << 6;
const ALL_NO_LOCAL: u8 = 1 << 7;

impl Subscriptions {
    /// From stored bits.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// As stored bits.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The QoS of inbox deliveries; `None` when the inbox is not subscribed. The highest one wins.
    pub fn inbox(self) -> Option<QoS> {
        if self.0 & (INBOX_QOS_1 | ALL_QOS_1) != 0 {
            Some(QoS::AtLeastOnce)
        } else if self.0 & (INBOX | ALL) != 0 {
            Some(QoS::AtMostOnce)
        } else {
            None
        }
    }

    /// Whether what the client itself publishes stays away from it: every filter that covers the inbox says so.
    pub fn no_local(self) -> bool {
        let filters = [(INBOX, INBOX_NO_LOCAL), (ALL, ALL_NO_LOCAL)];
        let says = |(bit, no_local): (u8, u8)| self.0 & bit == 0 || self.0 & no_local != 0;
        self.inbox().is_some() && filters.into_iter().all(says)
    }

    /// Whether replies are subscribed.
    pub fn reply(self) -> bool {
        self.0 & (REPLY | ALL) != 0
    }

    /// Whether events are subscribed.
    pub fn event(self) -> bool {
        self.0 & (EVENT | ALL) != 0
    }

    /// Adds a filter, or replaces its options, and gives the QoS granted.
    fn add(&mut self, filter: Filter, wanted: QoS, no_local: bool) -> QoS {
        let (bit, qos_1) = filter.bits();
        self.0 &= !filter.no_local();
        self.0 |= if no_local { filter.no_local() } else { 0 };
        let granted = if qos_1 == 0 {
            QoS::AtMostOnce
        } else {
            wanted.min(QoS::AtLeastOnce)
        };
        self.0 &= !qos_1;
        self.0 |= bit | if granted == QoS::AtLeastOnce { qos_1 } else { 0 };
        granted
    }

    /// Removes a filter; whether it was there.
    fn remove(&mut self, filter: Filter) -> bool {
        let (bit, qos_1) = filter.bits();
        let was_there = self.0 & bit != 0;
        self.0 &= !(bit | qos_1 | filter.no_local());
        was_there
    }
}

impl Filter {
    /// Its bit, and the one that stands for QoS 1.
    fn bits(self) -> (u8, u8) {
        match self {
            Self::Inbox => (INBOX, INBOX_QOS_1),
            Self::Reply => (REPLY, 0),
            Self::Event => (EVENT, 0),
            Self::All => (ALL, ALL_QOS_1),
        }
    }

    /// The bit that stands for No Local; only what is published can be local.
    fn no_local(self) -> u8 {
        match self {
            Self::Inbox => INBOX_NO_LOCAL,
            Self::All => ALL_NO_LOCAL,
            Self::Reply | Self::Event => 0,
        }
    }

    fn read(topics: &Topics, filter: &str) -> Result<Self, Reason> {
        match topics.filter(filter) {
            Some(topic::Filter::Everything { .. }) => Ok(Self::All),
            Some(topic::Filter::One(topic)) => Self::of(topic.channel).ok_or(Reason::NOT_AUTHORIZED),
            None => Err(Self::refusal(filter)),
        }
    }

    fn of(channel: Channel) -> Option<Self> {
        match channel {
            Channel::Inbox => Some(Self::Inbox),
            Channel::Reply => Some(Self::Reply),
            Channel::Event => Some(Self::Event),
            Channel::Outbox | Channel::Request => None,
        }
    }

    fn refusal(filter: &str) -> Reason {
        if !codec::topic::is_filter(filter) {
            Reason::TOPIC_FILTER_INVALID
        } else if codec::topic::is_shared(filter) {
            Reason::SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        } else if codec::topic::has_wildcard(filter) {
            Reason::WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
        } else {
            Reason::NOT_AUTHORIZED
        }
    }
}

/// A SUBSCRIBE or UNSUBSCRIBE that waits until its outcome is stored.
#[derive(Debug)]
pub(super) struct PendingChange {
    packet_id: u16,
    is_subscribe: bool,
    codes: Vec<Reason>,
    /// Why the first that is a no is one; empty while none is.
    text: &'static str,
    change: SubscriptionChange,
}

impl Session {
    pub(super) fn subscribe(&mut self, subscribe: &Subscribe<'_>) -> Option<Request<'static>> {
        if subscribe.subscription_identifier.is_some() {
            self.finish(End::SubscriptionIdentifier);
            return None;
        }
        let mut after = self.subscriptions;
        let codes = subscribe
            .filters()
            .map(|wanted| match Filter::read(&self.topics, wanted.name) {
                Ok(filter) => Reason(after.add(filter, wanted.qos, wanted.no_local).bits()),
                Err(_) if self.version == Version::V311 => Reason::UNSPECIFIED,
                Err(reason) => reason,
            });
        let codes: Vec<_> = codes.collect();
        let changes = codes.iter().any(|code| !code.is_error());
        self.begin_change(
            PendingChange {
                packet_id: subscribe.packet_id,
                is_subscribe: true,
                text: explain(&codes),
                codes,
                change: self.change_to(after),
            },
            changes,
        )
    }

    pub(super) fn unsubscribe(&mut self, unsubscribe: &Unsubscribe<'_>) -> Option<Request<'static>> {
        let mut after = self.subscriptions;
        let codes = unsubscribe
            .filters()
            .map(|name| match Filter::read(&self.topics, name) {
                Ok(filter) if after.remove(filter) => Reason::SUCCESS,
                _ => Reason::NO_SUBSCRIPTION_EXISTED,
            });
        let codes: Vec<_> = codes.collect();
        let changes = after != self.subscriptions;
        self.begin_change(
            PendingChange {
                packet_id: unsubscribe.packet_id,
                is_subscribe: false,
                text: "",
                codes,
                change: SubscriptionChange {
                    subscriptions: after,
                    starts_at_head: false,
                },
            },
            changes,
        )
    }

    fn change_to(&self, subscriptions: Subscriptions) -> SubscriptionChange {
        let starts_at_head = self.starts_at_head && subscriptions.inbox() == Some(QoS::AtLeastOnce);
        SubscriptionChange {
            subscriptions,
            starts_at_head,
        }
    }

    fn begin_change(&mut self, pending: PendingChange, changes: bool) -> Option<Request<'static>> {
        let change = pending.change;
        self.change = Some(Box::new(pending));
        if changes {
            return Some(Request::Subscribe(change));
        }
        self.finish_change(Ok(()));
        None
    }

    pub(super) fn finish_change(&mut self, outcome: Result<(), Refusal>) {
        let Some(mut pending) = self.change.take() else { return };
        match outcome {
            Ok(()) => {
                self.subscriptions = pending.change.subscriptions;
                self.starts_at_head &= !pending.change.starts_at_head;
            }
            Err(refusal) => pending.refuse(self.version, refusal),
        }
        if !self.is_open() {
            return;
        }
        self.acknowledge_change(&pending);
    }

    fn acknowledge_change(&mut self, pending: &PendingChange) {
        let codes = &pending.codes;
        let fits = |text: &str| self.version == Version::V311 || self.downlink.fits(write::codes_size(codes, text));
        if !fits("") {
            self.finish(End::ClientTooSmall);
            return;
        }
        let wanted = self.wants_problem_information && fits(pending.text);
        let text = if wanted { pending.text } else { "" };
        let acknowledge = if pending.is_subscribe {
            write::suback
        } else {
            write::unsuback
        };
        acknowledge(&mut self.outbox, self.version, pending.packet_id, codes, text);
    }
}

impl PendingChange {
    fn refuse(&mut self, version: Version, refusal: Refusal) {
        let reason = match version {
            Version::V311 => Reason::UNSPECIFIED,
            Version::V5 => Reason(refusal.mqtt_reason()).for_publication(),
        };
        for code in self.codes.iter_mut().filter(|code| !code.is_error()) {
            *code = reason;
        }
        self.text = refusal.text();
    }
}

/// What a client did wrong that asked for something it cannot have.
fn explain(codes: &[Reason]) -> &'static str {
    match codes.iter().find(|code| code.is_error()) {
        None => "",
        Some(&Reason::TOPIC_FILTER_INVALID) => "not a topic filter",
        Some(&Reason::SHARED_SUBSCRIPTIONS_NOT_SUPPORTED) => "there are no shared subscriptions",
        Some(_) => "there are im/{account}/inbox, …/reply, …/event and im/{account}/#, of the own account",
    }
}
