//! What a backup holds: every file with its size and hash, and the moment it was taken.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};

/// The manifest's name in a backup.
pub(super) const NAME: &str = "manifest.json";
/// The version of this format.
pub(super) const VERSION: u32 = 1;
const READ_BYTES: usize = 1 << 20;

/// A whole backup. It is one only once this is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) version: u32,
    /// The program that made it.
    pub(super) godwit: String,
    pub(super) moment: Moment,
    /// `sqlite`: the database is in here. `postgres`: it is not, and is backed up by its own means.
    pub(super) database: String,
    /// Ascending by name.
    pub(super) files: Vec<Entry>,
}

/// Up to when the backup is complete.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Moment {
    /// When the backup began, in milliseconds since 1970: everything acknowledged before is in it.
    pub(super) began: u64,
    /// When its last message was accepted; 0 without one.
    pub(super) server_time: u64,
    /// Its last message; nothing behind it is in the backup.
    pub(super) last_server_id: Option<String>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its path in the backup, with `/` between folders.
    pub(super) name: String,
    pub(super) size: u64,
    /// BLAKE3, in hexadecimal.
    pub(super) blake3: String,
}

impl Manifest {
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Failure> {
        let path = folder.join(NAME);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| super::refused(&path, &error))?,
        };
        let manifest: Self = serde_json::from_slice(&text).map_err(|error| {
            let what = format!("{} is damaged: {error}", path.display());
            Failure::new("GW-B002", what, "use another backup; this one cannot prove its files")
        })?;
        if manifest.version != VERSION {
            let what = format!(
                "{} has version {}, which this program does not know",
                path.display(),
                manifest.version
            );
            return Err(Failure::new(
                "GW-B003",
                what,
                "use the godwit that made it, or a newer one",
            ));
        }
        Ok(Some(manifest))
    }

    pub(super) fn must_be_in(folder: &Path) -> Result<Self, Failure> {
        Self::read(folder)?.ok_or_else(|| {
            let what = format!("{} is no finished backup: it has no {NAME}", folder.display());
            Failure::new("GW-B004", what, "name the folder that `godwit backup` wrote").with_exit(Exit::NotFound)
        })
    }
}

impl Entry {
    /// What a file is now.
    pub(super) fn of(folder: &Path, name: &str) -> io::Result<Self> {
        let mut file = File::open(folder.join(name))?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; READ_BYTES];
        let mut size = 0;
        loop {
            let got = file.read(&mut buffer)?;
            if got == 0 {
                break;
            }
            size += got as u64;
            hasher.update(&buffer[..got]);
        }
        Ok(Self {
            name: name.to_owned(),
            size,
            blake3: hasher.finalize().to_hex().to_string(),
        })
    }

    /// Whether the name stays inside the backup.
    pub(super) fn is_inside(&self) -> bool {
        let parts: Vec<_> = self.name.split('/').collect();
        parts.len() <= 2
            && parts
                .iter()
                .all(|part| !part.is_empty() && *part != "." && *part != "..")
    }
}
