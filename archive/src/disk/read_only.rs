//! A folder of the host that is only looked at, also while another process writes to it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::real::{LOCK, RealFile};
use super::{Disk, DiskFile};

/// A folder of the host that is never changed and never locked. Every change is refused with `PermissionDenied`.
#[derive(Clone, Debug)]
pub struct ReadOnlyDisk {
    folder: PathBuf,
}

impl ReadOnlyDisk {
    /// Looks at a folder that must be there.
    pub fn open(folder: &Path) -> io::Result<Self> {
        std::fs::read_dir(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }
}

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::PermissionDenied.into())
}

impl Disk for ReadOnlyDisk {
    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        refused()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        // Opened for reading only, so the kernel refuses writes.
        Ok(Arc::new(RealFile(File::open(self.folder.join(name))?)))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            // Names that are not text are not ours.
            if let Ok(name) = entry.file_name().into_string()
                && name != LOCK
            {
                names.push(name);
            }
        }
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
