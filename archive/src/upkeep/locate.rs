//! Finds the segments of marked messages, and gets the active one finished where it holds some.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use godwit_model::ServerId;

use super::Desk;
use crate::cold::{self, ColdError};
use crate::marks::Mark;
use crate::query::ReadError;
use crate::reader;
use crate::segment::Segment;
use crate::sorted::stream::MergeError;

/// Longest time a finished segment may take to get its index.
const SEAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Why background work was not done. It is found and tried again later.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// The disk refused.
    #[error("the disk refused")]
    Disk(#[source] io::Error),
    /// The store of old messages did not do what it was asked.
    #[error(transparent)]
    Cold(ColdError),
    /// An index could not be read.
    #[error("an index could not be read")]
    Read(#[from] ReadError),
    /// Something more urgent was in the way, such as the end, or the active segment could not be finished now.
    #[error("something more urgent was in the way")]
    Busy,
}

impl From<io::Error> for UpkeepError {
    fn from(error: io::Error) -> Self {
        match cold::of_io(&error) {
            Some(cold) => Self::Cold(cold.clone()),
            None => Self::Disk(error),
        }
    }
}

impl From<MergeError> for UpkeepError {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Disk(error) => Self::Disk(error),
            MergeError::Damaged(_) => Self::Disk(io::Error::other("an index to be dropped is damaged")),
            MergeError::Stopped => Self::Busy,
        }
    }
}

/// A marked message that is still in its segment.
pub(super) struct Marked {
    pub(super) id: ServerId,
    pub(super) mark: Mark,
    pub(super) offset: u32,
}

/// Marked messages of one segment.
pub(super) struct Found {
    pub(super) segment: Segment,
    pub(super) marked: Vec<Marked>,
}

impl Desk {
    /// Where all outstanding marks lead. Those that lead nowhere are done with.
    pub(super) fn locate(&self) -> Result<BTreeMap<u64, Found>, UpkeepError> {
        let view = &self.shared.view;
        let mut segments: BTreeMap<u64, Found> = BTreeMap::new();
        for (id, mark) in view.marks.outstanding() {
            let Some((segment, location)) = reader::find(view, id)? else {
                view.marks.settle(id);
                continue;
            };
            let found = segments.entry(location.segment).or_insert_with(|| Found {
                segment,
                marked: Vec::new(),
            });
            found.marked.push(Marked {
                id,
                mark,
                offset: location.offset,
            });
        }
        Ok(segments)
    }

    /// The segment that is being written.
    pub(super) fn active(&self) -> u64 {
        self.shared.view.read().active_no()
    }

    /// Has the writer go on in a new segment.
    pub(super) fn roll(&self) -> Result<(), UpkeepError> {
        let answer = self.shared.queue.roll();
        answer.recv().map_err(|_| UpkeepError::Busy)
    }

    /// Waits until a finished segment has its index.
    pub(super) fn wait_sealed(&self, no: u64) -> Result<(), UpkeepError> {
        let start = Instant::now();
        while self.shared.view.read().is_sealing(no) {
            if start.elapsed() > SEAL_TIMEOUT || self.shared.queue.is_ended() {
                return Err(UpkeepError::Busy);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}
