//! A messenger for the terminal, on the SDK: offline and back without losing a keystroke.
//!
//! What is typed is on the disk with each key; what is sent is in the SDK's outbox before the line is empty again.
//! The screen shows the SDK's local table, so it is the same with and without a network.
#![deny(missing_docs)]

mod command;
mod composer;
mod desk;
mod keys;
mod messenger;
mod screen;
mod terminal;
mod unsent;

use std::io;
use std::path::PathBuf;

use godwit_sdk::{Client, Registration};

/// What the messenger starts with.
pub struct Chat {
    /// The client, opened and not yet connected.
    pub client: Client,
    /// How the device registers at this start.
    pub registration: Registration,
    /// The file that keeps what was typed and not sent.
    pub unsent: PathBuf,
    /// Whom to open first; without it, who was open last.
    pub open: Option<String>,
}

/// Why the messenger could not run, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Input or output is not a terminal, or it stopped working.
    #[error("the terminal: {0}")]
    Terminal(io::Error),
    /// What was typed could not be kept.
    #[error("{}: {error}", file.display())]
    Unsent {
        /// The file that keeps it.
        file: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The SDK could not go on.
    #[error(transparent)]
    Client(#[from] godwit_sdk::Error),
}

impl Chat {
    /// Takes over the terminal until the user leaves. The terminal is given back as it was, also after an error.
    ///
    /// # Errors
    /// See [`enum@Error`]. A platform that cannot be reached is none: the messenger waits for it.
    pub async fn run(self) -> Result<(), Error> {
        let unsent = unsent::Unsent::open(self.unsent)?;
        let mut screen = terminal::Screen::enter().map_err(Error::Terminal)?;
        let mut messenger = messenger::Messenger::new(self.client, unsent, self.open);
        messenger.run(&mut screen, self.registration).await
    }
}
