//! The log as of one moment, as files to be copied: whole finished ones, and the one being written up to its last commit.

use std::io;

use bytes::Bytes;
use godwit_model::ServerId;

use super::walk::{Seen, first_durable_before, walk_segment};
use super::{DamageKind, Inspector};
use crate::cold::ledger;
use crate::conversation_heads::dropped;
use crate::frame::FrameKind;
use crate::index::sealed;
use crate::record::decode;
use crate::segment;

/// A consistent part of a log, from its beginning up to a commit.
#[derive(Clone, Debug, Default)]
pub struct Cut {
    /// Finished segments in ascending order, those included that are only in the store. They never change, but retention may take the first ones away.
    pub segments: Vec<String>,
    /// Those of them that have an index: a start never writes to them again, so that a link to one stays as it is.
    pub sealed: Vec<String>,
    /// Indexes of finished segments. They never change, but merges take them away; a missing one is built again.
    pub indexes: Vec<String>,
    /// The segment being written, as it was.
    pub active: Option<ActivePart>,
    /// The last message of the cut: everything up to it is in here, nothing behind it.
    pub last_id: Option<ServerId>,
}

/// The segment being written, up to its last whole commit.
#[derive(Clone, Debug)]
pub struct ActivePart {
    /// Its file name.
    pub name: String,
    /// What it holds up to its last whole commit.
    pub bytes: Bytes,
    /// How long the file is; zeros follow behind `bytes`.
    pub length: u64,
}

impl Cut {
    /// When the last message of the cut was accepted, in milliseconds since 1970; 0 if there is none.
    pub fn moment_ms(&self) -> u64 {
        self.last_id.map_or(0, decode::time_of)
    }
}

impl Inspector {
    /// Files of the whole state; the list of segments in a store is none of them. Copied before a cut is made, they never say more than the cut.
    pub fn state_files(&self) -> io::Result<Vec<String>> {
        let names = self.folder()?.states.into_keys();
        Ok(names.filter(|name| name != ledger::NAME).collect())
    }

    /// Those of the state files that tell what was dropped. A copy of the log must agree with them: as long as it is
    /// made they must not change.
    pub fn dropped_files(&self) -> io::Result<Vec<String>> {
        let names = self.folder()?.states.into_keys();
        Ok(names.filter(|name| dropped::is_name(name)).collect())
    }

    /// Cuts the log at the last whole commit. Everything that was acknowledged before the call is in the cut.
    pub fn cut(&self) -> io::Result<Cut> {
        loop {
            let folder = self.folder()?;
            let mut numbers: Vec<u64> = folder.segments.keys().chain(folder.cold.keys()).copied().collect();
            numbers.sort_unstable();
            numbers.dedup();
            let Some(at) = self.last_with_commits(&numbers)? else {
                return Ok(Cut::default());
            };
            let active = self.active_part(numbers[at])?;
            // A segment that was begun meanwhile makes this one a finished one, whose end may have been missed.
            let later: Vec<u64> = self
                .folder()?
                .segments
                .into_keys()
                .filter(|no| *no > numbers[at])
                .collect();
            if self.last_with_commits(&later)?.is_some() {
                continue;
            }
            let finished = &numbers[..at];
            let indexes = folder.indexes.into_keys();
            let within = |name: &String| sealed::range(name).is_some_and(|(_, last)| last < numbers[at]);
            let indexes: Vec<_> = indexes.filter(within).collect();
            let covers =
                |name: &String, no: u64| sealed::range(name).is_some_and(|(first, last)| first <= no && no <= last);
            let covered = |no: &&u64| indexes.iter().any(|name| covers(name, **no));
            return Ok(Cut {
                last_id: self.last_id(&active, finished)?,
                segments: finished.iter().map(|no| segment::name(*no)).collect(),
                sealed: finished.iter().filter(covered).map(|no| segment::name(*no)).collect(),
                indexes,
                active: Some(active),
            });
        }
    }

    fn last_with_commits(&self, numbers: &[u64]) -> io::Result<Option<usize>> {
        for (at, no) in numbers.iter().enumerate().rev() {
            if let Some(salt) = self.salt(*no)?
                && first_durable_before(&self.front(*no)?, salt).is_some()
            {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn active_part(&self, no: u64) -> io::Result<ActivePart> {
        let bytes = self.bytes_of(no)?;
        let length = bytes.len() as u64;
        let salt = self.salt(no)?.ok_or(io::ErrorKind::NotFound)?;
        let mut damaged = false;
        let ended = walk_segment(&bytes, salt, None, None, &mut |seen| {
            damaged |= matches!(seen, Seen::Fault(fault) if fault.kind != DamageKind::Torn);
        });
        if damaged {
            let name = segment::name(no);
            tracing::warn!(name, "the segment being written is damaged; it is copied as it is");
        }
        let tail = usize::try_from(ended.tail).map_err(io::Error::other)?;
        Ok(ActivePart {
            name: segment::name(no),
            bytes: bytes.slice(..tail),
            length,
        })
    }

    /// The highest server id: in the segment being written, or else in the finished one before.
    fn last_id(&self, active: &ActivePart, finished: &[u64]) -> io::Result<Option<ServerId>> {
        let salt = |no| self.salt(no);
        let mut padded = vec![0; usize::try_from(active.length).map_err(io::Error::other)?];
        padded[..active.bytes.len()].copy_from_slice(&active.bytes);
        let no = segment::number(&active.name).unwrap_or_default();
        let mut candidates = vec![(no, Bytes::from(padded))];
        let mut before = finished.iter().rev();
        while let Some((no, bytes)) = candidates.pop() {
            let mut last = None;
            if let Some(salt) = salt(no)? {
                walk_segment(&bytes, salt, None, None, &mut |seen| last = last.max(id_of(&seen)));
            }
            if last.is_some() {
                return Ok(last);
            }
            if let Some(no) = before.next() {
                candidates.push((*no, self.bytes_of(*no)?));
            }
        }
        Ok(None)
    }
}

fn id_of(seen: &Seen<'_>) -> Option<ServerId> {
    match seen {
        Seen::Frame {
            kind: FrameKind::Message | FrameKind::Intent,
            body,
            ..
        } => Some(decode::stored(body)?.record.server_id),
        _ => None,
    }
}
