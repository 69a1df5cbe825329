//! `godwit restore`: proves a backup file by file, and makes a data folder of it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::manifest::{Entry, Manifest};
use super::take::copy;
use super::{ARCHIVE, KEYS, refused};
use crate::archive::Bar;
use crate::args::Restore;
use crate::console::{print, print_json};
use crate::failure::Failure;
use crate::settings;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done<'a> {
    data: String,
    files: usize,
    bytes: u64,
    server_time: u64,
    last_server_id: Option<&'a str>,
    database: &'a str,
}

/// Makes a data folder of a backup. Nothing is at its place before everything is proved and durable.
pub(crate) fn restore(asked: &Restore, json: bool) -> Result<(), Failure> {
    let data = settings::load(asked.configured.sources())?.settings.server.data;
    let manifest = Manifest::must_be_in(&asked.from)?;
    refuse_used(&data)?;
    prove(&asked.from, &manifest)?;
    let beside = beside(&data);
    let made = fill(&asked.from, &beside, &manifest).and_then(|()| swap(&beside, &data));
    made.map_err(|error| refused(&data, &error))?;
    let done = Done {
        data: data.display().to_string(),
        files: manifest.files.len(),
        bytes: manifest.files.iter().map(|entry| entry.size).sum(),
        server_time: manifest.moment.server_time,
        last_server_id: manifest.moment.last_server_id.as_deref(),
        database: &manifest.database,
    };
    if json {
        print_json(&done);
    } else {
        print(&format!(
            "{} files, {} bytes in {}\n",
            done.files, done.bytes, done.data
        ));
        if manifest.files.iter().any(|entry| entry.name == KEYS) {
            print("move its file archive.keys out of the data folder and name it as storage.key_file\n");
        }
        if manifest.database == "postgres" {
            print("restore the PostgreSQL dump that was made after this backup before you start the server\n");
        }
    }
    Ok(())
}

fn refuse_used(data: &Path) -> Result<(), Failure> {
    let used = match fs::read_dir(data) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(refused(data, &error)),
    };
    if !used {
        return Ok(());
    }
    let what = format!("the data folder {} is not empty", data.display());
    Err(Failure::new(
        "GW-B007",
        what,
        "name a new one with --data; nothing is ever overwritten",
    ))
}

/// Every file must be what the manifest says.
fn prove(from: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let bar = Bar::new("proving");
    let total = manifest.files.iter().map(|entry| entry.size).sum();
    let mut done = 0;
    let mut wrong = Vec::new();
    for entry in &manifest.files {
        let sound = entry.is_inside() && Entry::of(from, &entry.name).is_ok_and(|found| found == *entry);
        if !sound {
            wrong.push(&*entry.name);
        }
        done += entry.size;
        bar.moved(done, total);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let what = format!("the backup is damaged: {}", wrong.join(", "));
    Err(Failure::new(
        "GW-B008",
        what,
        "use another backup; nothing was restored",
    ))
}

/// Where the data folder is made, in the same file system.
fn beside(data: &Path) -> PathBuf {
    let mut name = data.file_name().map_or_else(|| OsString::from("data"), OsString::from);
    name.push(".restoring");
    data.with_file_name(name)
}

fn fill(from: &Path, to: &Path, manifest: &Manifest) -> io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(to.join(ARCHIVE))?;
    let bar = Bar::new("restoring");
    for (at, entry) in manifest.files.iter().enumerate() {
        // Never a link: the server writes to what is restored.
        copy(&from.join(&entry.name), &to.join(&entry.name))?;
        bar.moved(at as u64 + 1, manifest.files.len() as u64);
    }
    File::open(to.join(ARCHIVE))?.sync_all()?;
    File::open(to)?.sync_all()
}

fn swap(made: &Path, data: &Path) -> io::Result<()> {
    // An empty folder may be there.
    match fs::remove_dir(data) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(made, data)?;
    match data.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}
