//! Reads every byte of every file, and says what is not as it was written.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::folder::Folder;
use super::{Damage, DamageKind, Hits, Inspector, Watch};
use crate::checkpoint;
use crate::cold::{self, ColdError, ledger};
use crate::conversation_heads::dropped;
use crate::index::sealed;
use crate::seal::Trouble;
use crate::segment;

mod segments;

/// Most damages that are listed.
const DAMAGES_MAX: usize = 10_000;
/// Finished segments from which on a checkpoint must be there.
const CHECKPOINT_EXPECTED: usize = 9;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Files that were read.
    pub files: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Frames that are as they were written.
    pub frames: u64,
    /// Blocks of indexes that were read.
    pub blocks: u64,
    /// Segments in the store that were not read: no store is set, or it did not answer.
    pub cold_unread: u64,
    /// Why the first of these was not read, where a store is set.
    pub cold_trouble: Option<String>,
    /// Encrypted messages that no key opens; after a tenant's key was taken away, that is as it should be.
    pub unreadable: Vec<Unreadable>,
    /// What is wrong, at most 10,000 of it.
    pub damages: Vec<Damage>,
    /// How much more is wrong.
    pub more: u64,
}

/// Encrypted messages of one tenant that no key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Whose messages.
    pub tenant: u32,
    /// Why.
    pub trouble: Trouble,
    /// How many.
    pub messages: u64,
}

impl Verification {
    /// Whether everything is as it was written.
    pub fn is_sound(&self) -> bool {
        self.damages.is_empty()
    }

    fn unreadable(&mut self, tenant: u32, trouble: Trouble, messages: u64) {
        let same = |known: &&mut Unreadable| known.tenant == tenant && known.trouble == trouble;
        match self.unreadable.iter_mut().find(same) {
            Some(known) => known.messages += messages,
            None => self.unreadable.push(Unreadable {
                tenant,
                trouble,
                messages,
            }),
        }
    }

    fn damage(&mut self, damage: Damage) {
        if self.damages.len() < DAMAGES_MAX {
            self.damages.push(damage);
        } else {
            self.more += 1;
        }
    }

    fn whole_file(&mut self, file: String, length: u64, kind: DamageKind) {
        self.damage(Damage {
            file,
            offset: 0,
            length,
            kind,
            hits: Hits::default(),
        });
    }
}

/// A verification under way.
struct Desk<'a> {
    inspector: &'a Inspector,
    folder: Folder,
    /// Where the checksums of segments start, by their indexes.
    salts: BTreeMap<u64, u64>,
    /// Segments that some index covers.
    covered: BTreeSet<u64>,
    /// The lowest segment that retention has kept, as far as that is readable.
    lowest: u64,
    total: u64,
    watch: Watch<'a>,
    found: Verification,
}

impl Inspector {
    /// Reads every frame of every segment, every block of every index, and all other files.
    pub fn verify(&self, watch: Watch<'_>) -> io::Result<Verification> {
        let folder = self.folder()?;
        let mut desk = Desk {
            inspector: self,
            lowest: dropped::read(&*self.local, 1)?.map_or(1, |dropped| dropped.lowest),
            total: folder.bytes(),
            folder,
            salts: BTreeMap::new(),
            covered: BTreeSet::new(),
            watch,
            found: Verification::default(),
        };
        desk.found.cold_unread = desk.folder.unread();
        desk.set_aside();
        desk.indexes()?;
        desk.segments()?;
        desk.states()?;
        desk.found
            .damages
            .sort_by(|a, b| (&a.file, a.offset).cmp(&(&b.file, b.offset)));
        Ok(desk.found)
    }
}

impl Desk<'_> {
    fn read(&mut self, bytes: u64) {
        self.found.files += 1;
        self.found.bytes += bytes;
        (self.watch)(self.found.bytes, self.total);
    }

    /// Whether a segment could not be read because of the store: then it is counted, or missing there.
    fn is_left_out(&mut self, no: u64, size: u64, error: &io::Error) -> bool {
        match cold::of_io(error) {
            None => false,
            Some(ColdError::Missing { .. }) => {
                self.found.whole_file(segment::name(no), size, DamageKind::Missing);
                true
            }
            Some(ColdError::Damaged { .. }) => {
                self.found.whole_file(segment::name(no), size, DamageKind::Content);
                true
            }
            Some(trouble) => {
                self.found.cold_unread += 1;
                self.found.cold_trouble.get_or_insert_with(|| trouble.to_string());
                true
            }
        }
    }

    fn set_aside(&mut self) {
        for (name, size) in std::mem::take(&mut self.folder.set_aside) {
            self.found.whole_file(name, size, DamageKind::SetAside);
        }
    }

    fn indexes(&mut self) -> io::Result<()> {
        for (name, size) in self.folder.indexes.clone() {
            let (checked, segments) = match sealed::verify::check(&*self.inspector.disk, &name) {
                Ok(checked) => checked,
                // A merge or retention took it away meanwhile.
                Err(_) if !self.inspector.is_there(&name)? => continue,
                Err(_) => {
                    self.found.whole_file(name, size, DamageKind::Unreadable);
                    continue;
                }
            };
            self.read(size);
            self.found.blocks += checked.blocks;
            for fault in checked.faults {
                self.found.damage(Damage {
                    file: name.clone(),
                    offset: fault.offset,
                    length: fault.length,
                    kind: fault.kind,
                    hits: Hits::default(),
                });
            }
            for (no, salt) in segments {
                self.covered.insert(no);
                self.salts.extend(salt.map(|salt| (no, salt)));
                self.lone_index(&name, no)?;
            }
        }
        Ok(())
    }

    /// An index of a segment that is not there.
    fn lone_index(&mut self, index: &str, no: u64) -> io::Result<()> {
        let name = segment::name(no);
        // A merged index outlives some of its segments.
        if no < self.lowest {
            return Ok(());
        }
        if self.folder.segments.contains_key(&no)
            || self.folder.cold.contains_key(&no)
            || self.inspector.is_there(&name)?
        {
            return Ok(());
        }
        // A merged index outlives the first of its segments. It is said that they went before they do.
        if no < dropped::kept_from(&*self.inspector.disk)? {
            return Ok(());
        }
        if self.inspector.is_there(index)? {
            self.found.whole_file(name, 0, DamageKind::Missing);
        }
        Ok(())
    }

    fn states(&mut self) -> io::Result<()> {
        if !self.folder.states.contains_key(checkpoint::NAME) {
            let late = self.covered.len() > CHECKPOINT_EXPECTED
                && !self.inspector.settles(|| self.inspector.is_there(checkpoint::NAME))?;
            if late {
                self.found
                    .whole_file(checkpoint::NAME.to_owned(), 0, DamageKind::Missing);
            }
        }
        for (name, size) in self.folder.states.clone() {
            match self.state(&name) {
                Ok(None) => {}
                Ok(Some(kind)) => self.found.whole_file(name, size, kind),
                // Another one took its place meanwhile.
                Err(_) if !self.inspector.is_there(&name)? => continue,
                Err(_) => self.found.whole_file(name, size, DamageKind::Unreadable),
            }
            self.read(size);
        }
        Ok(())
    }

    /// What is wrong with a file of state, if anything.
    fn state(&mut self, name: &str) -> io::Result<Option<DamageKind>> {
        let disk = &*self.inspector.disk;
        if name == ledger::NAME {
            let sound = ledger::Contents::read(&*self.inspector.local)?.is_ok();
            return Ok((!sound).then_some(DamageKind::Ledger));
        }
        if !checkpoint::is_name(name) {
            let sound = dropped::check(disk, name)?.faults.is_empty();
            return Ok((!sound).then_some(DamageKind::Checkpoint));
        }
        let looked = checkpoint::look(disk, name)?;
        let Some(covers) = looked.covers.filter(|_| looked.checked.faults.is_empty()) else {
            return Ok(Some(DamageKind::Checkpoint));
        };
        if looked.has_before && !self.inspector.is_there(checkpoint::BEFORE)? {
            let before = checkpoint::BEFORE.to_owned();
            self.found.whole_file(before, 0, DamageKind::Missing);
        }
        let last = self.folder.segments.keys().chain(self.folder.cold.keys()).max();
        let beyond = last.is_some_and(|last| covers > *last);
        Ok(beyond.then_some(DamageKind::Misplaced))
    }
}
