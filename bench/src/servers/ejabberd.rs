//! ejabberd with every message archived in SQLite, as a site would run it, and with what is known to make it faster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use rusqlite::Connection;

use super::{Place, Running, bare, free_address, listens, spawn, started};
use crate::process::Process;
use crate::target::xmpp::Accounts;
use crate::target::{Dialect, Target};

pub(super) const NAME: &str = "ejabberd + SQLite";

pub(super) const SETTINGS_IN_WORDS: &str = "XMPP without TLS; `mod_mam` with `default: always` in SQLite, whose file is set to \
     `journal_mode = WAL` beforehand and made anew for each run (a row each for sender and receiver, one commit a row; a message is \
     delivered even if it could not be stored); accounts in Mnesia with plain passwords; rooms persistent and archived, presence of \
     moderators only; no shapers, errors logged only, one Erlang node without distribution, `+K true +sbwt none +sbwtdcpu none \
     +sbwtdio none`; clients do not ask for acknowledgements (XEP-0198); CPU and memory are of all its processes";

/// Debian's package of it, where its script says that the libraries are.
pub(super) struct Installed {
    erl: PathBuf,
    libraries: PathBuf,
    pub(super) version: String,
}

impl Installed {
    /// Reads Debian's `ejabberdctl`.
    ///
    /// # Errors
    /// It is not there, or what it takes to use SQLite is not.
    pub(super) fn find(script: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(script).with_context(|| format!("{} is not there", script.display()))?;
        let value = |name: &str| {
            let value = text.lines().find_map(|line| line.trim().strip_prefix(name));
            let value = value.map(|value| PathBuf::from(value.trim_matches(['\'', '"'])));
            value.with_context(|| format!("{} has no {name}", script.display()))
        };
        let (erl, libraries) = (value("ERL=")?, value("ERL_LIBS=")?);
        let driver = "/usr/lib/erlang/lib";
        let has_driver = folders(Path::new(driver)).any(|name| name.starts_with("p1_sqlite3"))
            || folders(&libraries).any(|name| name.starts_with("p1_sqlite3") || name.starts_with("sqlite3-"));
        ensure!(has_driver, "Debian's package erlang-p1-sqlite3 is missing");
        let version = folders(&libraries).find_map(|name| name.strip_prefix("ejabberd-").map(str::to_owned));
        let Some(version) = version else {
            bail!("{} holds no ejabberd", libraries.display());
        };
        Ok(Self {
            erl,
            libraries,
            version: format!("ejabberd {version}"),
        })
    }
}

fn folders(folder: &Path) -> impl Iterator<Item = String> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok())
}

pub(super) async fn start(script: &Path, place: &Place<'_>) -> anyhow::Result<Running> {
    let installed = Installed::find(script)?;
    let address = free_address()?;
    let folder = place.folder;
    let settings = folder.join("ejabberd.yml");
    let archive = folder.join("archive.db");
    make_archive(&archive)?;
    fs::write(&settings, settings_text(address.port(), &archive))?;
    let mut command = bare(&installed.erl);
    command
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder)
        .env("ERL_LIBS", &installed.libraries)
        .env("ERL_MAX_PORTS", "100000")
        .env("ERL_CRASH_DUMP", folder.join("crash.dump"))
        .env("EJABBERD_CONFIG_PATH", &settings)
        .env("EJABBERD_LOG_PATH", folder.join("ejabberd.log"));
    flags(&mut command, folder);
    let child = spawn(command, place)?;
    let accounts = || Dialect::Xmpp(Accounts::kept_in(folder.join("accounts")));
    let mut running = started(child, || {
        listens(address).then(|| Target::new(NAME, address, accounts()))
    })
    .await?;
    let target = Arc::get_mut(&mut running.target).context("nobody else has it yet")?;
    target.process = Some(Process::tree(running.child.id()));
    Ok(running)
}

/// What Erlang is started with: no node name, so there is no cookie and no `epmd`.
fn flags(command: &mut Command, folder: &Path) {
    let spool = format!("\"{}\"", folder.join("spool").display());
    command.args(["-noinput", "+K", "true", "+P", "500000", "+Q", "200000"]);
    command.args(["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]);
    command.args(["-mnesia", "dir", &spool, "-s", "ejabberd"]);
}

/// An empty database whose journal is a WAL: ejabberd leaves the mode as it finds it, and makes the tables.
fn make_archive(file: &Path) -> anyhow::Result<()> {
    for name in ["db", "db-wal", "db-shm"] {
        // What an earlier run left.
        let _ = fs::remove_file(file.with_extension(name));
    }
    let archive = Connection::open(file)?;
    archive.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE empty (no INTEGER); DROP TABLE empty")?;
    Ok(())
}

fn settings_text(port: u16, archive: &Path) -> String {
    let archive = archive.display();
    let rooms = crate::wire::xmpp::ROOMS;
    format!(
        "hosts: [localhost]
loglevel: error
auth_method: internal
auth_password_format: plain
sql_type: sqlite
sql_database: \"{archive}\"
max_fsm_queue: 100000
access_rules:
  everybody:
    allow: all
listen:
  -
    port: {port}
    ip: \"127.0.0.1\"
    module: ejabberd_c2s
    backlog: 4096
    max_stanza_size: infinity
    access: everybody
    shaper: none
registration_timeout: infinity
modules:
  mod_adhoc: {{}}
  mod_blocking: {{}}
  mod_carboncopy: {{}}
  mod_disco: {{}}
  mod_mam:
    db_type: sql
    default: always
  mod_muc:
    host: {rooms}
    access: everybody
    access_create: everybody
    access_persistent: everybody
    access_mam: everybody
    max_users: 100000
    default_room_options:
      persistent: true
      mam: true
      max_users: 100000
      presence_broadcast: [moderator]
  mod_offline: {{}}
  mod_privacy: {{}}
  mod_push: {{}}
  mod_register:
    access: everybody
    ip_access: everybody
    welcome_message: {{}}
  mod_roster: {{}}
  mod_stream_mgmt: {{}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_starts_empty_with_a_write_ahead_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("archive.db");
        for _ in 0..2 {
            make_archive(&file).expect("a database");
            let archive = Connection::open(&file).expect("the database");
            let mode: String = archive
                .query_row("PRAGMA journal_mode", (), |row| row.get(0))
                .expect("a mode");
            assert_eq!(mode, "wal");
            archive
                .execute_batch("CREATE TABLE users (no INTEGER)")
                .expect("no table of this name");
        }
    }
}
