//! Whose numbers stand in a damaged stretch: by the index, or else by what the damaged bytes still seem to say.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;
use godwit_model::AccountNo;

use super::{Hit, Hits, Inspector};
use crate::frame::{self, FRAME_BYTES};
use crate::index::sealed;
use crate::record::decode;

impl Inspector {
    /// By the index of the segment, if it has one that opens.
    pub(super) fn hits_by_index(&self, segment: u64, stretch: Range<u64>) -> Option<Hits> {
        let index = sealed::verify::covering(&self.disk, segment).ok()??;
        Some(gather(index.numbers_in(segment, &stretch), true))
    }
}

/// By the damaged frame itself. Most damages are small, so most of it may still be true.
pub(super) fn hits_by_bytes(bytes: &Bytes, offset: u64) -> Hits {
    let numbers = || {
        let at = usize::try_from(offset).ok()?;
        let size = frame::claimed_size(bytes.get(at..)?)?;
        let end = at.checked_add(size).filter(|end| *end <= bytes.len())?;
        let body = bytes.slice(at.checked_add(FRAME_BYTES).filter(|start| *start <= end)?..end);
        decode::stored(&body)?.numbers()
    };
    gather(numbers().unwrap_or_default(), false)
}

fn gather(numbers: Vec<(AccountNo, u64)>, certain: bool) -> Hits {
    let mut ranges: BTreeMap<AccountNo, (u64, u64)> = BTreeMap::new();
    for (account, seq) in numbers {
        let range = ranges.entry(account).or_insert((seq, seq));
        *range = (range.0.min(seq), range.1.max(seq));
    }
    let more = ranges.len().saturating_sub(Hits::ACCOUNTS_MAX) as u64;
    let named = ranges.into_iter().take(Hits::ACCOUNTS_MAX);
    let accounts: Vec<_> = named
        .map(|(account, (first, last))| Hit { account, first, last })
        .collect();
    Hits {
        certain: certain && !accounts.is_empty(),
        accounts,
        more,
    }
}
