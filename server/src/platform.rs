//! That log, database and master key belong together: each says of which platform it is, and a start compares them.
//!
//! With the parts of two platforms, or with one part missing, users would be given the numbers of strangers, or every
//! message would seem gone. So nothing is made new beside what was kept.

use std::fmt::Write;
use std::io;

use godwit_archive::Disk;
use godwit_registry::master_key_check;
use godwit_store::{PlatformRecord, Store};

use crate::data_folder::DataFolder;
use crate::failure::Failure;

/// The file in the log's folder that holds the platform's id; the log itself passes it over.
pub(crate) const FILE: &str = "platform";
/// Its name until it is whole; the log removes what ends so.
const UNFINISHED: &str = "platform.tmp";
/// Longest content, in bytes: 32 digits and the end of the line.
const FILE_BYTES_MAX: usize = 64;

/// The master key of a folder; made only where the database is new, too.
pub(crate) async fn master_key(folder: &DataFolder, store: &Store) -> Result<[u8; 32], Failure> {
    let is_kept = store.platform().await.map_err(|error| unanswered(&error))?.is_some()
        || store.has_app().await.map_err(|error| unanswered(&error))?;
    if is_kept && !folder.has_master_key() {
        return Err(Failure::new(
            "GW-D007",
            format!(
                "there is no master key in {}, but the database has one that was in use",
                folder.path().display()
            ),
            "put master.key back from a backup of the data folder; with a new one no stored push token and no access \
             token could be read",
        ));
    }
    folder.master_key()
}

/// Refuses parts that do not belong together. Parts that belong to no platform yet may still become one.
pub(crate) async fn check(disk: &dyn Disk, store: &Store, master_key: &[u8; 32]) -> Result<(), Failure> {
    let Some(kept) = store.platform().await.map_err(|error| unanswered(&error))? else {
        return Ok(());
    };
    let in_log = read(disk).map_err(|error| unreadable(&error))?;
    if in_log.as_ref() != Some(&kept.platform_id) {
        return Err(strangers(in_log.as_deref(), &kept.platform_id));
    }
    let fits = kept.key_check == master_key_check(master_key);
    fits.then_some(()).ok_or_else(wrong_key)
}

/// Makes the parts one platform, on the first start or the first with a version that pairs; called once nothing
/// speaks against it. The log comes first: a stop between the two leaves a log whose id the database takes over.
pub(crate) async fn join(disk: &dyn Disk, store: &Store, master_key: &[u8; 32]) -> Result<(), Failure> {
    if store.platform().await.map_err(|error| unanswered(&error))?.is_some() {
        return Ok(());
    }
    let platform_id = if let Some(id) = read(disk).map_err(|error| unreadable(&error))? {
        id
    } else {
        let id = new_id().map_err(|error| unreadable(&error))?;
        write(disk, &id).map_err(|error| unreadable(&error))?;
        id
    };
    let platform = PlatformRecord {
        platform_id,
        key_check: master_key_check(master_key),
    };
    store
        .join_platform(&platform)
        .await
        .map_err(|error| unanswered(&error))?;
    tracing::info!(
        platform = platform.platform_id,
        "log, database and master key are one platform from now on"
    );
    Ok(())
}

fn read(disk: &dyn Disk) -> io::Result<Option<String>> {
    let file = match disk.open(FILE) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = [0; FILE_BYTES_MAX];
    let length = file.read_at(&mut bytes, 0)?;
    Ok(Some(String::from_utf8_lossy(&bytes[..length]).trim().to_owned()))
}

fn write(disk: &dyn Disk, id: &str) -> io::Result<()> {
    if disk.list()?.iter().any(|name| name == UNFINISHED) {
        disk.remove(UNFINISHED)?;
    }
    let file = disk.create(UNFINISHED)?;
    file.write_at(format!("{id}\n").as_bytes(), 0)?;
    file.sync_data()?;
    disk.rename(UNFINISHED, FILE)?;
    disk.sync_directory()
}

fn new_id() -> io::Result<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let mut id = String::with_capacity(32);
    for byte in random {
        write!(id, "{byte:02x}").expect("a String takes every write");
    }
    Ok(id)
}

fn strangers(log: Option<&str>, store: &str) -> Failure {
    let what = match log {
        None => format!("the message log of platform {store} is not where this database's log should be"),
        Some(log) => format!("the message log is of platform {log}, the database of platform {store}"),
    };
    let next = "start with the data folder and the database that belong together, or restore a backup of both";
    Failure::new("GW-S004", what, next)
}

fn wrong_key() -> Failure {
    let what = "the master key is not the one this database was used with";
    Failure::new("GW-D007", what, "put master.key back from a backup of the data folder")
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::new(
        "GW-A001",
        format!("the message log does not say of which platform it is: {error}"),
        "",
    )
}

fn unanswered(error: &godwit_store::Error) -> Failure {
    Failure::new("GW-S001", error.to_string(), "")
}
