//! What one adds to a relay that stores nothing: a subscriber of everything that writes each message into SQLite.
//!
//! It acknowledges after its commit, and whatever has come by then is one commit. The relay answers the sender before.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{bail, ensure};
use rusqlite::Connection;

use crate::wire::{self, Connect, Language, Packet, Version};

/// Bytes of one read, and so about the largest commit.
const READ_BYTES: usize = 256 * 1024;

/// Keeps a connection that is silent alive for longer than any run.
const SILENCE_MAX: Duration = Duration::from_secs(wire::KEEP_ALIVE_S as u64);

/// Subscribe to everything of an MQTT server and keep it in SQLite. Runs until it is ended.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Archiver {
    /// The server.
    #[arg(long, value_name = "ADDRESS")]
    mqtt: SocketAddr,
    /// The database, made anew. Once everything is subscribed, an empty file of this name with `.ready` behind it appears.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

impl Archiver {
    /// # Errors
    /// The server or the database failed; the server's end is one, too.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let mut store = open(&self.file)?;
        let mut stream = TcpStream::connect(self.mqtt)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        let mut out = Vec::new();
        let hello = Connect {
            client_id: "archiver",
            credentials: None,
            clean: true,
            version: Version::V311,
        };
        wire::connect(&mut out, &hello);
        wire::subscribe(&mut out, "#", Version::V311);
        stream.write_all(&out)?;
        let (mut unread, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
        loop {
            let count = stream.read(&mut buffer)?;
            ensure!(count > 0, "the server closed the connection");
            unread.extend_from_slice(buffer.get(..count).unwrap_or_default());
            out.clear();
            let taken = self.take(&unread, &mut store, &mut out)?;
            unread.drain(..taken);
            stream.write_all(&out)?;
        }
    }

    /// Stores every message of these bytes in one commit; how many bytes were whole packets.
    fn take(&self, bytes: &[u8], store: &mut Connection, out: &mut Vec<u8>) -> anyhow::Result<usize> {
        let mut taken = 0;
        let commit = store.transaction()?;
        let at_ms = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis());
        let at_ms = i64::try_from(at_ms)?;
        while let Some((packet, size)) = Language::Mqtt.decode(bytes.get(taken..).unwrap_or_default())? {
            taken += size;
            match packet {
                Packet::Publish { id, payload } => {
                    let mut insert = commit.prepare_cached("INSERT INTO messages (at_ms, payload) VALUES (?1, ?2)")?;
                    insert.execute((at_ms, payload))?;
                    wire::puback(out, id);
                }
                Packet::ConnAck { code: 0 } => {}
                Packet::SubAck { code: 0..=2 } => std::fs::write(self.file.with_extension("ready"), "")?,
                other => bail!("the server says {other:?}"),
            }
        }
        commit.commit()?;
        Ok(taken)
    }
}

/// A commit is on the disk when it returns.
fn open(file: &PathBuf) -> anyhow::Result<Connection> {
    for name in ["db", "db-wal", "db-shm", "ready"] {
        // What an earlier run left.
        let _ = std::fs::remove_file(file.with_extension(name));
    }
    let store = Connection::open(file)?;
    store.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         CREATE TABLE messages (no INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, payload BLOB NOT NULL)",
    )?;
    Ok(store)
}
