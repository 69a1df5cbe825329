//! Builds an index again whose inside is damaged, from the segments it covers, while everybody goes on.

use std::io;
use std::sync::{Arc, PoisonError};

use super::SealedLog;
use crate::disk::read_exact_at;
use crate::index::Index;
use crate::index::sealed::SealedIndex;
use crate::index::sealer;
use crate::recovery;
use crate::segment::Segment;
use crate::state::State;

impl SealedLog {
    /// Puts sound indexes in the place of the one that covers this segment, one for each of its segments. Until then
    /// readers meet the damage. Does nothing if nothing covers it any more.
    pub(crate) fn mend(&self, segment: u64) -> io::Result<()> {
        let finished = self.view.read().finished();
        let covers = |index: &Arc<SealedIndex>| (index.range().0..=index.range().1).contains(&segment);
        let Some(at) = finished.sealed().iter().position(covers) else {
            return Ok(());
        };
        let damaged = &finished.sealed()[at];
        let before = at.checked_sub(1).map(|at| finished.sealed()[at].standing().clone());
        let mut state = State {
            standing: before.unwrap_or_default(),
            ..State::default()
        };
        let mut mended = Vec::new();
        for segment in damaged.segments() {
            if finished.dropped().is_dropped(segment.no) {
                continue;
            }
            if self.damages.is_closing() {
                return Ok(());
            }
            let segment = damaged.segment(segment.no).expect("it was found in this index");
            mended.push(Arc::new(self.indexed_again(segment, &mut state)?));
        }
        self.put_mended(damaged, &mended)
    }

    fn indexed_again(&self, segment: Segment, state: &mut State) -> io::Result<SealedIndex> {
        let file = segment.file()?;
        let mut bytes = vec![0; usize::try_from(file.size()?).map_err(io::Error::other)?];
        read_exact_at(&*file, &mut bytes, 0)?;
        let replayed = recovery::replay_finished(segment, bytes, state);
        sealer::write(&*self.disk, &self.view.files, &replayed)
    }

    fn put_mended(&self, damaged: &Arc<SealedIndex>, mended: &[Arc<SealedIndex>]) -> io::Result<()> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        let is_there = self
            .view
            .write()
            .replace_sealed(&[Arc::clone(damaged)], mended.to_vec());
        if !is_there {
            // It was merged or dropped meanwhile.
            for index in mended {
                gone(self.disk.remove(&index.name()))?;
            }
            return Ok(());
        }
        if mended.iter().all(|index| index.name() != damaged.name()) {
            gone(self.disk.remove(&damaged.name()))?;
        }
        metrics::counter!("archive_indexes_mended_total").increment(1);
        let (first, last) = damaged.range();
        tracing::info!(first, last, "a damaged index was built again");
        Ok(())
    }
}
