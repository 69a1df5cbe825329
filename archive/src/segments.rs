//! The segments that are kept, as those see them who decide how long.

use crate::index::Index;
use crate::view::SharedView;

/// One segment of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number; they ascend.
    pub no: u64,
    /// When it gave its first number, in milliseconds since 1970; `None` if it gave none.
    pub first_ms: Option<u64>,
    /// When it gave its last number, in milliseconds since 1970; 0 if it gave none.
    pub last_ms: u64,
    /// Bytes of its file, and its share of the index that covers it.
    pub bytes: u64,
    /// Whether it is finished and has an index in a file: only such a segment can be dropped or rewritten.
    pub sealed: bool,
}

/// All of them, oldest first.
pub(crate) fn list(view: &SharedView, segment_bytes: u64) -> Vec<SegmentInfo> {
    let view = view.read();
    let finished = view.finished();
    let mut segments = Vec::new();
    for index in finished.sealed() {
        let share = index.bytes() / (index.segments().len() as u64).max(1);
        let kept = index
            .segments()
            .iter()
            .filter(|segment| !finished.dropped().is_dropped(segment.no));
        segments.extend(kept.map(|segment| SegmentInfo {
            no: segment.no,
            first_ms: (segment.first_ms <= segment.last_ms).then_some(segment.first_ms),
            last_ms: segment.last_ms,
            bytes: segment.bytes + share,
            sealed: true,
        }));
    }
    let unsealed = finished.sealing().iter().map(|index| &**index).chain([&view.active]);
    segments.extend(unsealed.map(|index| SegmentInfo {
        no: index.segment().no,
        first_ms: index.first_ms(),
        last_ms: index.last_ms(),
        bytes: segment_bytes,
        sealed: false,
    }));
    segments.sort_unstable_by_key(|segment| segment.no);
    segments
}
