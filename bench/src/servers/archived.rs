//! mosquitto with an archiver beside it: the same relay, and every message in SQLite.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};

use super::{LOOK_AGAIN, PATIENCE, Place, Running, mosquitto};
use crate::process::Process;

pub(super) const NAME: &str = "mosquitto + archiver";

pub(super) const SETTINGS_IN_WORDS: &str = "the same, and `godwit-bench archiver` beside it: subscribed to everything, it writes each message into SQLite \
     (`journal_mode = WAL`, `synchronous = FULL`), what has come meanwhile in one commit, without an index; the sender's \
     acknowledgement does not wait for that; CPU is of both processes";

pub(super) async fn start(path: &Path, place: &Place<'_>) -> anyhow::Result<Running> {
    let mut running = mosquitto::start(path, place).await?;
    let file = place.folder.join("archive.db");
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("archiver")
        .arg("--mqtt")
        .arg(running.target.plain.to_string());
    command.arg("--file").arg(&file);
    let archiver = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let target = Arc::get_mut(&mut running.target).context("nobody else has it yet")?;
    NAME.clone_into(&mut target.name);
    target.process = Some(Process::of(&[running.child.id(), archiver.id()]));
    running.companion = Some(archiver);
    ready(&mut running, &file).await?;
    Ok(running)
}

async fn ready(running: &mut Running, file: &Path) -> anyhow::Result<()> {
    let began = Instant::now();
    while !file.with_extension("ready").exists() {
        let ended = running.companion.as_mut().map(Child::try_wait).transpose()?.flatten();
        if let Some(status) = ended {
            bail!("the archiver ended at once: {status}");
        }
        if began.elapsed() > PATIENCE {
            bail!("the archiver does not subscribe");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
