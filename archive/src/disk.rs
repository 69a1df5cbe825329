//! The file system as the archive needs it: one flat folder, positional reads and writes, explicit syncs.

use std::io;
use std::sync::Arc;
use std::time::Instant;

mod read_only;
mod real;
mod simulated;

pub use read_only::ReadOnlyDisk;
pub use real::RealDisk;
pub use simulated::{Operation, SimulatedDisk};

/// One folder of files. Names are plain file names.
pub trait Disk: Send + Sync + 'static {
    /// Makes a new empty file; an existing one is an error.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens an existing file for reading and writing.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// Names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Gives a file another name, replacing what had it. Durable after [`Disk::sync_directory`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Durable after [`Disk::sync_directory`].
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes created, renamed and removed names durable.
    fn sync_directory(&self) -> io::Result<()>;
}

/// One open file; all methods may be called from many threads.
pub trait DiskFile: Send + Sync {
    /// Reads up to the length of `buffer`; fewer bytes only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// The same, giving up at `until` where the bytes are far away. A disk of this machine is waited for.
    fn read_at_until(&self, buffer: &mut [u8], offset: u64, until: Instant) -> io::Result<usize> {
        let _ = until;
        self.read_at(buffer, offset)
    }
    /// Writes all bytes, or fails having written any part of them.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Reserves room for a file of `bytes`, so that a full disk shows now rather than later.
    fn reserve(&self, bytes: u64) -> io::Result<()>;
    /// Makes the content and the length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;
}

/// Whether an error says that the disk is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Reads exactly `buffer`, or fails with `UnexpectedEof`.
pub(crate) fn read_exact_at(file: &dyn DiskFile, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    if file.read_at(buffer, offset)? == buffer.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
