//! What files a folder holds, by their names.

use std::collections::BTreeMap;
use std::io;

use super::Inspector;
use crate::checkpoint;
use crate::cold::ledger;
use crate::conversation_heads::dropped;
use crate::disk::Disk;
use crate::index::sealed;
use crate::segment;

/// The files of a log as of one moment.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Segments that are here, and those in a store that can be asked, and their sizes.
    pub(super) segments: BTreeMap<u64, u64>,
    /// Segments that are in the store, and their sizes.
    pub(super) cold: BTreeMap<u64, u64>,
    /// Indexes by name, and their sizes.
    pub(super) indexes: BTreeMap<String, u64>,
    /// Whole-state files and their sizes.
    pub(super) states: BTreeMap<String, u64>,
    /// Files that a start has set aside as damaged.
    pub(super) set_aside: BTreeMap<String, u64>,
}

impl Folder {
    /// Segments in the store that cannot be read, because no store is set.
    pub(super) fn unread(&self) -> u64 {
        self.cold.keys().filter(|no| !self.segments.contains_key(no)).count() as u64
    }

    /// Bytes of all files that a verification reads.
    pub(super) fn bytes(&self) -> u64 {
        let segments = self.segments.values();
        segments
            .chain(self.indexes.values())
            .chain(self.states.values())
            .copied()
            .fold(0, u64::saturating_add)
    }
}

impl Inspector {
    pub(super) fn folder(&self) -> io::Result<Folder> {
        let mut folder = Folder::default();
        let cold = self.tier.cold()?.into_iter();
        folder.cold = cold.map(|stored| (stored.no, stored.length)).collect();
        for name in self.local.list()? {
            let Some(size) = size(&*self.local, &name)? else {
                continue;
            };
            if let Some(no) = segment::number(&name) {
                folder.segments.insert(no, size);
            } else if sealed::is_name(&name) {
                folder.indexes.insert(name, size);
            } else if name.strip_suffix(".damaged").is_some() {
                folder.set_aside.insert(name, size);
            } else if checkpoint::is_name(&name) || dropped::is_name(&name) || name == ledger::NAME {
                folder.states.insert(name, size);
            }
        }
        if self.tier.store().is_some() {
            folder.segments.extend(folder.cold.iter());
        }
        Ok(folder)
    }

    /// Whether a file is still there; merges, retention and rewriting remove files while somebody looks.
    pub(super) fn is_there(&self, name: &str) -> io::Result<bool> {
        Ok(self.disk.list()?.iter().any(|other| other == name))
    }
}

/// A file's size; `None` if it went away meanwhile.
fn size(disk: &dyn Disk, name: &str) -> io::Result<Option<u64>> {
    match disk.open(name).and_then(|file| file.size()) {
        Ok(size) => Ok(Some(size)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
