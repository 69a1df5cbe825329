//! A disk in memory that behaves as badly as disks may: it forgets what was not synced, tears writes, fills up, fails.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile};

mod state;

use state::State;

/// What happened on the disk, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A file was made.
    Create(String),
    /// Bytes were handed over; not durable yet.
    Write {
        /// The file's name when it was opened.
        file: String,
        /// Where.
        offset: u64,
        /// How many bytes.
        bytes: usize,
    },
    /// A file's content became durable.
    Sync(String),
    /// A file got another name.
    Rename(String, String),
    /// A file was removed.
    Remove(String),
    /// Names became durable.
    SyncDirectory,
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

impl SimulatedDisk {
    /// An empty disk; `seed` decides what survives a power cut.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State::new(seed))))
    }

    /// The power goes at the `n`-th change from now (write, sync, create, rename, remove), counted from 1:
    /// that change may survive in part, everything after it fails.
    pub fn cut_at_change(&self, n: u64) {
        self.state().cut_in = Some(n);
    }

    /// The power goes now.
    pub fn cut(&self) {
        self.state().off = true;
    }

    /// Whether the power is gone.
    pub fn is_off(&self) -> bool {
        self.state().off
    }

    /// How many changes were made since the disk was new.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// The disk as it is found after the power came back: synced content and names, and of the rest whatever the
    /// seed lets through, torn at any byte. This disk goes off.
    #[must_use]
    pub fn crash(&self) -> Self {
        let mut state = self.state();
        state.off = true;
        Self(Arc::new(Mutex::new(state.after_crash())))
    }

    /// Room for `bytes` in all, or without limit.
    pub fn set_space(&self, bytes: Option<u64>) {
        self.state().space = bytes;
    }

    /// Bytes that files take now.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Whether every sync from now on fails.
    pub fn fail_syncs(&self, fail: bool) {
        self.state().fail_syncs = fail;
    }

    /// Turns the bits of one stored byte, as a bad sector would. Returns `false` if there is no such byte.
    pub fn flip(&self, file: &str, offset: u64) -> bool {
        self.state().flip(file, offset)
    }

    /// A file's whole content as a reader sees it.
    pub fn content(&self, file: &str) -> Option<Vec<u8>> {
        self.state().content(file)
    }

    /// Starts to record operations, at most `limit` of them.
    pub fn record_operations(&self, limit: usize) {
        self.state().trace_limit = limit;
    }

    /// What was recorded.
    pub fn operations(&self) -> Vec<Operation> {
        self.state().trace.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.state().create(name)?;
        Ok(Arc::new(SimulatedFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.state().lookup(name)?;
        Ok(Arc::new(SimulatedFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.state().list()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.state().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.state().sync_directory()
    }
}

struct SimulatedFile {
    disk: SimulatedDisk,
    inode: usize,
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.state().read(self.inode, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.state().write(self.inode, bytes, offset)
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.disk.state().reserve(self.inode, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.state().sync(self.inode)
    }

    fn size(&self) -> io::Result<u64> {
        self.disk.state().size(self.inode)
    }
}
