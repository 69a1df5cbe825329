//! Moves segments that are old enough into the store, one after the other.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use godwit_model::Clock;

use super::ledger::State;
use super::object::{self, Stored};
use super::upload::Upload;
use super::{ColdStore, Tier};
use crate::sealed_log::SealedLog;
use crate::segment::{self, Header};
use crate::segments::{self, SegmentInfo};
use crate::upkeep::{UpkeepError, clocks_agree};

/// How long a clock that jumped is doubted, in milliseconds.
const DOUBT_MS: u64 = 60 * 60 * 1_000;

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cooled {
    /// Segments that went into the store.
    pub segments: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Objects that were deleted from the store.
    pub deleted: u64,
}

/// What moving works with.
pub(crate) struct Mover {
    pub(crate) tier: Arc<Tier>,
    pub(crate) store: ColdStore,
    pub(crate) sealed_log: Arc<SealedLog>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Wall clock and steady clock when they were last believed.
    trusted: (u64, u64),
    /// Since when, by the steady clock, they disagree.
    doubted_ms: Option<u64>,
}

impl Mover {
    pub(crate) fn new(tier: Arc<Tier>, store: ColdStore, sealed_log: Arc<SealedLog>, clock: Arc<dyn Clock>) -> Self {
        Self {
            tier,
            store,
            sealed_log,
            trusted: (clock.now_ms(), clock.steady_ms()),
            doubted_ms: None,
            clock,
        }
    }

    /// One pass: what is owed is deleted, what is old is moved. The first trouble ends the moving.
    pub(super) fn pass(&mut self) -> Result<Cooled, UpkeepError> {
        let mut cooled = Cooled::default();
        let moved = match self.settle_interrupted() {
            Ok(()) if self.trusts_clock() => self.move_due(&mut cooled),
            other => other,
        };
        let swept = self.tier.sweep();
        let stats = self.tier.stats();
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
        {
            metrics::gauge!("archive_cold_segments").set(stats.segments as f64);
            metrics::gauge!("archive_cold_bytes").set(stats.bytes as f64);
            metrics::gauge!("archive_cold_objects_owed").set(stats.owed as f64);
        }
        moved?;
        cooled.deleted = swept?;
        Ok(cooled)
    }

    /// Nobody knows how far an upload came that a crash or a failure ended: it is begun anew under another name.
    fn settle_interrupted(&self) -> io::Result<()> {
        for stored in self.tier.interrupted() {
            match self.tier.local().open(&segment::name(stored.no)) {
                Ok(_) => self.tier.condemn(stored)?,
                // The file went only because the object was proved.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A clock that jumped is believed after an hour: moving too early loses nothing, but a resent draft whose first copy
    /// is in the store is told to come later.
    fn trusts_clock(&mut self) -> bool {
        if clocks_agree(self.trusted, &*self.clock) {
            self.doubted_ms = None;
            return true;
        }
        let (now_ms, steady_ms) = (self.clock.now_ms(), self.clock.steady_ms());
        let since = *self.doubted_ms.get_or_insert(steady_ms);
        let is_long = steady_ms.saturating_sub(since) >= DOUBT_MS;
        if is_long {
            (self.trusted, self.doubted_ms) = ((now_ms, steady_ms), None);
        }
        is_long
    }

    fn move_due(&self, cooled: &mut Cooled) -> io::Result<()> {
        for segment in self.due()? {
            let moved = self.move_segment(segment.no);
            let bytes = moved.inspect_err(|_| {
                metrics::counter!("archive_cold_upload_failures_total").increment(1);
            })?;
            if let Some(bytes) = bytes {
                cooled.segments += 1;
                cooled.bytes += bytes;
                metrics::counter!("archive_cold_uploads_total").increment(1);
                metrics::counter!("archive_cold_uploaded_bytes_total").increment(bytes);
            }
        }
        Ok(())
    }

    /// Finished segments that are here, old enough, and of which a start needs nothing.
    fn due(&self) -> io::Result<Vec<SegmentInfo>> {
        let now_ms = self.clock.now_ms();
        let after_ms = u64::try_from(self.store.settings().after.as_millis()).unwrap_or(u64::MAX);
        let here: HashSet<String> = self.tier.local().list()?.into_iter().collect();
        let end = self.sealed_log.droppable_end();
        let is_due = |segment: &SegmentInfo| {
            segment.sealed
                && segment.no < end
                && segment.last_ms.saturating_add(after_ms) <= now_ms
                && here.contains(&segment::name(segment.no))
        };
        let all = segments::list(&self.sealed_log.view, 0);
        Ok(all.into_iter().filter(is_due).collect())
    }

    /// Moves one segment. `None` if something else became of it meanwhile.
    fn move_segment(&self, no: u64) -> io::Result<Option<u64>> {
        let swaps = self.tier.swaps();
        // Without its header a segment can be read only as long as its index is there.
        let sound = match segment::open(self.tier.local(), no) {
            Ok(Header::Sound(segment)) => segment,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let file = sound.file()?;
        let (stored, sums) = object::measure(&*file, no, nonce()?)?;
        if let Some((State::Cold, proved)) = self.tier.kept(no)
            && (proved.length, proved.content) == (stored.length, stored.content)
        {
            return Ok(self.settle(proved)?.then_some(0));
        }
        if let Some((_, other)) = self.tier.kept(no) {
            self.tier.condemn(other)?;
        }
        if !self.tier.begin(stored, swaps)? {
            return Ok(None);
        }
        let upload = Upload {
            store: &self.store,
            stored,
            file: &*file,
            sums: &sums,
            stop: self.tier.closing(),
        };
        if let Err(error) = upload.put().and_then(|()| upload.prove()) {
            self.tier.condemn(stored)?;
            return Err(error);
        }
        let settled = self.settle(stored)?;
        Ok(settled.then_some(stored.length))
    }

    fn settle(&self, stored: Stored) -> io::Result<bool> {
        let settled = self.tier.settle(stored)?;
        // Readers open it anew.
        self.sealed_log.view.swapped(stored.no);
        if settled {
            tracing::info!(
                segment = stored.no,
                bytes = stored.length,
                "a segment went into the store"
            );
        }
        Ok(settled)
    }
}

fn nonce() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u64::from_le_bytes(bytes))
}
