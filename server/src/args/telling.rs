//! What may be asked about events and the audit.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Configured;

/// What to do about webhooks. A server must be running on the folder, or `--server` names one.
#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// Print every event as it happens, and send it on, signed, to an address of this machine: for whoever writes a
    /// receiver. Ends with Ctrl-C.
    Listen(Listen),
}

/// What to listen to.
#[derive(Debug, Args)]
pub struct Listen {
    /// Where events are sent on to, such as `http://127.0.0.1:3000/webhooks`; without it they are printed only.
    #[arg(long, value_name = "URL")]
    pub forward_to: Option<String>,
    /// Which types of events, with commas between; without it, all.
    #[arg(long, value_name = "TYPES")]
    pub types: Option<String>,
    /// What signs them: `whsec_…`; without it one is made and printed.
    #[arg(long, value_name = "SECRET")]
    pub secret: Option<String>,
    /// End after so many events.
    #[arg(long, value_name = "NUMBER")]
    pub count: Option<u64>,
    /// The REST door of a server that is not on this machine's folder; needs `--token-file`.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A file with an app's access token for that server.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Which settings.
    #[command(flatten)]
    pub configured: Configured,
}

/// Which changes.
#[derive(Debug, Args)]
pub struct Audit {
    /// Of this actor only, such as `a:gwa_…`.
    #[arg(long)]
    pub actor: Option<String>,
    /// Only this action, such as `PUT /v1/users/{userId}`.
    #[arg(long)]
    pub action: Option<String>,
    /// From this time on, in milliseconds since 1970.
    #[arg(long, value_name = "MS")]
    pub since: Option<u64>,
    /// Before this time, in milliseconds since 1970.
    #[arg(long, value_name = "MS")]
    pub until: Option<u64>,
    /// Most lines, at most 500.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Print all of it, oldest first, as JSON Lines.
    #[arg(long)]
    pub export: bool,
    /// Which settings.
    #[command(flatten)]
    pub configured: Configured,
}
