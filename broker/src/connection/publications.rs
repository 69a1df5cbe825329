//! What the client published, on its way through the dispatcher, strictly in order.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use godwit_dispatcher::{Appending, Sender};
use godwit_model::refusal::Remedy;
use godwit_model::{Refusal, Refused};
use godwit_protocol::envelope;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Connection;
use super::job::{self, Replied, Submitted};
use crate::codec::Version;
use crate::paper::Paper;
use crate::session::{Answer, End, Place, Publication, Stored};

/// Publications that wait for the disk. The archive commits in order, so only the first one is looked at.
#[derive(Default)]
pub(super) struct Publications(VecDeque<OnItsWay>);

impl Publications {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Milliseconds a 3.1.1 client is kept when its publication could not be stored, before its session ends.
const GIVE_UP_PAUSE_MS: u64 = 5_000;

struct OnItsWay {
    ticket: u64,
    /// On 3.1.1, where a late refusal becomes an inbox entry that names the draft; otherwise empty.
    draft_id: Box<str>,
    appending: Appending,
    /// Whether what is stored is a refusal.
    is_refusal: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn publish(&mut self, cx: &mut Context<'_>, publication: &Publication<'_>) {
        let Some(member) = &self.member else { return };
        let device = Arc::clone(&member.device);
        if publication.place == Place::Request && publication.objection.is_none() {
            self.wait_for(job::request(&self.door, device, publication));
            return;
        }
        if let Some(objection) = publication.objection {
            self.refuse(publication.ticket, peek_draft_id(publication), objection.into());
            return;
        }
        let sender = Sender::Device(device);
        // Nearly always everything is cached and this is ready at once; only what must wait is boxed.
        let first = {
            let paper = Paper::of_publication(publication);
            pin!(paper.attempt(&self.door.dispatcher, &sender)).poll(cx)
        };
        match first {
            Poll::Ready(Ok(appending)) => {
                let draft_id = match publication.version {
                    Version::V311 => appending.id().into(),
                    Version::V5 => Box::default(),
                };
                self.on_its_way(publication.ticket, draft_id, appending, false);
            }
            Poll::Ready(Err(refused)) if !must_wait(publication.version, &refused) => {
                self.refuse(publication.ticket, peek_draft_id(publication), refused);
            }
            Poll::Ready(Err(_)) | Poll::Pending => {
                let draft_id = peek_draft_id(publication);
                self.wait_for(job::submit(&self.door, sender, publication, draft_id));
            }
        }
    }

    fn on_its_way(&mut self, ticket: u64, draft_id: Box<str>, appending: Appending, is_refusal: bool) {
        self.publications.0.push_back(OnItsWay {
            ticket,
            draft_id,
            appending,
            is_refusal,
        });
    }

    /// What had to wait was queued for the disk, or refused.
    pub(super) fn submitted(&mut self, submitted: Submitted) {
        let Submitted {
            ticket,
            draft_id,
            is_refusal,
            outcome,
        } = submitted;
        match outcome {
            Ok(appending) => self.on_its_way(ticket, draft_id, appending, is_refusal),
            Err(_) if is_refusal => self.fail(),
            Err(refused) => self.refuse(ticket, draft_id, refused),
        }
    }

    /// Nothing can be said and nothing stored: the session ends, and the client sends again when it comes back. Not at
    /// once, or all clients of a full disk would come back all the time.
    fn fail(&mut self) {
        count("failed");
        let now = self.now;
        self.gives_up_at.get_or_insert(now.saturating_add(GIVE_UP_PAUSE_MS));
        self.session.hold(now, true);
    }

    /// Tells an MQTT 5 client; for a 3.1.1 client the refusal becomes an entry of its inbox first.
    fn refuse(&mut self, ticket: u64, draft_id: Box<str>, refused: Refused) {
        if let Err((draft_id, refused)) = self.refuse_at_once(ticket, draft_id, refused)
            && let Some(member) = &self.member
        {
            let device = Arc::clone(&member.device);
            self.wait_for(job::refuse(&self.door, device, ticket, draft_id, refused));
        }
    }

    /// As [`Self::refuse`], but gives everything back when the archive has no room.
    fn refuse_at_once(&mut self, ticket: u64, draft_id: Box<str>, refused: Refused) -> Result<(), (Box<str>, Refused)> {
        if self.session.version() == Version::V5 {
            count(refused.refusal.code());
            self.session.answer(self.now, ticket, Answer::Refused(refused));
            return Ok(());
        }
        let Some(member) = &self.member else { return Ok(()) };
        match self.door.dispatcher.append_refusal(&member.device, &draft_id, &refused) {
            Ok(appending) => self.on_its_way(ticket, draft_id, appending, true),
            Err(_) => return Err((draft_id, refused)),
        }
        Ok(())
    }

    /// Answers what is stored by now; whether anything was.
    pub(super) fn poll_publications(&mut self, cx: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Some(first) = self.publications.0.front_mut()
            && let Poll::Ready(outcome) = Pin::new(&mut first.appending).poll(cx)
            && let Some(done) = self.publications.0.pop_front()
        {
            any = true;
            match outcome {
                Ok(submitted) => {
                    if done.is_refusal {
                        count("refused");
                    } else {
                        self.door.meters.publishes_accepted.increment(1);
                    }
                    let answer = self.accepted(&submitted);
                    self.session.answer(self.now, done.ticket, answer);
                }
                // Too late to hold the client back.
                Err(refused) if done.is_refusal || must_wait(self.session.version(), &refused) => self.fail(),
                // Another job may be under way, so there is no waiting for room.
                Err(refused) => {
                    if self.refuse_at_once(done.ticket, done.draft_id, refused).is_err() {
                        self.fail();
                    }
                }
            }
        }
        if any && self.publications.0.is_empty() {
            self.publications = Publications::default();
        }
        any
    }

    /// With No Local the acknowledgement says what the message itself would have said, and the message stays away.
    fn accepted(&mut self, submitted: &godwit_dispatcher::Submitted) -> Answer {
        if !self.wants_no_echo() {
            return Answer::Accepted;
        }
        match (submitted.sender_seq, &submitted.record) {
            (Some(seq), Some(record)) => {
                self.walk.sent_by_itself(seq);
                Answer::Stored(Stored {
                    seq,
                    server_id: record.server_id,
                    server_time_ms: record.server_time_ms,
                    conversation: record.conversation.map(|conversation| (conversation, record.conv_seq)),
                })
            }
            _ => Answer::Accepted,
        }
    }

    /// Whether what this device publishes stays away from it. 3.1.1 has no way to tell it where that stands.
    pub(super) fn wants_no_echo(&self) -> bool {
        self.session.version() == Version::V5 && self.session.subscriptions().no_local()
    }

    /// A request was answered.
    pub(super) fn replied(&mut self, replied: &Replied) {
        count("request");
        let answer = self.reply(replied);
        self.session.answer(self.now, replied.ticket, answer);
        if replied.reply.ends_session {
            self.session.finish(End::Retired);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Sends the reply. One that the client cannot take is told in the acknowledgement of the request: only MQTT 5 has
    /// such clients.
    fn reply(&mut self, replied: &Replied) -> Answer {
        let Some(json) = &replied.reply.json else {
            return Answer::Accepted;
        };
        let topic = replied.response_topic.as_deref();
        let correlation_data = replied.correlation_data.as_deref();
        if self.session.reply(topic, correlation_data, json.as_bytes()) || !self.session.expects_reply(topic) {
            return Answer::Accepted;
        }
        metrics::counter!("deliveries_dropped_total", "reason" => "reply_too_large_for_client").increment(1);
        Answer::Refused(Refused::new(
            Refusal::TooLarge,
            "it was done, but the reply is larger than your Maximum Packet Size: ask for less",
        ))
    }
}

/// The id of a draft that was not taken. Only 3.1.1 hears of refusals by it.
fn peek_draft_id(publication: &Publication<'_>) -> Box<str> {
    match publication.version {
        Version::V311 => envelope::peek_id(publication.payload).unwrap_or_default().into(),
        Version::V5 => Box::default(),
    }
}

/// Whether a refusal is one that a client of this version cannot be told and that may pass.
fn must_wait(version: Version, refused: &Refused) -> bool {
    version == Version::V311 && refused.refusal.remedy() == Remedy::Later
}

/// Counts a publication: `request`, `failed`, `refused` (as an inbox entry), or the code an MQTT 5 client was told.
pub(super) fn count(outcome: &'static str) {
    metrics::counter!("mqtt_publishes_total", "outcome" => outcome).increment(1);
}
