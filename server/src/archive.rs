//! `godwit archive …`: looks into the message log, also while a server writes to it.

use std::io;
use std::path::PathBuf;

use godwit_archive::inspect::Inspector;

use crate::args::{ArchiveCommand, Configured};
use crate::failure::{Exit, Failure};
use crate::settings::{self, Settings};
use crate::{opening, rooms};

mod bar;
mod export;
mod retain;
mod stats;
mod verify;

pub(crate) use bar::Bar;
pub(crate) use retain::{Outcome, failed};

/// Does what was asked with the message log.
pub(crate) async fn run(command: ArchiveCommand, json: bool) -> Result<(), Failure> {
    match command {
        ArchiveCommand::Stats(configured) => stats::stats(&Looked::open(&configured)?, json),
        ArchiveCommand::Verify(configured) => verify::verify(&Looked::open(&configured)?, json),
        ArchiveCommand::Export(export) => export::export(&export, json).await,
        ArchiveCommand::Retain(retain) => retain::retain(&retain, json).await,
    }
}

/// A message log that is looked into.
pub(crate) struct Looked {
    pub(crate) settings: Settings,
    pub(crate) folder: PathBuf,
    pub(crate) inspector: Inspector,
}

impl Looked {
    pub(crate) fn open(configured: &Configured) -> Result<Self, Failure> {
        let settings = settings::load(configured.sources())?.settings;
        let folder = settings.server.data.join("archive");
        let inspector = Inspector::open(&folder).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                let what = format!("there is no message log at {}", folder.display());
                let next = "name the folder that `godwit serve` uses with --data";
                return Failure::new("GW-A010", what, next).with_exit(Exit::NotFound);
            }
            unreadable(&error)
        })?;
        let keys = rooms::sealing(&settings)
            .map_err(|error| opening::key_file(&settings, &error))?
            .keys;
        let inspector = match keys {
            Some(keys) => inspector.with_keys(keys),
            None => inspector,
        };
        let cold = rooms::cold(&settings).map_err(|error| opening::cold_store(&settings, &error))?;
        let inspector = match cold {
            Some(store) => inspector.with_cold(store),
            None => inspector,
        };
        Ok(Self {
            settings,
            folder,
            inspector,
        })
    }
}

pub(crate) fn unreadable(error: &io::Error) -> Failure {
    let what = format!("the message log cannot be read: {error}");
    if Inspector::is_cold(error) {
        let next = "is the store running, and is [cold] right?";
        return Failure::new("GW-A015", what, next).with_exit(Exit::Unreachable);
    }
    Failure::new(
        "GW-A011",
        what,
        "run it as the user the server runs as, and look at the disk",
    )
}
