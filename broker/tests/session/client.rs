//! A session, and a client that talks to it without a socket.

use std::sync::Arc;

use godwit_broker::codec::Version;
use godwit_broker::session::{Admission, Answer, Limits, Place, Request, Session, SubscriptionChange, Subscriptions};
use godwit_model::Refusal;

pub(crate) use crate::packets::{Connect, Seen};
use crate::packets::{see, subscribe};

/// A request, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Authenticate {
        account: String,
        token: String,
        device: String,
        clean_start: bool,
    },
    Publish {
        ticket: u64,
        place: Place,
        payload: Vec<u8>,
        objection: Option<Refusal>,
        response_topic: Option<String>,
    },
    Refused(Refusal),
    Subscribe(SubscriptionChange),
    Delivered(u64),
}

/// Both sides of one connection.
pub(crate) struct Pair {
    pub(crate) session: Session,
    pub(crate) version: Version,
    pub(crate) now: u64,
    /// Sent by the client, not yet taken by the session.
    unread: Vec<u8>,
}

impl Pair {
    pub(crate) fn new(version: Version, limits: Limits) -> Self {
        let session = Session::new(Arc::new(limits), 0);
        Self {
            session,
            version,
            now: 0,
            unread: Vec::new(),
        }
    }

    /// A session that was let in and has no subscriptions.
    pub(crate) fn open(version: Version) -> Self {
        Self::open_with(version, Limits::default(), &Connect::default())
    }

    pub(crate) fn open_with(version: Version, limits: Limits, connect: &Connect) -> Self {
        let mut pair = Self::new(version, limits);
        pair.send(&connect.bytes(version));
        pair.session.authenticated(pair.now, Ok(Admission::default()));
        assert_eq!(
            pair.seen(),
            [Seen::ConnAck {
                present: false,
                code: 0
            }]
        );
        pair
    }

    /// The same with the inbox subscribed.
    pub(crate) fn subscribed(version: Version, limits: Limits, connect: &Connect, qos: u8) -> Self {
        let mut pair = Self::open_with(version, limits, connect);
        pair.send(&subscribe(version, 1, &[("im/ann/inbox", qos)]));
        pair.session.subscribed(pair.now, Ok(()));
        assert_eq!(pair.seen(), [Seen::SubAck(1, vec![qos.min(1)])]);
        pair
    }

    /// The client sends; gives what the session asks of the platform.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Vec<Asked> {
        self.unread.extend_from_slice(bytes);
        self.pump()
    }

    /// Lets the session take what it takes.
    pub(crate) fn pump(&mut self) -> Vec<Asked> {
        let mut asked = Vec::new();
        loop {
            let step = self.session.receive(self.now, &self.unread);
            asked.extend(step.request.as_ref().map(owned));
            if step.consumed == 0 {
                return asked;
            }
            self.unread.drain(..step.consumed);
        }
    }

    pub(crate) fn unread(&self) -> usize {
        self.unread.len()
    }

    pub(crate) fn answer(&mut self, ticket: u64, answer: Answer) {
        self.session.answer(self.now, ticket, answer);
    }

    /// What the client finds on its socket.
    pub(crate) fn seen(&mut self) -> Vec<Seen> {
        let bytes = self.session.take_outbox();
        let mut rest = &bytes[..];
        let mut seen = Vec::new();
        while !rest.is_empty() {
            let (packet, size) = see(rest, self.version);
            seen.push(packet);
            rest = &rest[size..];
        }
        seen
    }
}

fn owned(request: &Request<'_>) -> Asked {
    match *request {
        Request::Authenticate(who) => Asked::Authenticate {
            account: who.account.to_owned(),
            token: who.device_token.to_owned(),
            device: who.device_id.to_owned(),
            clean_start: who.clean_start,
        },
        Request::Publish(ref publication) => Asked::Publish {
            ticket: publication.ticket,
            place: publication.place,
            payload: publication.payload.to_vec(),
            objection: publication.objection,
            response_topic: publication.response_topic.map(str::to_owned),
        },
        Request::Refused(refusal) => Asked::Refused(refusal),
        Request::Subscribe(change) => Asked::Subscribe(change),
        Request::Delivered { seq } => Asked::Delivered(seq),
    }
}

/// Subscriptions with the inbox at QoS 1 and nothing else, as a stored session has them.
pub(crate) fn stored_inbox() -> Subscriptions {
    Pair::subscribed(Version::V311, Limits::default(), &Connect::default(), 1)
        .session
        .subscriptions()
}
