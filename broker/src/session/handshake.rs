//! From CONNECT to CONNACK.

use crate::codec::write::{self, Announcement};
use crate::codec::{Connect, QoS, Version, Will};
use crate::session::topics::Topics;
use crate::session::{ConnectRefusal, Credentials, End, Phase, Request, Session, Subscriptions};

/// What a CONNECT asked for, kept until the credentials are checked.
#[derive(Debug)]
pub(super) struct Greeting {
    clean_start: bool,
    asked_keep_alive_s: u16,
    asked_expiry_s: u32,
    receive_maximum: Option<u16>,
    packet_bytes_max: Option<u32>,
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

/// A will that outlives the packet it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWill {
    /// A topic name.
    pub topic: Box<str>,
    /// Any bytes.
    pub payload: Box<[u8]>,
    /// How surely it is to be published.
    pub qos: QoS,
    /// Seconds to wait after the connection ended.
    pub delay_s: u32,
}

impl From<Will<'_>> for StoredWill {
    fn from(will: Will<'_>) -> Self {
        Self {
            topic: will.topic.into(),
            payload: will.payload.into(),
            qos: will.qos,
            delay_s: will.delay_s,
        }
    }
}

impl Session {
    pub(super) fn greet<'a>(&mut self, deadline: u64, connect: &Connect<'a>) -> Option<Request<'a>> {
        self.version = connect.version;
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
        self.expiry_s = self.granted_expiry_s(greeting);
        let keep_alive_s = self.granted_keep_alive_s(greeting);
        self.silence_max_ms = u64::from(keep_alive_s) * 1_500;
        self.heard_at = now;
        let deliveries_max = self.limits.deliveries_max;
        let window = greeting
            .receive_maximum
            .map_or(deliveries_max, |asked| asked.min(deliveries_max));
        self.downlink
            .open(window, greeting.packet_bytes_max, admission.sent_before);
        let announcement = Announcement {
            session_present: stored.is_some(),
            receive_maximum: self.limits.publications_max,
            maximum_packet_size: u32::try_from(self.limits.packet_bytes_max).unwrap_or(u32::MAX),
            session_expiry_s: changed(greeting.asked_expiry_s, self.expiry_s),
            server_keep_alive_s: changed(greeting.asked_keep_alive_s, keep_alive_s),
        };
        write::connack(&mut self.outbox, self.version, &announcement);
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
        write::connack_refusal(&mut self.outbox, self.version, refusal.codes(), refusal.text());
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
    if connect.version == Version::V5 && connect.will.is_some_and(|will| will.retain) {
        return Err(ConnectRefusal::RetainedWill);
    }
    Ok(Credentials {
        account,
        device_token,
        device_id: connect.client_id,
        clean_start: connect.clean_start,
    })
}
