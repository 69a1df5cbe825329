//! What is particular to a store that is a folder of the host, such as a mounted disk.

use std::fs::File;
use std::io;
use std::path::Path;

use super::ColdError;

/// Whether the folder is there. It is never made: where a disk should be mounted and is not, that would hide the mistake.
pub(super) fn is_there(folder: &Path) -> Result<(), ColdError> {
    match folder.metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(unreachable(folder, &io::ErrorKind::NotADirectory.into())),
        Err(error) => Err(unreachable(folder, &error)),
    }
}

/// Makes a deletion durable, and removes what a killed upload left: it writes beside an object, under its name and `#`.
pub(super) fn forget(folder: &Path, object: &str) -> Result<(), ColdError> {
    let forget = || -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let rest = name.to_str().and_then(|name| name.strip_prefix(object));
            if rest.is_some_and(|rest| rest.starts_with('#')) {
                std::fs::remove_file(entry.path())?;
            }
        }
        File::open(folder)?.sync_all()
    };
    forget().map_err(|error| unreachable(folder, &error))
}

fn unreachable(folder: &Path, error: &io::Error) -> ColdError {
    ColdError::Unreachable(format!("{}: {error}", folder.display()))
}
