//! Makes one index of several that follow each other, a few blocks at a time.

use std::sync::Arc;

use godwit_model::limits::DUPLICATE_WINDOW_MS;

use super::entry::{self, CONVERSATION_WIDTH, INBOX_WIDTH, POINT_WIDTH};
use super::meta::{Meta, SealedSegment, name};
use super::{FORMAT, SealedIndex};
use crate::device::states::DEVICE_WIDTH;
use crate::disk::Disk;
use crate::marks::Marks;
use crate::sorted::draft::Draft;
use crate::sorted::stream::{self, MergeError, Order, Stream, key_of};
use crate::sorted::table::{BlockError, Extent};
use crate::state::ACCOUNT_WIDTH;

/// Entries between two looks at what is more urgent.
const PATIENCE: u32 = 4_096;

/// A merge under way.
struct Merge<'a> {
    draft: Draft<'a>,
    inputs: &'a [Arc<SealedIndex>],
    /// Says whether to go on; may wait first.
    go_on: &'a dyn Fn() -> bool,
    since_look: u32,
}

/// Bytes at the start of entries by which they are sorted.
const INBOX_ORDER: Order = order(14, false);
const KEY_ORDER: Order = order(16, false);
const ORIGINAL_ORDER: Order = order(16, true);
const STATE_ORDER: Order = order(8, true);

const fn order(key_bytes: usize, newest_only: bool) -> Order {
    Order { key_bytes, newest_only }
}

/// Writes the index of all segments of `inputs`, ascending, durable and under its name. Originals of segments that
/// ended `DUPLICATE_WINDOW_MS` before `now_ms` are left out, because nobody asks for them any more. So are
/// marks whose messages left the disk.
pub(crate) fn write(
    disk: &dyn Disk,
    inputs: &[Arc<SealedIndex>],
    (now_ms, marks): (u64, &Marks),
    go_on: &dyn Fn() -> bool,
) -> Result<(u64, u64), MergeError> {
    let meta = meta(inputs, marks);
    let range = meta.range();
    let mut merge = Merge {
        draft: Draft::create(disk, name(range))?,
        inputs,
        go_on,
        since_look: 0,
    };
    merge.table(INBOX_WIDTH, INBOX_ORDER, |index| index.stream(&index.inboxes))?;
    let (conversations, distinct) = merge.conversations()?;
    merge.table(POINT_WIDTH, KEY_ORDER, |index| index.stream(&index.messages))?;
    let originals = merge.originals(&meta.segments, now_ms.saturating_sub(DUPLICATE_WINDOW_MS))?;
    merge.state(ACCOUNT_WIDTH, SealedIndex::accounts)?;
    merge.state(DEVICE_WIDTH, SealedIndex::devices)?;
    merge.filter(conversations, CONVERSATION_WIDTH, distinct)?;
    merge.filter(originals, POINT_WIDTH, originals.entries)?;
    merge.draft.finish(FORMAT, &meta.encode())?;
    Ok(range)
}

fn meta(inputs: &[Arc<SealedIndex>], marks: &Marks) -> Meta {
    let outstanding = marks.outstanding();
    let parts = || inputs.iter().map(|index| &index.meta);
    Meta {
        level: parts().map(|meta| meta.level).max().unwrap_or(0).saturating_add(1),
        segments: parts().flat_map(|meta| meta.segments.iter().copied()).collect(),
        first_id: parts().map(|meta| meta.first_id).min().unwrap_or_default(),
        last_id: parts().map(|meta| meta.last_id).max().unwrap_or_default(),
        standing: parts()
            .next_back()
            .map(|meta| meta.standing.clone())
            .unwrap_or_default(),
        marks: parts()
            .flat_map(|meta| &meta.marks)
            .filter(|(id, _)| outstanding.contains_key(id))
            .map(|(id, mark)| (*id, *mark))
            .collect(),
    }
}

impl<'a> Merge<'a> {
    /// Merges one table of the inputs; `keep` is asked about each entry.
    fn merged(
        &mut self,
        order: Order,
        source: impl Fn(&'a SealedIndex) -> Stream<'a>,
        mut keep: impl FnMut(&[u8]) -> bool,
    ) -> Result<Extent, MergeError> {
        let streams = self.inputs.iter().map(|index| source(index)).collect();
        let (draft, go_on, since_look) = (&mut self.draft, self.go_on, &mut self.since_look);
        stream::merge(streams, order, |entry| {
            *since_look += 1;
            if *since_look >= PATIENCE {
                *since_look = 0;
                if !go_on() {
                    return Err(MergeError::Stopped);
                }
            }
            if keep(entry) {
                draft.push(entry)?;
            }
            Ok(())
        })?;
        Ok(draft.end()?)
    }

    fn table(
        &mut self,
        width: usize,
        order: Order,
        source: impl Fn(&'a SealedIndex) -> Stream<'a>,
    ) -> Result<Extent, MergeError> {
        self.draft.begin(width, true);
        self.merged(order, source, |_| true)
    }

    /// What is only read from front to back.
    fn state(&mut self, width: usize, source: impl Fn(&'a SealedIndex) -> Stream<'a>) -> Result<Extent, MergeError> {
        self.draft.begin(width, false);
        self.merged(STATE_ORDER, source, |_| true)
    }

    /// Also says how many conversations there are.
    fn conversations(&mut self) -> Result<(Extent, u64), MergeError> {
        let (mut distinct, mut last) = (0, None);
        self.draft.begin(CONVERSATION_WIDTH, true);
        let extent = self.merged(KEY_ORDER, SealedIndex::conversation_postings, |entry| {
            let key = key_of(entry, 16);
            distinct += u64::from(last != Some(key));
            last = Some(key);
            true
        })?;
        Ok((extent, distinct))
    }

    fn originals(&mut self, segments: &[SealedSegment], since_ms: u64) -> Result<Extent, MergeError> {
        let fresh = segments.partition_point(|segment| segment.last_ms < since_ms);
        let lowest = segments.get(fresh).map_or(u64::MAX, |segment| segment.no);
        self.draft.begin(POINT_WIDTH, true);
        self.merged(
            ORIGINAL_ORDER,
            |index| index.stream(&index.originals),
            |entry| entry::point_location(entry).segment >= lowest,
        )
    }

    /// Adds a filter over what was just written.
    fn filter(&mut self, extent: Extent, width: usize, distinct: u64) -> Result<(), MergeError> {
        let file = self.draft.written()?;
        let filter = stream::filter(Stream::new(&*file, extent, width), distinct).map_err(|error| match error {
            BlockError::Disk(error) => error,
            BlockError::Damaged => std::io::Error::other("what was just written does not read back"),
        })?;
        Ok(self.draft.section(filter.bytes())?)
    }
}
