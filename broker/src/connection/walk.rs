//! Down the inbox: what the follower or the live view gives is rendered and handed to the session.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use godwit_dispatcher::render;
use godwit_hub::{Follower, Item, LiveView, Page, ReadError, Record, Step};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

use super::{Connection, Member, OUTGOING_BYTES_MAX};
use crate::door::Door;
use crate::session::{Delivered, End};

/// How the inbox is being read.
#[derive(Default)]
pub(super) struct Walk {
    way: Way,
    page: Option<JoinHandle<Result<Page, ReadError>>>,
    /// An entry the session could not take yet.
    stalled: Option<Due>,
    /// The cursor the hub knows.
    noted: u64,
}

/// An entry whose turn it is. Rendered as late as possible, because a message may be taken back until then.
enum Due {
    Entry(Item),
    Gap { from: u64, to: u64 },
}

#[derive(Default)]
enum Way {
    /// The inbox is not subscribed.
    #[default]
    Nowhere,
    /// QoS 1: from the cursor on, everything.
    Cursor(Follower),
    /// QoS 0: what comes while somebody looks.
    Live(LiveView),
}

impl Walk {
    pub(super) fn follow(&mut self, cursor: u64, head: u64, window: u16) {
        let way = Way::Cursor(Follower::new(cursor, head, window));
        *self = Self {
            way,
            noted: cursor,
            ..Self::default()
        };
    }

    pub(super) fn watch(&mut self) {
        *self = Self {
            way: Way::Live(LiveView::default()),
            ..Self::default()
        };
    }

    pub(super) fn stop(&mut self) {
        *self = Self::default();
    }

    /// Whether the walk moves the device's cursor.
    pub(super) fn follows(&self) -> bool {
        matches!(self.way, Way::Cursor(_))
    }

    /// Whether the walk is a live view.
    pub(super) fn watches(&self) -> bool {
        matches!(self.way, Way::Live(_))
    }

    pub(super) fn hints(&mut self, head: u64, hints: VecDeque<(u64, Arc<Record>)>) {
        match &mut self.way {
            Way::Nowhere => {}
            Way::Cursor(follower) => {
                for (seq, record) in hints {
                    follower.hint(seq, record);
                }
                follower.know_head(head);
            }
            Way::Live(view) => {
                for (seq, record) in hints {
                    view.hint(seq, record);
                }
            }
        }
    }

    pub(super) fn acknowledged(&mut self, seq: u64) {
        if let Way::Cursor(follower) = &mut self.way {
            follower.acknowledge(seq);
        }
    }

    /// The cursor, when this walk moves it.
    pub(super) fn cursor(&self) -> Option<u64> {
        match &self.way {
            Way::Cursor(follower) => Some(follower.cursor()),
            _ => None,
        }
    }

    /// The highest number sent, when not everything was acknowledged.
    pub(super) fn unconfirmed(&self) -> Option<u64> {
        match &self.way {
            Way::Cursor(follower) if follower.sent() > follower.cursor() => Some(follower.sent()),
            _ => None,
        }
    }

    /// Passes on how far the device has come: once a wake, however many acknowledgements it brought.
    pub(super) fn note_cursor(&mut self, door: &Door, member: Option<&Member>) {
        let (Some(cursor), Some(member)) = (self.cursor(), member) else {
            return;
        };
        if cursor > self.noted {
            self.noted = cursor;
            door.hub.move_cursor(member.device.no, member.device.account.no, cursor);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// Hands entries to the session while both have room; whether any was, or a page is being read for more. Who
    /// calls looks again then, which is how the page knows whom to wake.
    pub(super) fn deliver(&mut self) -> bool {
        let was_reading = self.walk.page.is_some();
        let mut any = false;
        while self.session.room() > 0 && self.outgoing() < OUTGOING_BYTES_MAX {
            let Some(due) = self.walk.stalled.take().or_else(|| self.next_due()) else {
                break;
            };
            let Some((seq, entry)) = self.render(&due) else { break };
            match self.session.deliver(seq, &[entry.as_bytes()]) {
                Delivered::Sent | Delivered::Forgotten => {
                    self.door.meters.deliveries.increment(1);
                }
                Delivered::TooLarge => {
                    metrics::counter!("deliveries_dropped_total", "reason" => "too_large_for_client").increment(1);
                    self.walk.acknowledged(seq);
                }
                Delivered::NotNow => {
                    self.walk.stalled = Some(due);
                    break;
                }
            }
            any = true;
        }
        any || (self.walk.page.is_some() && !was_reading)
    }

    fn next_due(&mut self) -> Option<Due> {
        match &mut self.walk.way {
            Way::Nowhere => None,
            Way::Live(view) => view.take().map(Due::Entry),
            Way::Cursor(follower) => match follower.step() {
                Step::Deliver(item) => Some(Due::Entry(item)),
                Step::Gap { from, to } => Some(Due::Gap { from, to }),
                Step::Read { after, limit } => {
                    let (hub, account) = (self.door.hub.clone(), self.member.as_ref()?.device.account.no);
                    self.walk.page = Some(tokio::task::spawn_blocking(move || hub.page(account, after, limit)));
                    None
                }
                Step::Wait => None,
            },
        }
    }

    fn render(&self, due: &Due) -> Option<(u64, String)> {
        match due {
            Due::Entry(item) => {
                let reader = &self.member.as_ref()?.device.account.user;
                Some((item.seq, render::item(&self.door.hub.show(item), reader)))
            }
            Due::Gap { from, to } => Some((*to, render::gap(*from, *to))),
        }
    }

    /// Takes a page that was read; whether there was one.
    pub(super) fn poll_page(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(reading) = &mut self.walk.page else {
            return false;
        };
        let Poll::Ready(outcome) = Pin::new(reading).poll(cx) else {
            return false;
        };
        self.walk.page = None;
        match (outcome, &mut self.walk.way) {
            (Ok(Ok(page)), Way::Cursor(follower)) => follower.page(page),
            (Ok(Ok(_)), _) => {}
            (Ok(Err(error)), _) => {
                tracing::error!(%error, "an inbox could not be read");
                self.session.finish(End::Failed);
            }
            // The runtime stops.
            (Err(_), _) => self.session.finish(End::Failed),
        }
        true
    }
}
