//! Deliveries to the client: a window of unacknowledged inbox entries whose packet ids follow from their numbers.

use std::collections::VecDeque;

use godwit_protocol::Channel;

use crate::codec::QoS;
use crate::codec::write::{Delivery, DeliveryProperties};
use crate::session::alias::InboxAlias;
use crate::session::{Phase, Session};

/// What is on its way to the client. Holds numbers, never bytes: a resend reads the archive.
#[derive(Debug)]
pub(super) struct Downlink {
    /// Numbers sent and not acknowledged, ascending.
    in_flight: VecDeque<u64>,
    window: usize,
    /// Bytes of the largest packet the client takes.
    packet_bytes_max: usize,
    /// What stands for the inbox topic.
    inbox_alias: InboxAlias,
    /// The highest number that was sent, by this connection or maybe by an earlier one.
    sent_before: u64,
}

/// What the client takes, and what it may have got before.
#[derive(Clone, Copy)]
pub(super) struct Client {
    pub(super) window: u16,
    pub(super) packet_bytes_max: Option<u32>,
    pub(super) inbox_alias: InboxAlias,
    pub(super) sent_before: u64,
}

impl Default for Downlink {
    fn default() -> Self {
        Self {
            in_flight: VecDeque::new(),
            window: 0,
            packet_bytes_max: usize::MAX,
            inbox_alias: InboxAlias::default(),
            sent_before: 0,
        }
    }
}

/// What an MQTT 5 client gets beside the payload of an inbox entry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras<'a> {
    /// Seconds after which the message is no longer wanted.
    pub message_expiry_s: Option<u32>,
    /// The user properties of the message: name and value, each at most 65,535 bytes without U+0000. Left out where the
    /// client's Maximum Packet Size leaves no room for them.
    pub user_properties: &'a [(String, String)],
}

/// What became of an inbox entry handed to [`Session::deliver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// QoS 1: on its way; [`super::Request::Delivered`] will follow.
    Sent,
    /// QoS 0: on its way, and that is all that will be known.
    Forgotten,
    /// Larger than the client takes: nothing was sent. The caller delivers a notice under the same number instead.
    TooLarge,
    /// The window is full, or the session not open or not subscribed: the caller offers it again later.
    NotNow,
}

impl Downlink {
    pub(super) fn open(&mut self, client: Client) {
        self.window = usize::from(client.window);
        self.packet_bytes_max_is(client.packet_bytes_max);
        self.inbox_alias = client.inbox_alias;
        self.sent_before = client.sent_before;
    }

    /// Notes the bytes of the largest packet the client takes.
    pub(super) fn packet_bytes_max_is(&mut self, max: Option<u32>) {
        self.packet_bytes_max = max.and_then(|max| usize::try_from(max).ok()).unwrap_or(usize::MAX);
    }

    pub(super) fn packet_bytes_max(&self) -> usize {
        self.packet_bytes_max
    }

    pub(super) fn fits(&self, packet_bytes: usize) -> bool {
        packet_bytes <= self.packet_bytes_max
    }

    /// Takes the number behind a packet id off the window; `None` for one that is not in flight.
    pub(super) fn acknowledged(&mut self, id: u16) -> Option<u64> {
        // Clients acknowledge in order, so it is nearly always the first.
        let at = self.in_flight.iter().position(|&seq| packet_id(seq) == id)?;
        let seq = self.in_flight.remove(at);
        if self.in_flight.is_empty() {
            self.in_flight = VecDeque::new();
        }
        seq
    }

    fn sent(&mut self, seq: u64) {
        // After an UNSUBSCRIBE and a SUBSCRIBE an entry may be sent that is in flight already.
        if seq > self.sent_before || !self.in_flight.contains(&seq) {
            self.in_flight.push_back(seq);
        }
        self.sent_before = self.sent_before.max(seq);
    }

    fn has_room_for(&self, seq: u64) -> bool {
        // Ids repeat after 65,535 numbers: an entry that old must be acknowledged before its id is used again.
        let id_is_free = self
            .in_flight
            .front()
            .is_none_or(|&oldest| seq.saturating_sub(oldest) < PACKET_IDS);
        id_is_free && self.in_flight.len() < self.window
    }
}

const PACKET_IDS: u64 = u16::MAX as u64;

/// The packet id of an inbox entry, so that a resend has the same one after a restart: `(seq − 1) mod 65535 + 1`.
pub(super) fn packet_id(seq: u64) -> u16 {
    u16::try_from(seq.wrapping_sub(1) % PACKET_IDS + 1).unwrap_or(u16::MAX)
}

impl Session {
    /// Inbox entries that may be in flight at once; at least 1 once the session is open.
    pub fn window(&self) -> u16 {
        u16::try_from(self.downlink.window).unwrap_or(u16::MAX)
    }

    /// Inbox entries that may be sent now. 0 while the inbox is not subscribed.
    pub fn room(&self) -> usize {
        match (self.phase, self.subscriptions.inbox()) {
            (Phase::Open, Some(QoS::AtMostOnce)) => self.downlink.window,
            (Phase::Open, Some(_)) => self.downlink.window.saturating_sub(self.downlink.in_flight.len()),
            _ => 0,
        }
    }

    /// Sends the inbox entry `seq`, whose payload is the pieces one behind the other. Numbers must ascend.
    pub fn deliver(&mut self, seq: u64, payload: &[&[u8]]) -> Delivered {
        self.deliver_with(seq, payload, Extras::default())
    }

    /// As [`Session::deliver`], with what an MQTT 5 client gets besides.
    pub fn deliver_with(&mut self, seq: u64, payload: &[&[u8]], extras: Extras<'_>) -> Delivered {
        let Some(qos) = self.subscriptions.inbox().filter(|_| self.phase == Phase::Open) else {
            return Delivered::NotNow;
        };
        let acknowledged = match qos {
            QoS::AtMostOnce => None,
            _ if !self.downlink.has_room_for(seq) => return Delivered::NotNow,
            _ => Some((packet_id(seq), seq <= self.downlink.sent_before)),
        };
        let (topic, topic_alias) = self.downlink.inbox_alias.name(self.topics.inbox());
        let delivery = |user| Delivery {
            topic,
            acknowledged,
            payload,
            properties: DeliveryProperties {
                topic_alias,
                message_expiry_s: extras.message_expiry_s,
                correlation_data: None,
                user,
            },
        };
        // The user properties stand in the payload too, so they are the first to go.
        let fitting = [extras.user_properties, &[]]
            .into_iter()
            .map(delivery)
            .find(|delivery| self.downlink.fits(delivery.size(self.version)));
        let Some(delivery) = fitting else {
            return Delivered::TooLarge;
        };
        delivery.put(&mut self.outbox, self.version);
        self.downlink.inbox_alias.sent();
        if acknowledged.is_none() {
            return Delivered::Forgotten;
        }
        self.downlink.sent(seq);
        Delivered::Sent
    }

    /// Sends the reply of a request: to the response topic that came with it, otherwise to the reply topic when that
    /// is subscribed. Whether it was sent.
    pub fn reply(&mut self, response_topic: Option<&str>, correlation_data: Option<&[u8]>, payload: &[u8]) -> bool {
        match response_topic {
            Some(topic) => self.send(topic, correlation_data, payload),
            None if self.subscriptions.reply() => {
                self.send(&self.topics.named(Channel::Reply), correlation_data, payload)
            }
            None => false,
        }
    }

    /// Whether the reply of a request has somewhere to go; if it was not sent, it was too large for the client.
    pub fn expects_reply(&self, response_topic: Option<&str>) -> bool {
        self.is_open() && (response_topic.is_some() || self.subscriptions.reply())
    }

    /// Sends an event when events are subscribed. Whether it was sent.
    pub fn event(&mut self, payload: &[u8]) -> bool {
        self.subscriptions.event() && self.send(&self.topics.named(Channel::Event), None, payload)
    }

    fn send(&mut self, topic: &str, correlation_data: Option<&[u8]>, payload: &[u8]) -> bool {
        let delivery = Delivery {
            topic,
            acknowledged: None,
            payload: &[payload],
            properties: DeliveryProperties {
                correlation_data,
                ..DeliveryProperties::default()
            },
        };
        let fits = self.is_open() && self.downlink.fits(delivery.size(self.version));
        if fits {
            delivery.put(&mut self.outbox, self.version);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_ids_run_from_1_to_65535_and_start_over() {
        for (seq, id) in [
            (1, 1),
            (2, 2),
            (65_535, 65_535),
            (65_536, 1),
            (131_071, 1),
            (131_070, 65_535),
        ] {
            assert_eq!(packet_id(seq), id, "{seq}");
        }
    }

    #[test]
    fn an_id_in_use_is_not_given_twice() {
        let mut downlink = Downlink {
            window: 10,
            ..Downlink::default()
        };
        downlink.in_flight.push_back(1);
        assert!(downlink.has_room_for(65_535));
        assert!(!downlink.has_room_for(65_536));
        assert_eq!(downlink.acknowledged(2), None);
        assert_eq!(downlink.acknowledged(1), Some(1));
        assert!(downlink.has_room_for(65_536));
    }
}
