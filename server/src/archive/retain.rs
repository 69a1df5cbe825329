//! `godwit archive retain`: what retention would let go of, and an operator's word that it may.
//!
//! A server that runs is asked, because the log is its own; without one the log is opened here.

use std::path::Path;
use std::sync::Arc;

use godwit_archive::{Archive, Silent};
use godwit_model::SystemClock;
use serde::{Deserialize, Serialize};

use crate::args::Retain;
use crate::console::{print, print_json};
use crate::data_folder::DataFolder;
use crate::failure::{Exit, Failure};
use crate::settings::{self, Settings};
use crate::{opening, operator, rooms};

/// What would go, or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    /// Whether it went.
    dropped: bool,
    /// Whether anything is limited.
    limited: bool,
    segments: u64,
    bytes: u64,
    /// Of how many bytes.
    of: u64,
    /// When the newest of these messages was accepted, in milliseconds since 1970.
    newest: Option<u64>,
    /// Why nothing goes by itself although something should.
    halt: Option<String>,
}

impl Outcome {
    /// Asks the log, and lets go if that was approved. Blocks on the disk.
    ///
    /// # Errors
    /// Why nothing went, in words.
    pub(crate) fn of(archive: &Archive, approved: bool) -> Result<Self, String> {
        let plan = archive.retention_plan();
        let mut outcome = Self {
            dropped: approved,
            limited: plan.limited,
            segments: plan.segments,
            bytes: plan.bytes,
            of: plan.of,
            newest: plan.newest_ms,
            halt: plan.halt.map(|halt| halt.to_string()),
        };
        if approved {
            let retained = archive.retain_now(true).map_err(|error| error.to_string())?;
            (outcome.segments, outcome.bytes, outcome.halt) = (retained.segments, retained.bytes, None);
        }
        Ok(outcome)
    }

    fn text(&self, data: &Path) -> String {
        let Self {
            segments, bytes, of, ..
        } = self;
        if !self.limited {
            return "nothing goes: retention.age and retention.size are empty\n".to_owned();
        }
        let verb = if self.dropped { "gone" } else { "would go" };
        let mut lines = vec![format!("{verb:<13}{segments} segments, {bytes} of {of} bytes")];
        if let Some(newest) = self.newest {
            lines.push(format!("newest       {newest} ms since 1970"));
        }
        if let Some(halt) = &self.halt {
            lines.push(format!("halted       {halt}"));
        }
        if !self.dropped && *segments > 0 {
            lines.push(format!(
                "If the clock is right and these messages may go: godwit archive retain --yes --data {}",
                data.display()
            ));
        }
        lines.join("\n") + "\n"
    }
}

pub(crate) async fn retain(asked: &Retain, json: bool) -> Result<(), Failure> {
    let settings = settings::load(asked.configured.sources())?.settings;
    let data = settings.server.data.clone();
    let outcome = match DataFolder::open(&data) {
        Ok(folder) => of_folder(settings, folder, asked.yes).await?,
        Err(failure) if failure.code == DataFolder::IN_USE => operator::ask(&data, asked.yes).await?,
        Err(failure) => return Err(failure),
    };
    if json {
        print_json(&outcome);
    } else {
        print(&outcome.text(&data));
    }
    Ok(())
}

/// No server runs: the log is opened as a start would open it.
async fn of_folder(settings: Settings, folder: DataFolder, approved: bool) -> Result<Outcome, Failure> {
    let path = folder.archive();
    if !path.is_dir() {
        let what = format!("there is no message log at {}", path.display());
        let next = "name the folder that `godwit serve` uses with --data";
        return Err(Failure::new("GW-A010", what, next).with_exit(Exit::NotFound));
    }
    let equipment = opening::equipment(&settings)?;
    let disk = Arc::new(opening::open_disk(&folder)?);
    let done = tokio::task::spawn_blocking(move || {
        let opened = Archive::open_with(
            disk,
            Arc::new(SystemClock),
            rooms::archive(&settings),
            Arc::new(Silent),
            equipment,
        );
        let (archive, _) = opened.map_err(|error| {
            let what = format!("the message log does not open: {error}");
            Failure::new("GW-A001", what, "godwit archive verify")
        })?;
        let outcome = Outcome::of(&archive, approved).map_err(failed);
        archive.close();
        outcome
    });
    let outcome = done.await.map_err(|error| failed(error.to_string()))?;
    drop(folder);
    outcome
}

/// The log could not let go.
pub(crate) fn failed(why: impl Into<String>) -> Failure {
    let what = format!("nothing went: {}", why.into());
    Failure::new("GW-A014", what, "look at the disk and at the server's log")
}
