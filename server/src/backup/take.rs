//! Takes a backup beside a running server: first the message log up to a commit, then the database, then the rest.
//!
//! In this order, because the log names accounts of the database and never the other way round.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use godwit_archive::inspect::{ActivePart, ColdFile, Cut};
use godwit_model::{Clock, SystemClock};
use serde::Serialize;

use super::manifest::{Entry, Manifest, Moment, NAME, VERSION};
use super::{ARCHIVE, BESIDE, DATABASE, KEYS, refused};
use crate::archive::{Bar, Looked, unreadable};
use crate::args::Backup;
use crate::console::{print, print_json};
use crate::failure::Failure;

/// How often a backup of the log begins anew because files vanished that it cannot do without.
const ATTEMPTS: usize = 5;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    files: usize,
    bytes: u64,
    reused: u64,
    server_time: u64,
    last_server_id: Option<String>,
}

/// A backup in the making.
struct Desk {
    looked: Looked,
    to: PathBuf,
    former: Vec<Entry>,
    entries: Vec<Entry>,
    reused: u64,
    /// Segments that are only in the store, as far as they were looked for.
    cold: BTreeMap<String, ColdFile>,
    bar: Bar,
}

/// Copies everything.
pub(crate) async fn backup(asked: &Backup, json: bool) -> Result<(), Failure> {
    let looked = Looked::open(&asked.configured)?;
    let began = SystemClock.now_ms();
    let former = prepare(&asked.to, &looked.settings.server.data)?;
    let mut desk = Desk {
        looked,
        to: asked.to.clone(),
        former,
        entries: Vec::new(),
        reused: 0,
        cold: BTreeMap::new(),
        bar: Bar::new("copying"),
    };
    let cut = desk.log()?;
    let database = desk.database().await?;
    desk.beside()?;
    if asked.with_keys {
        desk.keys()?;
    }
    let manifest = desk.finish(began, &cut, database)?;
    let done = Done {
        files: manifest.files.len(),
        bytes: manifest.files.iter().map(|entry| entry.size).sum(),
        reused: desk.reused,
        server_time: manifest.moment.server_time,
        last_server_id: manifest.moment.last_server_id,
    };
    drop(desk.bar);
    if json {
        print_json(&done);
    } else {
        let Done {
            files, bytes, reused, ..
        } = done;
        print(&format!(
            "{files} files, {bytes} bytes, {reused} of them kept from before\n"
        ));
        if database == "postgres" {
            print("the PostgreSQL database is not in it: run pg_dump now, after this\n");
        }
    }
    Ok(())
}

/// The folder, made if it is missing, and what an earlier backup left in it.
fn prepare(to: &Path, data: &Path) -> Result<Vec<Entry>, Failure> {
    let make = |path: &Path| {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| refused(path, &error))
    };
    let former = Manifest::read(to)?;
    let is_empty = fs::read_dir(to).map_or(true, |mut entries| entries.next().is_none());
    let unfinished = to.join(ARCHIVE).is_dir();
    if former.is_none() && !is_empty && !unfinished {
        let what = format!("{} holds something else than a backup", to.display());
        return Err(Failure::new(
            "GW-B005",
            what,
            "name a new folder, or one of an earlier backup",
        ));
    }
    make(&to.join(ARCHIVE))?;
    let same = |a: &Path, b: &Path| a.canonicalize().ok() == b.canonicalize().ok();
    if same(to, data) {
        let what = format!("{} is the data folder itself", to.display());
        return Err(Failure::new(
            "GW-B005",
            what,
            "name another folder, best on another disk",
        ));
    }
    // From here on it is no backup until the new manifest is there.
    let path = to.join(NAME);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(&path, &error)),
        _ => Ok(former.map(|manifest| manifest.files).unwrap_or_default()),
    }
}

impl Desk {
    /// The message log: state first, so that it never says more than the segments; then a cut of these.
    fn log(&mut self) -> Result<Cut, Failure> {
        for _ in 0..ATTEMPTS {
            self.entries.clear();
            let inspector = self.looked.inspector.clone();
            // A log from before platforms were paired has none.
            self.file(crate::platform::FILE, false)?;
            for name in &inspector.state_files().map_err(|error| unreadable(&error))? {
                self.file(name, false)?;
            }
            let cut = inspector.cut().map_err(|error| unreadable(&error))?;
            let total = (cut.segments.len() + cut.indexes.len()) as u64;
            let mut vanished = false;
            for (at, name) in cut.segments.iter().chain(&cut.indexes).enumerate() {
                let never_changes = cut.sealed.contains(name) || cut.indexes.contains(name);
                vanished |= !self.file(name, never_changes)? && cut.segments.contains(name);
                self.bar.moved(at as u64 + 1, total);
            }
            if let Some(active) = &cut.active {
                self.active(active)?;
            }
            // Retention dropped segments, of which the copy of the state does not know.
            if !vanished && !self.dropped_more()? {
                return Ok(cut);
            }
        }
        Err(Failure::new(
            "GW-B006",
            "segments vanish faster than they can be copied",
            "retention is dropping a lot just now: try again later",
        ))
    }

    /// Whether what tells of dropped segments has changed since it was copied.
    fn dropped_more(&self) -> Result<bool, Failure> {
        let names = self
            .looked
            .inspector
            .dropped_files()
            .map_err(|error| unreadable(&error))?;
        let changed = |name: &String| {
            let now = Entry::of(&self.looked.folder, name).ok().map(|entry| entry.blake3);
            let path = format!("{ARCHIVE}/{name}");
            let copied = self.entries.iter().find(|entry| entry.name == path);
            now.as_ref() != copied.map(|entry| &entry.blake3)
        };
        Ok(names.iter().any(changed))
    }

    /// Copies a file of the log that never changes under its name, or links it. `false` if it is not there any more.
    fn file(&mut self, name: &str, is_sealed: bool) -> Result<bool, Failure> {
        let (from, path) = (self.looked.folder.join(name), format!("{ARCHIVE}/{name}"));
        let to = self.to.join(&path);
        let kept = is_sealed && self.keeps(&from, &to, &path).map_err(|error| refused(&to, &error))?;
        if kept {
            return Ok(true);
        }
        let temporary = self.to.join(format!("{path}.tmp"));
        let _ = fs::remove_file(&temporary);
        // A link shares the bytes with the log, so only what never changes may be one.
        let linked = is_sealed && fs::hard_link(&from, &temporary).is_ok();
        let copied = if linked { Ok(()) } else { copy(&from, &temporary) };
        match copied {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.copy_cold(name),
            other => other.map_err(|error| refused(&from, &error))?,
        }
        self.put(&temporary, &path)?;
        Ok(true)
    }

    /// Copies a segment that is only in the store, unless the earlier backup has it. `false` if it is not there either.
    fn copy_cold(&mut self, name: &str) -> Result<bool, Failure> {
        if !self.cold.contains_key(name) {
            let cold = self.looked.inspector.cold_files().map_err(|error| unreadable(&error))?;
            self.cold = cold.into_iter().map(|file| (file.name.clone(), file)).collect();
        }
        let Some(cold) = self.cold.get(name) else {
            return Ok(false);
        };
        let path = format!("{ARCHIVE}/{name}");
        let entry = Entry {
            name: path.clone(),
            size: cold.size,
            blake3: blake3::Hash::from_bytes(cold.blake3).to_hex().to_string(),
        };
        if self.former.contains(&entry) && Entry::of(&self.to, &path).is_ok_and(|found| found == entry) {
            self.reused += entry.size;
            self.entries.push(entry);
            return Ok(true);
        }
        let temporary = self.to.join(format!("{path}.tmp"));
        let mut file = create(&temporary).map_err(|error| refused(&temporary, &error))?;
        match self.looked.inspector.copy_segment(name, &mut file) {
            // It was dropped or rewritten meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other.map_err(|error| unreadable(&error))?,
        }
        file.sync_all().map_err(|error| refused(&temporary, &error))?;
        self.put(&temporary, &path)?;
        Ok(true)
    }

    /// Whether the earlier backup's file is still what the log has: the same file, or one with the same hash.
    fn keeps(&mut self, from: &Path, to: &Path, path: &str) -> io::Result<bool> {
        let Some(former) = self.former.iter().find(|entry| entry.name == path).cloned() else {
            return Ok(false);
        };
        let (Ok(ours), Ok(theirs)) = (to.metadata(), from.metadata()) else {
            return Ok(false);
        };
        if ours.len() != former.size || theirs.len() != former.size {
            return Ok(false);
        }
        let linked = (ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino());
        let same = |folder: &Path, name: &str| Entry::of(folder, name).map(|entry| entry.blake3 == former.blake3);
        let name = path.rsplit('/').next().unwrap_or(path);
        if same(&self.looked.folder, name)? && (linked || same(&self.to, path)?) {
            self.reused += former.size;
            self.entries.push(former);
            return Ok(true);
        }
        Ok(false)
    }

    /// Gives a written file its name, and notes it.
    fn put(&mut self, temporary: &Path, path: &str) -> Result<(), Failure> {
        let to = self.to.join(path);
        let put = fs::rename(temporary, &to).and_then(|()| Entry::of(&self.to, path));
        self.entries.push(put.map_err(|error| refused(&to, &error))?);
        Ok(())
    }

    fn active(&mut self, active: &ActivePart) -> Result<(), Failure> {
        let path = format!("{ARCHIVE}/{}", active.name);
        let temporary = self.to.join(format!("{path}.tmp"));
        let write = || -> io::Result<()> {
            let mut file = create(&temporary)?;
            file.write_all(&active.bytes)?;
            file.set_len(active.length)?;
            file.sync_all()
        };
        write().map_err(|error| refused(&temporary, &error))?;
        self.put(&temporary, &path)
    }

    /// The database as of now; which kind it is.
    async fn database(&mut self) -> Result<&'static str, Failure> {
        if self.looked.settings.storage.database.reveal().is_some() {
            return Ok("postgres");
        }
        let from = self.looked.settings.server.data.join(DATABASE);
        let temporary = self.to.join(format!("{DATABASE}.tmp"));
        let _ = fs::remove_file(&temporary);
        let copied = godwit_store::copy_sqlite(&from, &temporary).await;
        copied.map_err(|error| Failure::new("GW-S001", format!("{}: {error}", from.display()), ""))?;
        let sync = || -> io::Result<()> {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600))?;
            File::open(&temporary)?.sync_all()
        };
        sync().map_err(|error| refused(&temporary, &error))?;
        self.put(&temporary, DATABASE)?;
        Ok("sqlite")
    }

    fn beside(&mut self) -> Result<(), Failure> {
        for name in BESIDE {
            let (from, temporary) = (
                self.looked.settings.server.data.join(name),
                self.to.join(format!("{name}.tmp")),
            );
            match copy(&from, &temporary) {
                // An operator may have put the first app's secret away.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(refused(&from, &error)),
                Ok(()) => self.put(&temporary, name)?,
            }
        }
        Ok(())
    }

    /// The encryption keys, which are otherwise kept apart.
    fn keys(&mut self) -> Result<(), Failure> {
        let Some(from) = self.looked.settings.storage.key_file.clone().map(PathBuf::from) else {
            return Ok(());
        };
        let temporary = self.to.join(format!("{KEYS}.tmp"));
        match copy(&from, &temporary) {
            // Nothing was encrypted yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(refused(&from, &error)),
            Ok(()) => self.put(&temporary, KEYS),
        }
    }

    /// Removes what no longer belongs to it, and writes the manifest: from then on it is a backup.
    fn finish(&mut self, began: u64, cut: &Cut, database: &str) -> Result<Manifest, Failure> {
        let mut files = std::mem::take(&mut self.entries);
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let manifest = Manifest {
            version: VERSION,
            godwit: env!("CARGO_PKG_VERSION").to_owned(),
            moment: Moment {
                began,
                server_time: cut.moment_ms(),
                last_server_id: cut.last_id.map(|id| id.to_string()),
            },
            database: database.to_owned(),
            files,
        };
        let temporary = self.to.join(format!("{NAME}.tmp"));
        let write = || -> io::Result<()> {
            self.sweep(&manifest)?;
            let mut file = create(&temporary)?;
            serde_json::to_writer_pretty(&mut file, &manifest)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            File::open(self.to.join(ARCHIVE))?.sync_all()?;
            fs::rename(&temporary, self.to.join(NAME))?;
            File::open(&self.to)?.sync_all()
        };
        write().map_err(|error| refused(&temporary, &error))?;
        Ok(manifest)
    }

    fn sweep(&self, manifest: &Manifest) -> io::Result<()> {
        let kept: BTreeSet<&str> = manifest.files.iter().map(|entry| &*entry.name).collect();
        for entry in fs::read_dir(self.to.join(ARCHIVE))? {
            let entry = entry?;
            let name = format!("{ARCHIVE}/{}", entry.file_name().to_string_lossy());
            if !kept.contains(&*name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// A new file that only its owner may read; what a crash left under its name goes.
fn create(path: &Path) -> io::Result<File> {
    let _ = fs::remove_file(path);
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// Copies a file durably.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut file = create(to)?;
    io::copy(&mut source, &mut file)?;
    file.sync_all()
}
