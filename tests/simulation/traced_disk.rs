//! A disk that knows which bytes are durable: what was written before a sync that has ended.

use std::io;
use std::sync::{Arc, Mutex};

use godwit_archive::{Disk, DiskFile, SimulatedDisk};

/// The bytes of all writes, and how many of them are under a sync that has ended.
#[derive(Default)]
pub(crate) struct Trace {
    written: Vec<u8>,
    durable: usize,
}

/// A simulated disk with its trace.
#[derive(Clone)]
pub(crate) struct TracedDisk {
    disk: SimulatedDisk,
    trace: Arc<Mutex<Trace>>,
}

impl TracedDisk {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            disk: SimulatedDisk::new(seed),
            trace: Arc::default(),
        }
    }

    /// Whether a text stands in what is durable now.
    pub(crate) fn has(&self, text: &str) -> bool {
        let trace = self.trace.lock().unwrap();
        let durable = &trace.written[..trace.durable];
        durable
            .windows(text.len())
            .rev()
            .any(|window| window == text.as_bytes())
    }

    fn wrap(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(TracedFile {
            file,
            trace: Arc::clone(&self.trace),
        })
    }
}

impl Disk for TracedDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(name).map(|file| self.wrap(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(name).map(|file| self.wrap(file))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.disk.sync_directory()
    }
}

struct TracedFile {
    file: Arc<dyn DiskFile>,
    trace: Arc<Mutex<Trace>>,
}

/// Only the small writes of commits are traced: preparing a segment writes zeroes, sealing one writes indexes.
const COMMIT_BYTES_MAX: usize = 64 * 1024;

impl DiskFile for TracedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)?;
        if bytes.len() <= COMMIT_BYTES_MAX && bytes.iter().any(|byte| *byte != 0) {
            self.trace.lock().unwrap().written.extend(bytes);
        }
        Ok(())
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.file.reserve(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        let written = self.trace.lock().unwrap().written.len();
        self.file.sync_data()?;
        // A slow disk: whoever acknowledges early has the time to be seen.
        std::thread::sleep(std::time::Duration::from_millis(1));
        let mut trace = self.trace.lock().unwrap();
        trace.durable = trace.durable.max(written);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}
