//! `godwit backup` and `godwit restore`: everything that is stored, as files that prove themselves.

use std::io;
use std::path::Path;

use crate::failure::Failure;

mod manifest;
mod restore;
mod take;

pub(crate) use restore::restore;
pub(crate) use take::backup;

/// The folder of the message log, in a data folder and in a backup.
const ARCHIVE: &str = "archive";
/// The SQLite database, in a data folder and in a backup.
const DATABASE: &str = "store.db";
/// Files beside them that a server needs, or its operator.
const BESIDE: [&str; 2] = ["master.key", "first-app.json"];

/// The encryption keys, in a backup that was asked for them.
const KEYS: &str = "archive.keys";

/// The file system said no.
fn refused(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        "GW-B001",
        format!("{}: {error}", path.display()),
        "is there room, and may this user write there?",
    )
}
