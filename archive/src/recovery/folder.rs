//! What is in the folder: which segments, and which indexes cover them.

use std::io;
use std::sync::Arc;

use crate::conversation_heads::dropped::{self, Dropped};
use crate::disk::Disk;
use crate::index::Index;
use crate::index::sealed::{self, SealedIndex};
use crate::segment;
use crate::segment::open_files::OpenFiles;

use super::OpenError;

/// A part of the log, as it is found.
pub(super) enum Part {
    /// Segments that an index covers.
    Indexed(Arc<SealedIndex>),
    /// A segment without an index.
    Segment(u64),
}

impl Part {
    /// The lowest segment of it.
    pub(super) fn first(&self) -> u64 {
        match self {
            Self::Indexed(index) => index.range().0,
            Self::Segment(no) => *no,
        }
    }
}

/// All parts in their order, and what was dropped. Removes what was not finished when the last run ended.
/// Filters of indexes take so many bytes at most.
pub(super) fn look(
    disk: &dyn Disk,
    files: &Arc<OpenFiles>,
    filter_bytes_max: usize,
) -> Result<(Vec<Part>, Dropped), OpenError> {
    let names = disk.list()?;
    for name in names.iter().filter(|name| name.strip_suffix(".tmp").is_some()) {
        disk.remove(name)?;
    }
    let segments: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
    let mut ranges: Vec<_> = names.iter().filter_map(|name| sealed::range(name)).collect();
    let lowest_there = segments.iter().chain(ranges.iter().map(|(first, _)| first)).min();
    let dropped = dropped::read(disk, lowest_there.copied().unwrap_or(1))?;
    let dropped = dropped.map_err(|dropped::Damaged| OpenError::Irreplaceable { file: dropped::NAME })?;
    remove_dropped(disk, &segments, &mut ranges, dropped.lowest)?;
    let indexes = indexes(disk, files, ranges, filter_bytes_max)?;
    let mut parts: Vec<_> = indexes.into_iter().map(Part::Indexed).collect();
    let ranges: Vec<_> = parts.iter().map(Part::range).collect();
    let is_covered = |no: u64| ranges.iter().any(|(first, last)| (*first..=*last).contains(&no));
    let bare = segments
        .into_iter()
        .filter(|no| *no >= dropped.lowest && !is_covered(*no));
    parts.extend(bare.map(Part::Segment));
    parts.sort_unstable_by_key(Part::first);
    Ok((parts, dropped))
}

impl Part {
    /// The highest segment of it.
    pub(super) fn last(&self) -> u64 {
        self.range().1
    }

    fn range(&self) -> (u64, u64) {
        match self {
            Self::Indexed(index) => index.range(),
            Self::Segment(no) => (*no, *no),
        }
    }
}

/// Finishes a drop that was interrupted.
fn remove_dropped(disk: &dyn Disk, segments: &[u64], ranges: &mut Vec<(u64, u64)>, lowest: u64) -> io::Result<()> {
    for no in segments.iter().filter(|no| **no < lowest) {
        disk.remove(&segment::name(*no))?;
    }
    for range in ranges.extract_if(.., |(_, last)| *last < lowest) {
        disk.remove(&sealed::name(range))?;
    }
    Ok(())
}

/// Opens the indexes. Of two that cover the same segment the larger one stays, because it was finished later. Those
/// that cannot be trusted are removed; what they covered is read again.
fn indexes(
    disk: &dyn Disk,
    files: &Arc<OpenFiles>,
    mut ranges: Vec<(u64, u64)>,
    filter_bytes_max: usize,
) -> io::Result<Vec<Arc<SealedIndex>>> {
    ranges.sort_unstable_by_key(|(first, last)| (*first, u64::MAX - *last));
    let mut opened: Vec<Arc<SealedIndex>> = Vec::new();
    for range in ranges {
        let covered = opened.last().is_some_and(|index| index.range().1 >= range.0);
        match sealed::open(disk, files, range)? {
            Some(index) if !covered => opened.push(Arc::new(index)),
            _ => disk.remove(&sealed::name(range))?,
        }
        sealed::bound_filters(&opened, filter_bytes_max);
    }
    Ok(opened)
}
