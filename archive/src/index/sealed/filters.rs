//! Which filters of duplicate keys are worth their memory.

use std::sync::Arc;

use godwit_model::limits::DUPLICATE_WINDOW_MS;

use super::SealedIndex;
use crate::index::Index;

/// Gives back those of indexes that end before the window, and of the oldest ones beyond so many bytes. Keys in an index
/// without a filter are looked up in its table, which costs a block of the disk.
pub(crate) fn bound_filters(sealed: &[Arc<SealedIndex>], bytes_max: usize) {
    let now_ms = sealed.last().map_or(0, |index| index.last_ms());
    let since_ms = now_ms.saturating_sub(DUPLICATE_WINDOW_MS);
    let mut left = bytes_max;
    for index in sealed.iter().rev() {
        let bytes = index.originals_bytes();
        if index.last_ms() < since_ms || bytes > left {
            index.forget_originals();
        } else {
            left -= bytes;
        }
    }
}
