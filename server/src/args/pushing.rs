//! What may be asked about pushes and about single messages.

use clap::{Args, Subcommand};

use super::Configured;

/// What to do about vendor push.
#[derive(Debug, Subcommand)]
pub enum PushCommand {
    /// Ask vendors whether they take the credentials, without reaching a device. Needs no running server.
    Check {
        /// The vendor, such as apns or fcm; without it, all that are set.
        vendor: Option<String>,
        /// Which settings.
        #[command(flatten)]
        configured: Configured,
    },
    /// Send a user a message and tell what became of its pushes. A server must be running on the folder.
    Test {
        /// The user.
        user: String,
        /// Which settings.
        #[command(flatten)]
        configured: Configured,
    },
    /// Show what became of pushes, newest first. A server must be running on the folder.
    Log {
        /// Of this user only.
        #[arg(long)]
        user: Option<String>,
        /// About this message only, by its server id.
        #[arg(long, value_name = "ID")]
        message: Option<String>,
        /// Most lines, at most 500.
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Which settings.
        #[command(flatten)]
        configured: Configured,
    },
}

/// Whose phone, and for what.
#[derive(Debug, Args)]
pub struct Why {
    /// The user.
    pub user: String,
    /// A message by its server id; without it, the newest of the user's inbox.
    pub message: Option<String>,
    /// Which settings.
    #[command(flatten)]
    pub configured: Configured,
}

/// What to do with messages.
#[derive(Debug, Subcommand)]
pub enum MessageCommand {
    /// Tell what became of a message: from its acceptance to each reader, device and push.
    Show {
        /// Its server id.
        server_id: String,
        /// Which settings.
        #[command(flatten)]
        configured: Configured,
    },
}
