//! What the simulated disk holds: what is seen, what is durable, and what lies between.

use std::collections::BTreeMap;
use std::io;

use super::Operation;

/// Everything a simulated disk knows.
#[derive(Debug)]
pub(super) struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since the last sync of the directory, in order.
    unsynced_names: Vec<NameChange>,
    pub(super) space: Option<u64>,
    pub(super) fail_syncs: bool,
    pub(super) off: bool,
    pub(super) cut_in: Option<u64>,
    pub(super) changes: u64,
    pub(super) trace: Vec<Operation>,
    pub(super) trace_limit: usize,
    random: Random,
}

#[derive(Debug, Default)]
struct Inode {
    name: String,
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
    reserved: usize,
}

#[derive(Debug)]
enum NameChange {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

/// Whether a change happens.
enum Step {
    Whole,
    /// The power goes during it.
    Cut,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            inodes: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            space: None,
            fail_syncs: false,
            off: false,
            cut_in: None,
            changes: 0,
            trace: Vec::new(),
            trace_limit: 0,
            random: Random(seed),
        }
    }

    fn alive(&self) -> io::Result<()> {
        if self.off {
            Err(io::Error::other("the power is off"))
        } else {
            Ok(())
        }
    }

    /// Counts one change and says whether it is the last.
    fn step(&mut self, operation: impl FnOnce() -> Operation) -> io::Result<Step> {
        self.alive()?;
        self.changes += 1;
        if let Some(left) = &mut self.cut_in {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.off = true;
                return Ok(Step::Cut);
            }
        }
        if self.trace.len() < self.trace_limit {
            self.trace.push(operation());
        }
        Ok(Step::Whole)
    }

    pub(super) fn used(&self) -> u64 {
        let taken = self.names.values().map(|&inode| {
            let inode = &self.inodes[inode];
            inode.seen.len().max(inode.reserved) as u64
        });
        taken.sum()
    }

    fn room_for(&self, growth: usize) -> bool {
        self.space.is_none_or(|space| self.used() + growth as u64 <= space)
    }

    pub(super) fn create(&mut self, name: &str) -> io::Result<usize> {
        self.alive()?;
        if self.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let step = self.step(|| Operation::Create(name.to_owned()))?;
        let inode = self.inodes.len();
        self.inodes.push(Inode {
            name: name.to_owned(),
            ..Inode::default()
        });
        self.names.insert(name.to_owned(), inode);
        self.unsynced_names.push(NameChange::Create(name.to_owned(), inode));
        finish(&step).map(|()| inode)
    }

    pub(super) fn lookup(&self, name: &str) -> io::Result<usize> {
        self.alive()?;
        self.names
            .get(name)
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        self.alive()?;
        Ok(self.names.keys().cloned().collect())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let inode = self.lookup(from)?;
        let step = self.step(|| Operation::Rename(from.to_owned(), to.to_owned()))?;
        self.names.remove(from);
        self.names.insert(to.to_owned(), inode);
        to.clone_into(&mut self.inodes[inode].name);
        self.unsynced_names
            .push(NameChange::Rename(from.to_owned(), to.to_owned()));
        finish(&step)
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.lookup(name)?;
        let step = self.step(|| Operation::Remove(name.to_owned()))?;
        self.names.remove(name);
        self.unsynced_names.push(NameChange::Remove(name.to_owned()));
        finish(&step)
    }

    pub(super) fn sync_directory(&mut self) -> io::Result<()> {
        self.alive()?;
        if self.fail_syncs {
            return Err(io::Error::other("the sync failed"));
        }
        let step = self.step(|| Operation::SyncDirectory)?;
        finish(&step)?;
        self.durable_names = self.names.clone();
        self.unsynced_names.clear();
        Ok(())
    }

    pub(super) fn size(&self, inode: usize) -> io::Result<u64> {
        self.alive()?;
        Ok(self.inodes[inode].seen.len() as u64)
    }

    pub(super) fn read(&self, inode: usize, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.alive()?;
        let seen = &self.inodes[inode].seen;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(seen.len());
        let count = buffer.len().min(seen.len() - start);
        buffer[..count].copy_from_slice(&seen[start..start + count]);
        Ok(count)
    }

    pub(super) fn write(&mut self, inode: usize, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.alive()?;
        let offset = usize::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        let file = self.inodes[inode].name.clone();
        let step = self.step(|| Operation::Write {
            file,
            offset: offset as u64,
            bytes: bytes.len(),
        })?;
        let taken = self.inodes[inode].seen.len().max(self.inodes[inode].reserved);
        let full = !self.room_for((offset + bytes.len()).saturating_sub(taken));
        // A full disk takes some part of the bytes before it says so.
        let count = if full {
            self.random.below(bytes.len())
        } else {
            bytes.len()
        };
        let target = &mut self.inodes[inode];
        overlay(&mut target.seen, offset, &bytes[..count]);
        target.unsynced.push((offset, bytes[..count].to_vec()));
        if full {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            finish(&step)
        }
    }

    pub(super) fn reserve(&mut self, inode: usize, bytes: u64) -> io::Result<()> {
        self.alive()?;
        let bytes = usize::try_from(bytes).map_err(|_| io::ErrorKind::InvalidInput)?;
        let taken = self.inodes[inode].seen.len().max(self.inodes[inode].reserved);
        if !self.room_for(bytes.saturating_sub(taken)) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inodes[inode].reserved = bytes;
        Ok(())
    }

    pub(super) fn sync(&mut self, inode: usize) -> io::Result<()> {
        self.alive()?;
        if self.fail_syncs {
            return Err(io::Error::other("the sync failed"));
        }
        let file = self.inodes[inode].name.clone();
        let step = self.step(|| Operation::Sync(file))?;
        finish(&step)?;
        let target = &mut self.inodes[inode];
        for (offset, bytes) in target.unsynced.drain(..) {
            overlay(&mut target.durable, offset, &bytes);
        }
        Ok(())
    }

    pub(super) fn flip(&mut self, file: &str, offset: u64) -> bool {
        let Some(&inode) = self.names.get(file) else {
            return false;
        };
        let target = &mut self.inodes[inode];
        let Ok(offset) = usize::try_from(offset) else {
            return false;
        };
        let Some(byte) = target.seen.get_mut(offset) else {
            return false;
        };
        *byte = !*byte;
        let turned = *byte;
        if let Some(byte) = target.durable.get_mut(offset) {
            *byte = turned;
        }
        true
    }

    pub(super) fn content(&self, file: &str) -> Option<Vec<u8>> {
        self.names.get(file).map(|&inode| self.inodes[inode].seen.clone())
    }

    /// What is found after the power came back.
    pub(super) fn after_crash(&mut self) -> Self {
        let mut found = Self::new(self.random.next());
        found.space = self.space;
        found.trace_limit = self.trace_limit;
        let kept = self.random.below(self.unsynced_names.len() + 1);
        let mut names = self.durable_names.clone();
        for change in self.unsynced_names.iter().take(kept) {
            change.apply(&mut names);
        }
        for (name, inode) in names {
            let durable = self.surviving(inode);
            let number = found.inodes.len();
            let seen = durable.clone();
            found.inodes.push(Inode {
                name: name.clone(),
                seen,
                durable,
                ..Inode::default()
            });
            found.names.insert(name, number);
        }
        found.durable_names = found.names.clone();
        found
    }

    /// A file's durable content with any part of its unsynced writes.
    fn surviving(&mut self, inode: usize) -> Vec<u8> {
        let source = &self.inodes[inode];
        let mut content = source.durable.clone();
        for (offset, bytes) in &source.unsynced {
            match self.random.below(4) {
                0 => {}
                1 => overlay(&mut content, *offset, bytes),
                2 => overlay(&mut content, *offset, &bytes[..self.random.below(bytes.len() + 1)]),
                // Sectors reach the disk in any order, so a later part may be there without an earlier one.
                _ => {
                    let from = self.random.below(bytes.len() + 1);
                    let length = self.random.below(bytes.len() - from + 1);
                    overlay(&mut content, offset + from, &bytes[from..from + length]);
                }
            }
        }
        content
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

fn finish(step: &Step) -> io::Result<()> {
    match step {
        Step::Whole => Ok(()),
        Step::Cut => Err(io::Error::other("the power went")),
    }
}

fn overlay(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// A small seeded generator (splitmix64): a run can be repeated.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number under `bound`; 0 if `bound` is 0.
    fn below(&mut self, bound: usize) -> usize {
        let bound = (bound as u64).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }
}
