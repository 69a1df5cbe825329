//! Publications of the client: a bounded queue in receive order, and the packet ids of QoS 2.

use std::collections::VecDeque;

use godwit_model::Refusal;

use crate::codec::write::{AcknowledgementKind, Outcome};
use crate::codec::{Acknowledgement, Publish, QoS, Reason, Version, write};
use crate::session::{Answer, End, Limits, Place, Publication, Request, Session, Stored};

/// What is owed to the client for what it published.
#[derive(Debug, Default)]
pub(super) struct Uplink {
    pending: VecDeque<Pending>,
    /// The ticket of the first one pending.
    first_ticket: u64,
    /// How many of them count against the receive maximum.
    counted: usize,
    /// QoS 2 ids that were stored and wait for their PUBREL.
    unreleased: Vec<u16>,
}

#[derive(Debug)]
struct Pending {
    packet_id: u16,
    qos: QoS,
    /// Whether its id is already unreleased: a publication that came twice.
    repeats: bool,
    answer: Option<Answer>,
}

impl Uplink {
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether nothing more may be taken. MQTT 5 clients keep the announced bound themselves, so only QoS 0 can fill
    /// the second half.
    pub(super) fn is_full(&self, version: Version, limits: &Limits) -> bool {
        let places = usize::from(limits.publications_max);
        self.pending.len() >= if version == Version::V5 { places * 2 } else { places }
    }

    fn in_flight(&self) -> usize {
        self.counted + self.unreleased.len()
    }

    fn push(&mut self, publish: &Publish<'_>, answer: Option<Answer>) -> u64 {
        let repeats = self.is_unreleased(publish);
        self.counted += usize::from(publish.qos != QoS::AtMostOnce && !repeats);
        self.pending.push_back(Pending {
            packet_id: publish.packet_id,
            qos: publish.qos,
            repeats,
            answer,
        });
        self.first_ticket + self.pending.len() as u64 - 1
    }

    fn is_unreleased(&self, publish: &Publish<'_>) -> bool {
        publish.qos == QoS::ExactlyOnce && self.unreleased.contains(&publish.packet_id)
    }

    fn is_pending(&self, publish: &Publish<'_>) -> bool {
        publish.qos == QoS::ExactlyOnce
            && self
                .pending
                .iter()
                .any(|p| p.qos == QoS::ExactlyOnce && p.packet_id == publish.packet_id)
    }

    /// Notes an answer; the first one for a ticket counts, unknown tickets are ignored.
    pub(super) fn answered(&mut self, ticket: u64, answer: Answer) {
        let place = ticket
            .checked_sub(self.first_ticket)
            .and_then(|at| usize::try_from(at).ok());
        if let Some(pending) = place.and_then(|at| self.pending.get_mut(at)) {
            pending.answer.get_or_insert(answer);
        }
    }

    /// Takes the first publication off the queue when it is answered.
    fn pop(&mut self) -> Option<(Pending, Answer)> {
        let answer = self.pending.front_mut()?.answer.take()?;
        let pending = self.pending.pop_front()?;
        self.first_ticket += 1;
        self.counted -= usize::from(pending.qos != QoS::AtMostOnce && !pending.repeats);
        if self.pending.is_empty() {
            self.pending = VecDeque::new();
        }
        Some((pending, answer))
    }

    fn release(&mut self, packet_id: u16) -> bool {
        let place = self.unreleased.iter().position(|&id| id == packet_id);
        if let Some(at) = place {
            self.unreleased.remove(at);
        }
        place.is_some()
    }
}

impl Session {
    pub(super) fn publish<'a>(&mut self, publish: &Publish<'a>) -> Option<Request<'a>> {
        if publish.retain && self.version == Version::V5 {
            self.finish(End::RetainNotSupported);
            return None;
        }
        // Before everything else: whatever becomes of the publication, its alias stands for its topic from now on.
        let place = match self.aliases.place(&self.topics, publish) {
            Ok(place) => place,
            Err(error) => return self.broken(error),
        };
        if self.uplink.is_pending(publish) {
            // Its first copy will be answered, which answers this one too.
            return None;
        }
        if self.uplink.is_unreleased(publish) {
            self.uplink.push(publish, Some(Answer::Accepted));
            self.acknowledge();
            return None;
        }
        if publish.qos != QoS::AtMostOnce && self.uplink.in_flight() >= self.in_flight_max() {
            self.finish(End::ReceiveMaximumExceeded);
            return None;
        }
        let objection = objection(place, publish);
        if let (Version::V5, Some(refusal)) = (self.version, objection) {
            self.uplink.push(publish, Some(Answer::Refused(refusal.into())));
            self.acknowledge();
            return Some(Request::Refused(refusal));
        }
        let ticket = self.uplink.push(publish, None);
        Some(Request::Publish(self.publication(ticket, place, objection, publish)))
    }

    fn publication<'a>(
        &self,
        ticket: u64,
        place: Place,
        objection: Option<Refusal>,
        publish: &Publish<'a>,
    ) -> Publication<'a> {
        Publication {
            ticket,
            place,
            payload: publish.payload,
            qos: publish.qos,
            version: self.version,
            objection,
            response_topic: publish.properties.response_topic,
            correlation_data: publish.properties.correlation_data,
            message_expiry_s: publish.properties.message_expiry_s,
            user_properties: publish.properties.user_properties,
        }
    }

    /// What a client may have unacknowledged. On 3.1.1 the queue's own bound stops the reading, so only QoS 2 ids that
    /// are never released can reach this.
    fn in_flight_max(&self) -> usize {
        let places = usize::from(self.limits.publications_max);
        match self.version {
            Version::V5 => places,
            Version::V311 => places + self.limits.unreleased_max,
        }
    }

    pub(super) fn release<'a>(&mut self, release: Acknowledgement) -> Option<Request<'a>> {
        let known = self.uplink.release(release.packet_id);
        let reason = if known {
            Reason::SUCCESS
        } else {
            Reason::PACKET_IDENTIFIER_NOT_FOUND
        };
        let kind = AcknowledgementKind::PubComp;
        let text = if known {
            ""
        } else {
            "no such packet id waits for its PUBREL"
        };
        let outcome = self.tellable(Outcome {
            text,
            ..Outcome::of(reason)
        });
        write::acknowledgement(&mut self.outbox, self.version, kind, release.packet_id, &outcome);
        None
    }

    /// Acknowledges what is answered, from the front of the queue, as far as there is no hole.
    pub(super) fn acknowledge(&mut self) {
        while let Some((pending, answer)) = self.uplink.pop() {
            if !self.is_open() {
                continue;
            }
            let refused = matches!(answer, Answer::Refused(_)) && self.version == Version::V5;
            if pending.qos == QoS::ExactlyOnce && !refused && !pending.repeats {
                self.uplink.unreleased.push(pending.packet_id);
            }
            self.acknowledge_one(&pending, &answer);
        }
    }

    fn acknowledge_one(&mut self, pending: &Pending, answer: &Answer) {
        let kind = match pending.qos {
            QoS::AtMostOnce => return,
            QoS::AtLeastOnce => AcknowledgementKind::PubAck,
            QoS::ExactlyOnce => AcknowledgementKind::PubRec,
        };
        let place;
        let outcome = match answer {
            Answer::Accepted => Outcome::of(Reason::SUCCESS),
            Answer::Stored(stored) => {
                place = stored.properties();
                self.tellable(Outcome {
                    properties: &place,
                    ..Outcome::of(Reason::SUCCESS)
                })
            }
            Answer::Refused(refused) => self.tellable(Outcome {
                code: refused.refusal.code(),
                text: &refused.detail,
                ..Outcome::of(Reason(refused.refusal.mqtt_reason()).for_publication())
            }),
        };
        write::acknowledgement(&mut self.outbox, self.version, kind, pending.packet_id, &outcome);
    }

    /// As much of it as the client wants and can take. The text is for people and goes first; programs need the code.
    fn tellable<'t>(&self, outcome: Outcome<'t>) -> Outcome<'t> {
        let bare = Outcome::of(outcome.reason);
        if !self.wants_problem_information {
            return bare;
        }
        let without_text = Outcome { text: "", ..outcome };
        [outcome, without_text]
            .into_iter()
            .find(|outcome| self.downlink.fits(outcome.size()))
            .unwrap_or(bare)
    }
}

impl Stored {
    /// As user properties, under the names an inbox entry has for them.
    fn properties(&self) -> Vec<u8> {
        let mut block = write::UserPropertyBlock::default();
        block.put("seq", itoa::Buffer::new().format(self.seq));
        block.put("serverId", &self.server_id.to_string());
        block.put("serverTime", itoa::Buffer::new().format(self.server_time_ms));
        if let Some((conversation, conv_seq)) = self.conversation {
            block.put("conv", &conversation.to_string());
            block.put("convSeq", itoa::Buffer::new().format(conv_seq));
        }
        block.0
    }
}

fn objection(place: Place, publish: &Publish<'_>) -> Option<Refusal> {
    if place == Place::Elsewhere {
        Some(Refusal::TopicForbidden)
    } else if publish.retain {
        Some(Refusal::Unsupported)
    } else {
        None
    }
}
