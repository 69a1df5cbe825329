//! Down the inbox: what the follower or the live view gives is rendered and handed to the session.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use godwit_dispatcher::render;
use godwit_hub::{Follower, Item, LiveView, Page, ReadError, Record, Step};
use godwit_model::AccountNo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;

use super::{Connection, Member, OUTGOING_BYTES_MAX};
use crate::codec::Version;
use crate::door::Door;
use crate::session::{Delivered, End, Extras};

/// Time between two tries to read old messages from a store that fails: at first, and at most.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How the inbox is being read.
#[derive(Default)]
pub(super) struct Walk {
    way: Way,
    page: Option<Reading>,
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

/// A page that is being read. Given up with the walk: what still waits for its turn at the disk then never has one.
struct Reading {
    outcome: AbortOnDropHandle<Result<Result<Page, ReadError>, JoinError>>,
    wanted: Wanted,
}

/// Which page, and how often the store of old messages did not give it.
#[derive(Clone, Copy)]
struct Wanted {
    account: AccountNo,
    after: u64,
    limit: usize,
    failures: u32,
}

impl Wanted {
    /// How long the store is left alone before the page is asked for again.
    fn pause(self) -> Duration {
        match self.failures.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => PAUSE_MAX.min(PAUSE * 2_u32.saturating_pow(doublings.min(8))),
        }
    }
}

/// An entry as this reader sees it.
struct Rendered {
    seq: u64,
    json: String,
    /// For MQTT 5: seconds after which it is no longer wanted.
    expiry_s: Option<u32>,
    /// For MQTT 5.
    user_properties: Vec<(String, String)>,
}

impl Rendered {
    fn plain(seq: u64, json: String) -> Self {
        Self {
            seq,
            json,
            expiry_s: None,
            user_properties: Vec::new(),
        }
    }
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

    pub(super) fn hints(&mut self, head: u64, hints: VecDeque<(u64, Arc<Record>)>, missed: u64) {
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
                if missed > 0 {
                    metrics::counter!("deliveries_dropped_total", "reason" => "slow_live_view").increment(missed);
                }
            }
        }
    }

    pub(super) fn acknowledged(&mut self, seq: u64) {
        if let Way::Cursor(follower) = &mut self.way {
            follower.acknowledge(seq);
        }
    }

    /// The device published this entry itself and does not want it back.
    pub(super) fn sent_by_itself(&mut self, seq: u64) {
        match &mut self.way {
            Way::Nowhere => {}
            Way::Cursor(follower) => follower.sent_by_itself(seq),
            Way::Live(view) => view.sent_by_itself(seq),
        }
    }

    /// The cursor, when this walk moves it.
    pub(super) fn cursor(&self) -> Option<u64> {
        match &self.way {
            Way::Cursor(follower) => Some(follower.cursor()),
            _ => None,
        }
    }

    /// The highest number this walk sent, or had acknowledged before; 0 when it is none that moves the cursor.
    pub(super) fn sent(&self) -> u64 {
        match &self.way {
            Way::Cursor(follower) => follower.sent(),
            _ => 0,
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
            if !self.hand_over(due) {
                break;
            }
            any = true;
        }
        any || (self.walk.page.is_some() && !was_reading)
    }

    /// Hands one entry to the session, or what stands for it when it is too large; whether the session took it.
    fn hand_over(&mut self, due: Due) -> bool {
        let Some(entry) = self.render(&due) else { return false };
        let extras = Extras {
            message_expiry_s: entry.expiry_s,
            user_properties: &entry.user_properties,
        };
        let mut outcome = self.session.deliver_with(entry.seq, &[entry.json.as_bytes()], extras);
        if outcome == Delivered::TooLarge {
            metrics::counter!("deliveries_shortened_total", "reason" => "too_large_for_client").increment(1);
            let notice = render::too_large(entry.seq, entry.json.len());
            outcome = self.session.deliver(entry.seq, &[notice.as_bytes()]);
        }
        match outcome {
            Delivered::Sent | Delivered::Forgotten => {
                self.door.meters.deliveries.increment(1);
                true
            }
            Delivered::TooLarge => {
                self.session.finish(End::ClientTooSmall);
                false
            }
            Delivered::NotNow => {
                self.walk.stalled = Some(due);
                false
            }
        }
    }

    fn next_due(&mut self) -> Option<Due> {
        let account = self.member.as_ref()?.device.account.no;
        let awaits_own = self.wants_no_echo() && !self.publications.is_empty();
        match &mut self.walk.way {
            Way::Nowhere => None,
            Way::Live(view) if awaits_own => view.take_unless_own(account).map(Due::Entry),
            Way::Live(view) => view.take().map(Due::Entry),
            Way::Cursor(follower) => match step(follower, awaits_own.then_some(account)) {
                Step::Deliver(item) => Some(Due::Entry(item)),
                Step::Gap { from, to } => Some(Due::Gap { from, to }),
                Step::Read { after, limit } => {
                    let wanted = Wanted {
                        account,
                        after,
                        limit,
                        failures: 0,
                    };
                    self.walk.page = Some(read_page(&self.door, wanted));
                    None
                }
                Step::Wait => None,
            },
        }
    }

    fn render(&self, due: &Due) -> Option<Rendered> {
        let item = match due {
            Due::Entry(item) => self.door.hub.show(item),
            Due::Gap { from, to } => return Some(Rendered::plain(*to, render::gap(*from, *to))),
        };
        let reader = &self.member.as_ref()?.device.account.user;
        let mut rendered = Rendered::plain(item.seq, render::item(&item, reader));
        if self.session.version() == Version::V5 {
            rendered.user_properties = render::user_properties(&item);
            rendered.expiry_s = render::expires_in_s(&item, || self.door.dispatcher.now_ms());
        }
        Some(rendered)
    }

    /// Takes a page that was read; whether there was one.
    pub(super) fn poll_page(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(reading) = &mut self.walk.page else {
            return false;
        };
        let Poll::Ready(outcome) = Pin::new(&mut reading.outcome).poll(cx) else {
            return false;
        };
        let wanted = reading.wanted;
        self.walk.page = None;
        match (outcome, &mut self.walk.way) {
            (Ok(Ok(Ok(page))), Way::Cursor(follower)) => follower.page(page),
            (Ok(Ok(Ok(_))), _) => {}
            // Nothing is lost, and everything else goes on: the device stays connected, and is behind.
            (Ok(Ok(Err(ReadError::Cold(error)))), Way::Cursor(_)) => {
                if wanted.failures == 0 {
                    tracing::warn!(%error, "old messages cannot be read now; it is tried again");
                }
                metrics::counter!("pages_tried_again_total").increment(1);
                let failures = wanted.failures + 1;
                self.walk.page = Some(read_page(&self.door, Wanted { failures, ..wanted }));
            }
            (Ok(Ok(Err(error))), _) => {
                tracing::error!(%error, "an inbox could not be read");
                self.session.finish(End::Failed);
            }
            // The runtime stops.
            (Ok(Err(_)) | Err(_), _) => self.session.finish(End::Failed),
        }
        true
    }
}

/// `author` is the device's own account, while it is not known yet which entries are its publications.
fn step(follower: &mut Follower, author: Option<AccountNo>) -> Step {
    match author {
        Some(author) => follower.step_unless_own(author),
        None => follower.step(),
    }
}

/// Reads a page when it is this reader's turn at the disk: clients that all come back at once wait in line, and a reader
/// that goes away leaves the line.
fn read_page(door: &Door, wanted: Wanted) -> Reading {
    let (hub, turns) = (door.hub.clone(), Arc::clone(&door.page_reads));
    let outcome = AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::time::sleep(wanted.pause()).await;
        // The semaphore is never closed.
        let turn = turns.acquire_owned().await;
        let reading = tokio::task::spawn_blocking(move || {
            let page = hub.page(wanted.account, wanted.after, wanted.limit);
            drop(turn);
            page
        });
        reading.await
    }));
    Reading { outcome, wanted }
}
