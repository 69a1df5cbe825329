//! What may be asked about what is stored: looking into the message log, backup, restore.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Configured;

/// What to do with the message log. A server may be running on the same folder.
#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Say how much is stored: segments, messages, accounts, the oldest and the newest. Reads all of it.
    Stats(Configured),
    /// Read every byte that is stored and name each damage. The exit status is 0 only if there is none.
    Verify(Configured),
    /// Write the messages as JSON Lines: one envelope a line, with the inboxes it is in.
    Export(Export),
    /// Say what retention would let go of now, and why it does not; with --yes, let it go.
    Retain(Retain),
}

/// Whether to let go, and of what.
#[derive(Debug, Args)]
pub struct Retain {
    /// The clock is right and the messages may go, however many they are.
    #[arg(long)]
    pub yes: bool,
    /// Which settings. A server that runs goes by its own.
    #[command(flatten)]
    pub configured: Configured,
}

/// Which messages to export, and where to.
#[derive(Debug, Args)]
pub struct Export {
    /// Which settings.
    #[command(flatten)]
    pub configured: Configured,
    /// Only this conversation, as `conv` names it.
    #[arg(long, value_name = "CONV")]
    pub conversation: Option<String>,
    /// Only the inbox of this account: its id, or its number inside.
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// Only messages accepted at this time or later: milliseconds since 1970, or how long ago, such as 7d.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only messages accepted before this time.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Decrypt what is encrypted, with the keys of `storage.key_file`; without it such messages come without content.
    #[arg(long)]
    pub decrypt: bool,
    /// The file to write, which must not be there yet; without it, standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// What to back up, and where to.
#[derive(Debug, Args)]
pub struct Backup {
    /// The folder to write. If it holds an earlier backup, what did not change is kept and not copied again.
    pub to: PathBuf,
    /// Copy the file of encryption keys into it as well: then the backup alone shows every message.
    #[arg(long)]
    pub with_keys: bool,
    /// Which settings.
    #[command(flatten)]
    pub configured: Configured,
}

/// What to restore, and where to.
#[derive(Debug, Args)]
pub struct Restore {
    /// The folder of the backup.
    pub from: PathBuf,
    /// Which settings: the data folder must be empty, or not be there.
    #[command(flatten)]
    pub configured: Configured,
}
