//! What was heard together is kept together: one commit, and only then the acknowledgements.

use std::time::Instant;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Session, Step, full, lost};
use crate::connection::link::{Delivery, End, Heard, Verdict, why_it_ended};
use crate::event::Event;
use crate::requests::{Answer, Asker, Requests};
use crate::store::{Applied, Batch, Decision, Page, Stored};
use crate::wire::{Entry, What};

/// What was heard, sorted by what it asks for.
#[derive(Default)]
struct Sorted {
    batch: Batch,
    /// Deliveries to acknowledge once the batch is kept, and the table has everything up to a number.
    acknowledge: Vec<(u64, u16)>,
    /// Drafts that are not on the way any more once the batch is kept.
    settled: Vec<String>,
    subscribed: bool,
    end: Option<End>,
}

/// A page as it is written.
#[derive(Deserialize)]
struct PageJson {
    items: Vec<Box<RawValue>>,
    head: u64,
    floor: u64,
}

impl Session<'_> {
    pub(super) async fn hear(&mut self, mut heard: impl Iterator<Item = Heard>, requests: &mut Requests) -> Step {
        let mut sorted = Sorted::default();
        while let Some(one) = heard.next() {
            if let Err(fault) = self.sort(one, &mut sorted, requests) {
                return Err(why_it_ended(heard).unwrap_or(fault));
            }
        }
        let end = sorted.end.take();
        let worked = self.work(sorted, requests).await;
        // Where the connection ended, nothing can be written, which is not the reason.
        end.map_or(worked, Err)
    }

    async fn work(&mut self, sorted: Sorted, requests: &mut Requests) -> Step {
        if !sorted.batch.is_empty() {
            self.keep(sorted.batch).await?;
        }
        self.owed.extend(sorted.acknowledge);
        while let Some((_, packet)) = self.owed.pop_front_if(|(up_to, _)| *up_to <= self.catch_up.cursor()) {
            if !self.link.acknowledge(packet) {
                return Err(full());
            }
        }
        for id in &sorted.settled {
            self.on_the_way.settled(id);
        }
        if sorted.subscribed {
            self.greet(requests).await
        } else if sorted.settled.is_empty() {
            Ok(())
        } else {
            self.publish_drafts().await
        }
    }

    fn sort(&mut self, heard: Heard, sorted: &mut Sorted, requests: &mut Requests) -> Step {
        match heard {
            Heard::Connected { window } => {
                self.on_the_way = crate::outbox::OnTheWay::new(window);
                let [inbox, reply, event] = ["inbox", "reply", "event"].map(|channel| self.account.topic(channel));
                return self
                    .link
                    .subscribe(&inbox, [&reply, &event])
                    .then_some(())
                    .ok_or_else(full);
            }
            Heard::Subscribed { granted: true } => sorted.subscribed = true,
            Heard::Subscribed { granted: false } => {
                return Err(End::Lost(
                    "the platform does not grant the account's own topics".to_owned(),
                ));
            }
            Heard::Delivery(delivery) => self.deliver(delivery, sorted, requests),
            Heard::Handed { packet } => {
                let id = self.handed.pop_front();
                self.packets.extend(id.map(|id| (packet, id)));
            }
            Heard::Settled { packet, verdict } => self.settle(packet, verdict, sorted),
            Heard::Ended(end) => sorted.end = Some(end),
        }
        Ok(())
    }

    fn deliver(&mut self, delivery: Delivery, sorted: &mut Sorted, requests: &mut Requests) {
        let Delivery { topic, payload, packet } = delivery;
        match topic.rsplit('/').next() {
            Some("inbox") => {
                let mut up_to = 0;
                if let Some(entry) = Entry::read(&payload, &self.account.profile.user_id) {
                    self.catch_up.delivered(entry.seq, Instant::now());
                    // Not in it, but told of: a page brings it.
                    if entry.what == What::TooLarge {
                        up_to = entry.seq;
                    }
                    sorted.batch.delivered.push(entry);
                } else {
                    // Its number is missing in the table, so that a page brings it if it is an entry after all.
                    tracing::warn!(bytes = payload.len(), "what came on the inbox is no entry");
                }
                if packet != 0 {
                    sorted.acknowledge.push((up_to, packet));
                }
            }
            Some("reply") => match requests.answered(&payload) {
                Some((Asker::App(waiting), answer)) => drop(waiting.send(answer)),
                Some((Asker::Page { after }, answer)) => sorted.batch.page = self.page(after, answer),
                None => {}
            },
            Some("event") => self.hint(&payload),
            _ => {}
        }
    }

    fn page(&mut self, after: u64, answer: Answer) -> Option<Page> {
        let now = Instant::now();
        let read = answer.and_then(|json| {
            serde_json::from_str::<PageJson>(json.get())
                .map_err(|error| crate::Error::Unreachable(format!("a page that is not understood: {error}")))
        });
        let page = match read {
            Ok(page) => page,
            Err(error) => {
                tracing::debug!(%error, "no page of the inbox");
                self.catch_up.failed(now);
                return None;
            }
        };
        self.catch_up.answered(page.head, now);
        let me = &self.account.profile.user_id;
        let items = page
            .items
            .iter()
            .filter_map(|item| Entry::read(item.get().as_bytes(), me));
        Some(Page {
            after,
            items: items.collect(),
            head: page.head,
            floor: page.floor,
        })
    }

    fn hint(&self, payload: &[u8]) {
        let Ok(json) = std::str::from_utf8(payload) else { return };
        let read: Result<serde_json::Value, _> = serde_json::from_str(json);
        if let Some(kind) = read.ok().and_then(|hint| hint["event"].as_str().map(str::to_owned)) {
            self.shared.tell(Event::Hint {
                kind,
                json: json.to_owned(),
            });
        }
    }

    fn settle(&mut self, packet: u16, verdict: Verdict, sorted: &mut Sorted) {
        let Some(id) = self.packets.remove(&packet) else { return };
        let decision = match verdict {
            Verdict::Taken => Decision::Sent,
            Verdict::Refused { code, detail } => Decision::Refused { code, detail },
            Verdict::Later { code } => {
                tracing::debug!(code, "the platform cannot take a draft now");
                self.on_the_way.later(&id, Instant::now());
                return;
            }
        };
        sorted.batch.decided.push((id.clone(), decision));
        sorted.settled.push(id);
    }

    /// One commit. What it holds may be acknowledged when this returns.
    async fn keep(&mut self, batch: Batch) -> Step {
        let (no, me) = (self.account.no, self.account.profile.user_id.clone());
        let entries = batch.delivered.len() + batch.page.as_ref().map_or(0, |page| page.items.len());
        let entries = entries as u64;
        tracing::trace!(target: "godwit_sdk::table", entries, "delivered");
        let applied = self.shared.on_store(move |store| store.apply(no, &me, &batch)).await;
        let applied = applied.map_err(|error| lost(&error))?;
        tracing::trace!(target: "godwit_sdk::table", entries, "kept");
        self.catch_up.kept(applied.cursor);
        self.tell(applied);
        Ok(())
    }

    fn tell(&mut self, applied: Applied) {
        for stored in applied.stored {
            self.shared.tell(match stored {
                Stored::Message(message) => Event::Message(message),
                Stored::Outgoing(outgoing) => Event::Outgoing(outgoing),
                Stored::Gone { seq, conv, reason } => Event::Gone { seq, conv, reason },
                Stored::Gap { from, to } => Event::Gap { from, to },
            });
        }
        if self.catch_up.has_caught_up() {
            self.shared.tell(Event::CaughtUp { cursor: applied.cursor });
        }
    }
}
