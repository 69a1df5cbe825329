//! From CONNECT to CONNACK.

use godwit_protocol::Channel;

use crate::codec::write::{self, Announcement, Farewell};
use crate::codec::{Connect, Reason, Version, Will};
use crate::session::alias::{ALIASES_MAX, InboxAlias};
use crate::session::downlink::Client;
use crate::session::topics::Topics;
use crate::session::{ConnectRefusal, Credentials, End, Phase, Place, Request, Session, Subscriptions};

/// What a CONNECT asked for, kept until the credentials are checked.
#[derive(Debug)]
pub(super) struct Greeting {
    clean_start: bool,
    asked_keep_alive_s: u16,
    asked_expiry_s: u32,
    receive_maximum: Option<u16>,
    packet_bytes_max: Option<u32>,
    topic_alias_maximum: u16,
    wants_response_information: bool,
}

/// What the platform knows of a client it lets in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// The subscriptions of a stored session that has not expired; `None` when there is none. A clean start drops them.
    pub stored: Option<Subscriptions>,
    /// The highest inbox number an earlier connection may have sent; deliveries up to it are marked as duplicates.
    /// 0 when that is not known.
    pub sent_before: u64,
}

/// A will that outlives the packet it came in: a draft to the account's outbox. Its QoS does not matter, since there is
/// nobody left to acknowledge it to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWill {
    /// Any bytes.
    pub payload: Box<[u8]>,
    /// Seconds to wait after the connection ended.
    pub delay_s: u32,
    /// Seconds after its publication when it is no longer wanted.
    pub message_expiry_s: Option<u32>,
    /// The block its user properties stand in.
    pub properties: Box<[u8]>,
}

impl From<Will<'_>> for StoredWill {
    fn from(will: Will<'_>) -> Self {
        Self {
            payload: will.payload.into(),
            delay_s: will.delay_s,
            message_expiry_s: will.message_expiry_s,
            properties: will.user_properties.block().into(),
        }
    }
}

impl Session {
    pub(super) fn greet<'a>(&mut self, deadline: u64, closing: bool, connect: &Connect<'a>) -> Option<Request<'a>> {
        self.version = connect.version;
        self.downlink.packet_bytes_max_is(connect.maximum_packet_size);
        if closing {
            self.refuse_connect(ConnectRefusal::Closing);
            return None;
        }
        let credentials = match credentials(connect) {
            Ok(credentials) => credentials,
            Err(refusal) => {
                self.refuse_connect(refusal);
                return None;
            }
        };
        self.topics = Topics::of(credentials.account);
        self.wants_problem_information = connect.wants_problem_information;
        self.will = connect.will.map(|will| Box::new(will.into()));
        self.greeting = Some(Box::new(Greeting {
            clean_start: connect.clean_start,
            asked_keep_alive_s: connect.keep_alive_s,
            asked_expiry_s: connect.session_expiry_s,
            receive_maximum: connect.receive_maximum,
            packet_bytes_max: connect.maximum_packet_size,
            topic_alias_maximum: connect.topic_alias_maximum,
            wants_response_information: connect.wants_response_information,
        }));
        self.phase = Phase::Authenticating { deadline };
        Some(Request::Authenticate(credentials))
    }

    /// The platform has checked the credentials. Sends CONNACK.
    pub fn authenticated(&mut self, now: u64, outcome: Result<Admission, ConnectRefusal>) {
        let (Phase::Authenticating { .. }, Some(greeting)) = (self.phase, self.greeting.take()) else {
            return;
        };
        match outcome {
            Ok(admission) => self.welcome(now, &greeting, admission),
            Err(refusal) => self.refuse_connect(refusal),
        }
    }

    fn welcome(&mut self, now: u64, greeting: &Greeting, admission: Admission) {
        let stored = admission.stored.filter(|_| !greeting.clean_start);
        self.subscriptions = stored.unwrap_or_default();
        self.starts_at_head = greeting.clean_start;
        self.asked_expiry_s = greeting.asked_expiry_s;
        self.expiry_s = self.granted_expiry_s(greeting);
        let keep_alive_s = self.granted_keep_alive_s(greeting);
        self.silence_max_ms = u64::from(keep_alive_s) * 1_500;
        self.heard_at = now;
        let deliveries_max = self.limits.deliveries_max;
        let window = greeting
            .receive_maximum
            .map_or(deliveries_max, |asked| asked.min(deliveries_max));
        self.downlink.open(Client {
            window,
            packet_bytes_max: greeting.packet_bytes_max,
            inbox_alias: InboxAlias::of(greeting.topic_alias_maximum),
            sent_before: admission.sent_before,
        });
        let reply_topic = greeting
            .wants_response_information
            .then(|| self.topics.named(Channel::Reply));
        let announcement = Announcement {
            session_present: stored.is_some(),
            receive_maximum: self.limits.publications_max,
            maximum_packet_size: u32::try_from(self.limits.packet_bytes_max).unwrap_or(u32::MAX),
            session_expiry_s: changed(greeting.asked_expiry_s, self.expiry_s),
            server_keep_alive_s: changed(greeting.asked_keep_alive_s, keep_alive_s),
            topic_alias_maximum: ALIASES_MAX,
            response_information: reply_topic.as_deref(),
        };
        let mut connack = Vec::new();
        write::connack(&mut connack, self.version, &announcement);
        if !self.downlink.fits(connack.len()) {
            self.refuse_connect(ConnectRefusal::ClientTooSmall);
            return;
        }
        self.outbox.extend_from_slice(&connack);
        self.phase = Phase::Open;
    }

    fn granted_expiry_s(&self, greeting: &Greeting) -> u32 {
        match self.version {
            // The clean flag of 3.1.1 says "never" or "at once"; there is no way to answer with less.
            Version::V311 => greeting.asked_expiry_s,
            Version::V5 => greeting.asked_expiry_s.min(self.limits.session_expiry_max_s),
        }
    }

    fn granted_keep_alive_s(&self, greeting: &Greeting) -> u16 {
        let (asked, max) = (greeting.asked_keep_alive_s, self.limits.keep_alive_max_s);
        match self.version {
            Version::V311 => asked,
            Version::V5 if asked == 0 => max,
            Version::V5 => asked.min(max),
        }
    }

    pub(super) fn refuse_connect(&mut self, refusal: ConnectRefusal) {
        let (reason, code) = refusal.codes();
        let elsewhere = self.limits.server_reference.as_deref();
        let elsewhere = elsewhere.filter(|_| refusal == ConnectRefusal::Closing);
        let farewell = Farewell {
            reason: elsewhere.map_or(reason, |_| Reason::USE_ANOTHER_SERVER),
            text: refusal.text(),
            server_reference: elsewhere.unwrap_or_default(),
        };
        let farewell = farewell.fitting(self.downlink.packet_bytes_max());
        write::connack_refusal(&mut self.outbox, self.version, code, &farewell);
        self.will = None;
        self.phase = Phase::Ended(End::Refused(refusal));
    }
}

fn changed<T: Copy + PartialEq>(asked: T, granted: T) -> Option<T> {
    (asked != granted).then_some(granted)
}

fn credentials<'a>(connect: &Connect<'a>) -> Result<Credentials<'a>, ConnectRefusal> {
    if connect.authentication_method.is_some() {
        return Err(ConnectRefusal::AuthenticationMethod);
    }
    let (Some(account), Some(password)) = (connect.username, connect.password) else {
        return Err(ConnectRefusal::WrongCredentials);
    };
    let device_token = std::str::from_utf8(password).map_err(|_| ConnectRefusal::WrongCredentials)?;
    // Such an account does not exist, and its topics would not be topics.
    if account.is_empty() || account.contains(['/', '+', '#']) {
        return Err(ConnectRefusal::WrongCredentials);
    }
    if connect.client_id.is_empty() {
        return Err(ConnectRefusal::WrongClientId);
    }
    if let Some(will) = &connect.will {
        check_will(account, will)?;
    }
    Ok(Credentials {
        account,
        device_token,
        device_id: connect.client_id,
        clean_start: connect.clean_start,
    })
}

/// A will is a draft like any other, so it goes where drafts go.
fn check_will(account: &str, will: &Will<'_>) -> Result<(), ConnectRefusal> {
    if will.retain {
        Err(ConnectRefusal::RetainedWill)
    } else if Topics::of(account).place(will.topic) != Place::Outbox {
        Err(ConnectRefusal::WillTopic)
    } else {
        Ok(())
    }
}
