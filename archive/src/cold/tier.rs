//! The folder of the log together with the store: a segment that is not here is opened there.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::ColdFile;
use super::ledger::{Damaged, Ledger, State};
use super::object::Stored;
use super::{ColdError, ColdStats, ColdStore};
use crate::disk::{Disk, DiskFile};
use crate::segment;

/// A disk whose old segments may be in a store. Everything that changes a segment's file goes through it, so that an
/// object never outlives the content that it is a copy of.
pub(crate) struct Tier {
    local: Arc<dyn Disk>,
    store: Option<ColdStore>,
    known: Mutex<Known>,
    /// The background ends; what it waits for is given up.
    closing: AtomicBool,
}

struct Known {
    ledger: Ledger,
    /// Counts changes of segment files, so that a copy made before one is not taken for what it is after.
    swaps: u64,
}

fn is_missing<T>(result: &io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::NotFound)
}

impl Tier {
    /// Reads the ledger of a folder.
    pub(crate) fn open(local: Arc<dyn Disk>, store: Option<ColdStore>) -> io::Result<Result<Self, Damaged>> {
        let ledger = Ledger::open(Arc::clone(&local))?;
        Ok(ledger.map(|ledger| Self {
            local,
            store,
            known: Mutex::new(Known { ledger, swaps: 0 }),
            closing: AtomicBool::new(false),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nobody in the background waits for the store. Readers do.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Set once everything ends.
    pub(super) fn closing(&self) -> &AtomicBool {
        &self.closing
    }

    pub(crate) fn store(&self) -> Option<&ColdStore> {
        self.store.as_ref()
    }

    /// The folder alone.
    pub(super) fn local(&self) -> &dyn Disk {
        &*self.local
    }

    /// What the store holds.
    pub(crate) fn stats(&self) -> ColdStats {
        let known = self.lock();
        let contents = &known.ledger.contents;
        let cold = contents.kept.values().filter(|(state, _)| *state == State::Cold);
        ColdStats {
            segments: cold.clone().count() as u64,
            bytes: cold.map(|(_, stored)| stored.length).sum(),
            owed: contents.condemned.len() as u64,
        }
    }

    /// Whether a segment is read from the store.
    pub(crate) fn is_cold(&self, no: u64) -> bool {
        let kept = matches!(self.kept(no), Some((State::Cold, _)));
        kept && is_missing(&self.local.open(&segment::name(no)))
    }

    /// Whether there are objects to be deleted.
    pub(crate) fn owes(&self) -> bool {
        !self.lock().ledger.contents.condemned.is_empty()
    }

    pub(super) fn kept(&self, no: u64) -> Option<(State, Stored)> {
        self.lock().ledger.contents.kept.get(&no).copied()
    }

    /// Objects that were being put into the store when the last run ended.
    pub(super) fn interrupted(&self) -> Vec<Stored> {
        let known = self.lock();
        let kept = known.ledger.contents.kept.values();
        kept.filter(|(state, _)| *state == State::Uploading)
            .map(|(_, stored)| *stored)
            .collect()
    }

    /// How often segment files were changed.
    pub(super) fn swaps(&self) -> u64 {
        self.lock().swaps
    }

    /// Notes that an object is about to be put into the store. `false` if segments changed since `swaps`: what was
    /// measured may not be what is here.
    pub(super) fn begin(&self, stored: Stored, swaps: u64) -> io::Result<bool> {
        let mut known = self.lock();
        let unchanged = known.swaps == swaps;
        if unchanged {
            known.ledger.note(State::Uploading, stored)?;
        }
        Ok(unchanged)
    }

    /// Notes that an object is proved, and removes the segment here. `false` if it was condemned meanwhile.
    pub(super) fn settle(&self, stored: Stored) -> io::Result<bool> {
        {
            let mut known = self.lock();
            let kept = known.ledger.contents.kept.get(&stored.no);
            if kept.is_none_or(|(_, kept)| kept.nonce != stored.nonce) {
                return Ok(false);
            }
            known.ledger.note(State::Cold, stored)?;
            self.local.remove(&segment::name(stored.no))?;
        }
        self.local.sync_directory()?;
        Ok(true)
    }

    /// An object that was noted may not be what is here: it has to go.
    pub(super) fn condemn(&self, stored: Stored) -> io::Result<()> {
        let mut known = self.lock();
        let kept = known.ledger.contents.kept.get(&stored.no);
        if kept.is_some_and(|(_, kept)| kept.nonce == stored.nonce) {
            known.ledger.note(State::Condemned, stored)?;
        }
        Ok(())
    }

    /// Brings a segment back from the store, to be changed here. Until it is, its object stays what is counted on.
    pub(crate) fn recall(&self, no: u64) -> io::Result<()> {
        let Some((_, stored)) = self.kept(no) else {
            return Ok(());
        };
        let store = self.store.as_ref().ok_or(ColdError::NoStore { segment: no })?;
        let temporary = format!("{}.tmp", segment::name(no));
        let fetched = self.fetch(store, &stored, &temporary);
        if fetched.is_err() {
            // It would only take room; a start removes it if this fails too.
            let _ = self.local.remove(&temporary);
        }
        fetched?;
        {
            let known = self.lock();
            let kept = known.ledger.contents.kept.get(&no);
            if kept.is_none_or(|(_, kept)| kept.nonce != stored.nonce) {
                return self.local.remove(&temporary);
            }
            self.local.rename(&temporary, &segment::name(no))?;
        }
        self.local.sync_directory()
    }

    fn fetch(&self, store: &ColdStore, stored: &Stored, temporary: &str) -> io::Result<()> {
        let file = match self.local.create(temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.local.remove(temporary)?;
                self.local.create(temporary)?
            }
            other => other?,
        };
        store.whole(stored, Some(&self.closing), |offset, bytes| {
            file.write_at(bytes, offset)
        })?;
        file.sync_data()
    }

    /// Deletes the objects that are owed. Says how many went.
    pub(crate) fn sweep(&self) -> io::Result<u64> {
        let condemned: Vec<Stored> = self.lock().ledger.contents.condemned.values().copied().collect();
        let mut gone = 0;
        for stored in condemned {
            let Some(store) = &self.store else {
                return Err(ColdError::NoStore { segment: stored.no }.into());
            };
            store.delete(&stored, &self.closing)?;
            self.lock().ledger.note(State::Gone, stored)?;
            metrics::counter!("archive_cold_deleted_objects_total").increment(1);
            gone += 1;
        }
        Ok(gone)
    }
}

impl Known {
    /// The segment's object is not what counts any more.
    fn disown(&mut self, no: u64) -> io::Result<()> {
        match self.ledger.contents.kept.get(&no) {
            Some((_, stored)) => self.ledger.note(State::Condemned, *stored),
            None => Ok(()),
        }
    }
}

impl Disk for Tier {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.local.create(name)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let opened = self.local.open(name);
        let Some(no) = segment::number(name).filter(|_| is_missing(&opened)) else {
            return opened;
        };
        match self.kept(no) {
            Some((_, stored)) => Ok(Arc::new(ColdFile {
                stored,
                store: self.store.clone(),
            })),
            // It may have come back between the two looks.
            None => self.local.open(name),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let known = self.lock();
        let mut names = self.local.list()?;
        let kept = known.ledger.contents.kept.keys().map(|no| segment::name(*no));
        let here: HashSet<String> = names.iter().cloned().collect();
        names.extend(kept.filter(|name| !here.contains(name)));
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let Some(no) = segment::number(to) else {
            return self.local.rename(from, to);
        };
        let mut known = self.lock();
        known.swaps += 1;
        self.local.rename(from, to)?;
        if known.ledger.contents.kept.contains_key(&no) {
            // Before the object may go, the file has to be there for good.
            self.local.sync_directory()?;
            known.disown(no)?;
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let Some(no) = segment::number(name) else {
            return self.local.remove(name);
        };
        let mut known = self.lock();
        known.swaps += 1;
        let removed = self.local.remove(name);
        if is_missing(&removed) && known.ledger.contents.kept.contains_key(&no) {
            return known.disown(no);
        }
        removed?;
        known.disown(no)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.local.sync_directory()
    }
}
