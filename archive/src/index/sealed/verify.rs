//! Reads a whole sealed index and finds what is not as it was written.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use godwit_model::AccountNo;

use super::meta::{Meta, is_name, range};
use super::{FORMAT, SealedIndex, entry, open};
use crate::disk::Disk;
use crate::frame::Salt;
use crate::inspect::DamageKind;
use crate::segment::open_files::OpenFiles;
use crate::sorted;
use crate::sorted::table::{BlockError, per_block};
use crate::sorted::verify::Checked;

/// Segments that an index covers, and their salts as far as it can be trusted about them.
type Covered = Vec<(u64, Option<u64>)>;

/// Reads everything in the index of this name.
pub(crate) fn check(disk: &dyn Disk, name: &str) -> io::Result<(Checked, Covered)> {
    let mut checked = sorted::verify::check(disk, name, FORMAT)?;
    let named = range(name).unwrap_or_default();
    let by_name = || (named.0..=named.1).map(|no| (no, None)).collect();
    let Some(meta) = checked.meta.as_deref().and_then(Meta::decode) else {
        return Ok((checked, by_name()));
    };
    if meta.range() != named {
        let size = disk.open(name)?.size()?;
        checked.fault(0, size, DamageKind::Misplaced);
        return Ok((checked, by_name()));
    }
    let segments = meta.segments.iter().map(|segment| (segment.no, Some(segment.salt)));
    Ok((checked, segments.collect()))
}

/// What an index keeps in memory while it is open; 0 if it does not open.
pub(crate) fn memory_bytes(disk: &Arc<dyn Disk>, name: &str) -> io::Result<u64> {
    let Some(range) = range(name) else { return Ok(0) };
    let opened = open(&**disk, &Arc::new(OpenFiles::new(Arc::clone(disk), 1)), range)?;
    Ok(opened.map_or(0, |index| index.memory() as u64))
}

/// Opens the index that covers a segment, the widest if there are several.
pub(crate) fn covering(disk: &Arc<dyn Disk>, segment: u64) -> io::Result<Option<SealedIndex>> {
    let names = disk.list()?;
    let covers = |(first, last): &(u64, u64)| (*first..=*last).contains(&segment);
    let ranges = names.iter().filter(|name| is_name(name)).filter_map(|name| range(name));
    let mut ranges: Vec<_> = ranges.filter(covers).collect();
    ranges.sort_unstable_by_key(|(first, last)| std::cmp::Reverse(last - first));
    for range in ranges {
        if let Some(index) = open(&**disk, &Arc::new(OpenFiles::new(Arc::clone(disk), 1)), range)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

impl SealedIndex {
    /// Where the checksums of a segment start.
    pub(crate) fn salt(&self, segment: u64) -> Option<Salt> {
        self.segment(segment).map(|segment| segment.salt())
    }

    /// Whose numbers stand in a stretch of a segment, as far as the index is readable.
    pub(crate) fn numbers_in(&self, segment: u64, stretch: &Range<u64>) -> Vec<(AccountNo, u64)> {
        let table = &self.inboxes;
        let layout = self.layout(crate::index::Line::Inbox(AccountNo(0)));
        let held = per_block(table.width) as u64;
        let mut walk = table.walk(&*self.file);
        let mut found = Vec::new();
        let mut position = 0;
        while position < table.extent.entries {
            match walk.entry(position) {
                Ok(Some(entry)) => {
                    let posting = layout.posting(entry);
                    let (no, offset) = (posting.location.segment, u64::from(posting.location.offset));
                    if no == segment && stretch.contains(&offset) {
                        found.push((entry::account(entry), posting.seq));
                    }
                    position += 1;
                }
                Ok(None) | Err(BlockError::Disk(_)) => break,
                Err(BlockError::Damaged) => position = (position / held + 1) * held,
            }
        }
        found
    }
}
