//! The folder of a log and its store, only looked at: also while a server moves segments between them.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::file::ColdFile;
use super::ledger::{self, Contents};
use super::object::Stored;
use super::{ColdStore, ledger::Damaged};
use crate::disk::{Disk, DiskFile};
use crate::segment;

/// How often a file is looked for that may be on its way.
const LOOKS: usize = 3;

/// A disk whose old segments may be in a store. Every change is refused.
pub(crate) struct ReadOnlyTier {
    local: Arc<dyn Disk>,
    store: Option<ColdStore>,
    /// The ledger as it was when its file was this long.
    read: Mutex<Option<(u64, Arc<Contents>)>>,
}

impl ReadOnlyTier {
    pub(crate) fn new(local: Arc<dyn Disk>, store: Option<ColdStore>) -> Self {
        Self {
            local,
            store,
            read: Mutex::default(),
        }
    }

    /// Segments that are only in the store, ascending. A damaged ledger names none.
    pub(crate) fn cold(&self) -> io::Result<Vec<Stored>> {
        // The ledger first: what leaves the folder later is in it, and what it names may still be in the folder.
        let contents = self.contents()?;
        let names: HashSet<String> = self.local.list()?.into_iter().collect();
        let kept = contents.kept.values().map(|(_, stored)| *stored);
        Ok(kept
            .filter(|stored| !names.contains(&segment::name(stored.no)))
            .collect())
    }

    pub(crate) fn store(&self) -> Option<&ColdStore> {
        self.store.as_ref()
    }

    fn contents(&self) -> io::Result<Arc<Contents>> {
        let size = match self.local.open(ledger::NAME) {
            Ok(file) => file.size()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, contents)) = &*read
            && *known == size
        {
            return Ok(Arc::clone(contents));
        }
        let contents = Contents::read(&*self.local)?.unwrap_or_else(|Damaged| {
            tracing::error!("the ledger of segments in the store is damaged");
            Contents::default()
        });
        let contents = Arc::new(contents);
        *read = Some((size, Arc::clone(&contents)));
        Ok(contents)
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::PermissionDenied.into())
}

impl Disk for ReadOnlyTier {
    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        refused()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut opened = self.local.open(name);
        let Some(no) = segment::number(name) else {
            return opened;
        };
        for _ in 0..LOOKS {
            if !matches!(&opened, Err(error) if error.kind() == io::ErrorKind::NotFound) {
                break;
            }
            if let Some((_, stored)) = self.contents()?.kept.get(&no) {
                return Ok(Arc::new(ColdFile {
                    stored: *stored,
                    store: self.store.clone(),
                }));
            }
            // A rewriting may just have brought it back.
            opened = self.local.open(name);
        }
        opened
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let cold = self.cold()?;
        let mut names = self.local.list()?;
        let here: HashSet<String> = names.iter().cloned().collect();
        let missing = |name: &String| !here.contains(name);
        let cold = cold.iter().map(|stored| segment::name(stored.no)).filter(missing);
        names.extend(cold);
        Ok(names)
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        refused()
    }

    fn sync_directory(&self) -> io::Result<()> {
        refused()
    }
}
