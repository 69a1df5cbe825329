//! Segment files, opened when they are read and closed again when too many are open.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::name;
use crate::disk::{Disk, DiskFile};
use crate::state::Map;

/// The open files of finished segments.
pub(crate) struct OpenFiles {
    disk: Arc<dyn Disk>,
    max: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    files: Map<u64, Used>,
    /// Counts uses, so that the file unused for longest is known.
    uses: u64,
    /// Counts swaps, so that a file opened before one is not kept after it.
    swaps: u64,
}

struct Used {
    file: Arc<dyn DiskFile>,
    at: u64,
}

impl OpenFiles {
    /// Keeps at most `max` files open, besides those somebody is reading.
    pub(crate) fn new(disk: Arc<dyn Disk>, max: usize) -> Self {
        Self {
            disk,
            max: max.max(1),
            open: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of a segment.
    pub(crate) fn get(&self, no: u64) -> io::Result<Arc<dyn DiskFile>> {
        let swaps = {
            let mut open = self.lock();
            open.uses += 1;
            let uses = open.uses;
            if let Some(used) = open.files.get_mut(&no) {
                used.at = uses;
                return Ok(Arc::clone(&used.file));
            }
            open.swaps
        };
        let file = self.disk.open(&name(no))?;
        let mut open = self.lock();
        if open.swaps == swaps {
            if open.files.len() >= self.max
                && let Some(oldest) = open.files.iter().min_by_key(|(_, used)| used.at).map(|(no, _)| *no)
            {
                open.files.remove(&oldest);
            }
            let at = open.uses;
            let file = Arc::clone(&file);
            open.files.insert(no, Used { file, at });
        }
        Ok(file)
    }

    /// Another file has the segment's name now, or none: who reads next opens it anew. Call it after the rename or
    /// the removal.
    pub(crate) fn swapped(&self, no: u64) {
        let mut open = self.lock();
        open.swaps += 1;
        open.files.remove(&no);
    }

    /// How many are open.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.lock().files.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimulatedDisk;

    #[test]
    fn few_files_stay_open_and_a_swapped_one_is_opened_anew() {
        let disk = Arc::new(SimulatedDisk::new(1));
        for no in 1..=5 {
            disk.create(&name(no))
                .and_then(|file| file.write_at(b"old", 0))
                .expect("room");
        }
        let files = OpenFiles::new(disk.clone(), 2);
        for no in 1..=5 {
            assert_eq!(files.get(no).and_then(|file| file.size()).expect("there"), 3);
            assert!(files.count() <= 2);
        }
        disk.create("new")
            .and_then(|file| file.write_at(b"newer", 0))
            .expect("room");
        disk.rename("new", &name(5)).expect("there");
        files.swapped(5);
        assert_eq!(files.get(5).and_then(|file| file.size()).expect("there"), 5);
        assert!(files.get(9).is_err());
    }
}
