//! The segments, one after the other: headers, lengths, numbering, and every frame.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;

use super::super::walk::{Ended, Fault, Seen, UNKNOWN, first_durable_before, walk_segment};
use super::super::{Damage, DamageKind, Hits, Inspector, hits};
use super::Desk;
use crate::cold;
use crate::disk::read_exact_at;
use crate::frame::{FRAME_BYTES, FrameKind, Salt};
use crate::index::sealed;
use crate::record::decode;
use crate::seal::{self, KeyRing, Trouble};
use crate::segment::length::{self, Stated};
use crate::segment::{self, HEADER_LENGTH, Header};
use crate::writer::batch::OPENING_BYTES;

/// What was learned from one segment.
struct Looked {
    faults: Vec<Fault>,
    ended: Ended,
    frames: u64,
    unreadable: BTreeMap<(u32, Trouble), u64>,
}

impl Desk<'_> {
    pub(super) fn segments(&mut self) -> io::Result<()> {
        let numbers: Vec<(u64, u64)> = self.folder.segments.iter().map(|(no, size)| (*no, *size)).collect();
        self.gaps(&numbers)?;
        let mut bare = Vec::new();
        let mut durable = None;
        for (at, (no, size)) in numbers.iter().enumerate() {
            let later: Vec<u64> = numbers[at + 1..].iter().map(|(no, _)| *no).collect();
            let next = self.next_durable(&later)?;
            durable = match self.segment(*no, durable, next) {
                Ok(durable) => durable,
                Err(error) if self.is_left_out(*no, *size, &error) => None,
                // Retention took it away meanwhile.
                Err(_) if !self.inspector.is_there(&segment::name(*no))? => None,
                Err(_) => {
                    self.found.whole_file(segment::name(*no), *size, DamageKind::Unreadable);
                    None
                }
            };
            // It was the one being written: it may have grown since, before the next one was begun.
            durable = durable.filter(|_| next.is_some());
            self.read(*size);
            if next.is_some() && !self.has_index(*no)? {
                bare.push(*no);
            }
        }
        self.missing_indexes(&bare);
        Ok(())
    }

    /// Numbers between the first and the last that have no file, and that no index told of.
    fn gaps(&mut self, numbers: &[(u64, u64)]) -> io::Result<()> {
        for pair in numbers.windows(2) {
            for no in pair[0].0 + 1..pair[1].0 {
                let name = segment::name(no);
                if !self.covered.contains(&no) && !self.inspector.is_there(&name)? {
                    self.found.whole_file(name, 0, DamageKind::Missing);
                }
            }
        }
        Ok(())
    }

    /// A finished segment must have an index; a running server may be writing it just now.
    fn has_index(&self, no: u64) -> io::Result<bool> {
        let inspector = self.inspector;
        let covers = |name: &String| sealed::range(name).is_some_and(|(first, last)| (first..=last).contains(&no));
        let has_index = self.covered.contains(&no)
            || inspector.settles(|| Ok(inspector.disk.list()?.iter().any(covers)))?
            || !inspector.is_there(&segment::name(no))?;
        Ok(has_index)
    }

    /// Neighbours without an index are taken for what one merged index covered.
    fn missing_indexes(&mut self, bare: &[u64]) {
        for run in bare.chunk_by(|one, next| one + 1 == *next) {
            if let (Some(first), Some(last)) = (run.first(), run.last()) {
                let name = sealed::name((*first, *last));
                self.found.whole_file(name, 0, DamageKind::Missing);
            }
        }
    }

    /// What the first commit after a segment says was durable before it.
    fn next_durable(&self, later: &[u64]) -> io::Result<Option<u64>> {
        for no in later {
            let Some(salt) = self.salt(*no)? else { continue };
            let front = match self.inspector.front(*no) {
                // What the store does not give is told where that segment's turn is.
                Err(error) if cold::of_io(&error).is_some() => return Ok(Some(UNKNOWN)),
                other => other?,
            };
            if let Some(durable) = first_durable_before(&front, salt) {
                return Ok(Some(durable));
            }
            if self.covered.contains(no) {
                return Ok(Some(UNKNOWN));
            }
        }
        Ok(None)
    }

    fn salt(&self, no: u64) -> io::Result<Option<Salt>> {
        let by_index = self.salts.get(&no).map(|salt| Salt::new(*salt));
        Ok(match segment::open(&*self.inspector.disk, no) {
            Ok(Header::Sound(segment)) => Some(segment.salt()),
            Ok(_) => by_index,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) if cold::of_io(&error).is_some() => by_index,
            Err(error) => return Err(error),
        })
    }

    fn segment(&mut self, no: u64, before: Option<u64>, next: Option<u64>) -> io::Result<Option<u64>> {
        let name = segment::name(no);
        let bytes = self.inspector.bytes_of(no)?;
        let mut faults = header_faults(&bytes, no);
        if let Header::Sound(segment) = segment::open(&*self.inspector.disk, no)?
            && self.salts.get(&no).is_some_and(|salt| *salt != segment.salt_number)
        {
            faults.push(whole(&bytes, DamageKind::Misplaced));
        }
        let misplaced = faults.iter().any(|fault| fault.kind == DamageKind::Misplaced);
        let mut durable = None;
        if !misplaced && let Some(salt) = self.salt(no)? {
            let looked = self.look(no, &bytes, salt, (before, next))?;
            faults.extend(looked.faults);
            self.found.frames += looked.frames;
            for ((tenant, trouble), messages) in looked.unreadable {
                self.found.unreadable(tenant, trouble, messages);
            }
            durable = looked.ended.durable;
        }
        for fault in faults {
            let hits = self.hits(no, &bytes, fault);
            self.found.damage(Damage {
                file: name.clone(),
                offset: fault.offset,
                length: fault.length,
                kind: fault.kind,
                hits,
            });
        }
        Ok(durable)
    }

    /// Walks over a segment; the end of the log is looked at again, because a commit may be under way.
    fn look(
        &self,
        no: u64,
        bytes: &Bytes,
        salt: Salt,
        (before, next): (Option<u64>, Option<u64>),
    ) -> io::Result<Looked> {
        let keys = self.inspector.keys.as_deref();
        let first = look(bytes, salt, (before, next), keys);
        if !first.faults.iter().any(|fault| fault.kind == DamageKind::Torn) {
            return Ok(first);
        }
        let mut latest = None;
        let inspector = self.inspector;
        let moved = inspector.settles(|| {
            let again = look(&inspector.bytes_of(no)?, salt, (before, next), keys);
            let moved = again.ended.tail != first.ended.tail || again.faults.is_empty();
            latest = Some(again);
            Ok(moved)
        })?;
        let mut looked = latest.filter(|_| moved).unwrap_or(first);
        if moved {
            looked.faults.retain(|fault| fault.kind != DamageKind::Torn);
        }
        Ok(looked)
    }

    fn hits(&self, no: u64, bytes: &Bytes, fault: Fault) -> Hits {
        if matches!(fault.kind, DamageKind::Stray | DamageKind::Length) {
            return Hits::default();
        }
        let stretch = fault.offset..fault.offset.saturating_add(fault.length.max(1));
        self.inspector
            .hits_by_index(no, stretch)
            .unwrap_or_else(|| hits::hits_by_bytes(bytes, fault.offset))
    }
}

fn look(bytes: &Bytes, salt: Salt, (before, next): (Option<u64>, Option<u64>), keys: Option<&KeyRing>) -> Looked {
    let (mut faults, mut frames) = (Vec::new(), 0);
    let mut unreadable = BTreeMap::new();
    let ended = walk_segment(bytes, salt, before, next, &mut |seen| match seen {
        Seen::Frame { offset, kind, body } => {
            frames += 1;
            match sealed_trouble(kind, body, keys) {
                Some((_, Trouble::Damaged)) => faults.push(Fault {
                    offset,
                    length: (FRAME_BYTES + body.len()) as u64,
                    kind: DamageKind::Sealed,
                }),
                Some(trouble) => *unreadable.entry(trouble).or_insert(0) += 1,
                None => {}
            }
        }
        Seen::Fault(fault) => faults.push(fault),
    });
    Looked {
        faults,
        ended,
        frames,
        unreadable,
    }
}

/// Why the body of a frame cannot be decrypted, and whose it is.
fn sealed_trouble(kind: FrameKind, body: &Bytes, keys: Option<&KeyRing>) -> Option<(u32, Trouble)> {
    if !matches!(kind, FrameKind::Message | FrameKind::Intent) {
        return None;
    }
    let stored = decode::stored(body).filter(|stored| stored.sealed)?;
    let trouble = seal::trouble(keys, &stored.record)?;
    Some((seal::tenant_of(&stored.record.body), trouble))
}

fn whole(bytes: &Bytes, kind: DamageKind) -> Fault {
    Fault {
        offset: 0,
        length: bytes.len() as u64,
        kind,
    }
}

/// What is wrong with a header and with the length it states.
fn header_faults(bytes: &Bytes, no: u64) -> Vec<Fault> {
    let header = |kind| Fault {
        offset: 0,
        length: HEADER_LENGTH as u64,
        kind,
    };
    let Some(first) = bytes.first_chunk::<HEADER_LENGTH>() else {
        return vec![whole(bytes, DamageKind::Length)];
    };
    let mut faults = Vec::new();
    match segment::parse(first) {
        Some(parsed) if parsed.version != segment::VERSION => faults.push(header(DamageKind::Version)),
        Some(parsed) if parsed.no != no => faults.push(whole(bytes, DamageKind::Misplaced)),
        Some(_) => {}
        None => faults.push(header(DamageKind::Header)),
    }
    match length::read(first) {
        Stated::Bytes(stated) if stated != bytes.len() as u64 => faults.push(Fault {
            offset: stated.min(bytes.len() as u64),
            length: stated.abs_diff(bytes.len() as u64),
            kind: DamageKind::Length,
        }),
        Stated::Damaged if faults.is_empty() => faults.push(header(DamageKind::Header)),
        _ => {}
    }
    faults
}

impl Inspector {
    /// The header of a segment and the frame that opens its first commit.
    pub(in super::super) fn front(&self, no: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; HEADER_LENGTH + OPENING_BYTES];
        let got = self.disk.open(&segment::name(no))?.read_at(&mut bytes, 0)?;
        bytes.truncate(got);
        Ok(bytes)
    }

    /// A whole segment; what a file that is being cut short lacks is not there.
    pub(in super::super) fn bytes_of(&self, no: u64) -> io::Result<Bytes> {
        let file = self.disk.open(&segment::name(no))?;
        let mut bytes = vec![0; usize::try_from(file.size()?).map_err(io::Error::other)?];
        read_exact_at(&*file, &mut bytes, 0)?;
        Ok(bytes.into())
    }
}
