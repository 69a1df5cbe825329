//! Looks at the folder of a log without its writer, also while a server writes to it: figures, damages, contents.
//!
//! Finished files never change, so they are read as they are. The segment being written is read up to its last whole
//! commit; what is in flux is looked at again before it counts as damage.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::KeyRing;
use crate::cold::{self, ColdStore, ReadOnlyTier};
use crate::disk::{Disk, ReadOnlyDisk};

mod cold_files;
mod cut;
mod damage;
mod export;
mod folder;
mod hits;
mod stats;
mod verify;
mod walk;

pub use cold_files::ColdFile;
pub use cut::{ActivePart, Cut};
pub use damage::{Damage, DamageKind, Hit, Hits};
pub use export::{Exported, Selection};
pub use stats::Stats;
pub use verify::{Unreadable, Verification};

/// Told how far a long look has come: bytes read, and bytes there are.
pub type Watch<'a> = &'a mut dyn FnMut(u64, u64);

/// How long something in flux is watched before it counts as damage, unless somebody says otherwise.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two looks at something in flux.
const LOOK: Duration = Duration::from_millis(100);

/// The folder of a log, looked at from outside.
#[derive(Clone)]
pub struct Inspector {
    /// The folder, and behind it the store.
    disk: Arc<dyn Disk>,
    /// The same, for what only it knows.
    tier: Arc<ReadOnlyTier>,
    /// The folder alone.
    local: Arc<dyn Disk>,
    patience: Duration,
    keys: Option<Arc<KeyRing>>,
}

impl Inspector {
    /// Looks at a folder of the host. Nothing in it is changed or locked.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self::of_disk(Arc::new(ReadOnlyDisk::open(folder)?)))
    }

    /// Looks at a disk; only reads.
    pub fn of_disk(disk: Arc<dyn Disk>) -> Self {
        let tier = Arc::new(ReadOnlyTier::new(Arc::clone(&disk), None));
        Self {
            disk: Arc::clone(&tier) as _,
            tier,
            local: disk,
            patience: PATIENCE,
            keys: None,
        }
    }

    /// How long something that a running server may be about to finish is watched before it counts as damage.
    /// Zero suits a folder that nobody uses.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// With the store that old segments are in. Without it they cannot be read, and every answer says how many were not.
    #[must_use]
    pub fn with_cold(mut self, store: ColdStore) -> Self {
        self.tier = Arc::new(ReadOnlyTier::new(Arc::clone(&self.local), Some(store)));
        self.disk = Arc::clone(&self.tier) as _;
        self
    }

    /// With the keys that open encrypted bodies.
    #[must_use]
    pub fn with_keys(mut self, keys: Arc<KeyRing>) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Whether an error says that a store did not give what it has, or that none is set.
    pub fn is_cold(error: &io::Error) -> bool {
        cold::of_io(error).is_some()
    }

    /// Asks again until the answer is yes, as long as patience lasts.
    fn settles(&self, mut ask: impl FnMut() -> io::Result<bool>) -> io::Result<bool> {
        let mut left = self.patience;
        loop {
            if ask()? {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            let pause = LOOK.min(left);
            std::thread::sleep(pause);
            left -= pause;
        }
    }
}
