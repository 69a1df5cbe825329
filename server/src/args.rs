//! What may be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::settings::{Flag, Sources, environment};

mod keeping;
mod pushing;
mod telling;

pub use keeping::{ArchiveCommand, Backup, Export, Restore, Retain};
pub use pushing::{MessageCommand, PushCommand, Why};
pub use telling::{Audit, Listen, WebhookCommand};

/// Messages for apps, over MQTT and REST: stored before they are acknowledged.
#[derive(Debug, Parser)]
#[command(name = "godwit", version, disable_version_flag = true, arg_required_else_help = true)]
pub struct Arguments {
    /// Print the result as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the platform and run until it is told to stop.
    Serve(Serve),
    /// Watch three people, a group, a lost phone and a killed server.
    Demo,
    /// Talk from this terminal: a messenger that keeps what is typed and sends it when it can.
    Chat(crate::chat::ChatArguments),
    /// Apps: third-party clients of the REST API.
    #[command(subcommand)]
    App(AppCommand),
    /// The message log: how much is stored, whether it is sound, and all of it as JSON Lines.
    #[command(subcommand)]
    Archive(ArchiveCommand),
    /// Copy everything into a folder, also while the server runs.
    Backup(Backup),
    /// Make a data folder of a backup.
    Restore(Restore),
    /// Vendor push: whether vendors take the credentials, a test, and what became of pushes.
    #[command(subcommand)]
    Push(PushCommand),
    /// Say for each device of a user why it rang or did not. A server must be running on the folder.
    Why(Why),
    /// Messages: what became of one. A server must be running on the folder.
    #[command(subcommand)]
    Message(MessageCommand),
    /// Webhooks: try a receiver with what happens on a server that runs.
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Show who changed what, newest first. A server must be running on the folder.
    Audit(Audit),
    /// TLS: certificates for machines that have none.
    #[command(subcommand)]
    Tls(TlsCommand),
    /// Look for problems in the settings, and start nothing.
    CheckConfig(Configured),
    /// The settings themselves.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the version.
    Version,
}

/// How to start.
#[derive(Debug, Args)]
pub struct Serve {
    /// Which settings.
    #[command(flatten)]
    pub configured: Configured,
    /// Where the REST door listens, such as 127.0.0.1:8080; port 0 takes any free one; `off` closes it.
    #[arg(long, value_name = "ADDR")]
    pub http: Option<String>,
    /// Where the REST door listens with TLS, such as 127.0.0.1:8443; `auto`: there, if there is a certificate.
    #[arg(long, value_name = "ADDR")]
    pub https: Option<String>,
    /// Where the MQTT door listens, such as 127.0.0.1:1883; port 0 takes any free one; `off` closes it.
    #[arg(long, value_name = "ADDR")]
    pub mqtt: Option<String>,
    /// Where the MQTT door listens with TLS, such as 127.0.0.1:8883; `auto`: there, if there is a certificate.
    #[arg(long, value_name = "ADDR")]
    pub mqtts: Option<String>,
    /// How log events are written: text or json.
    #[arg(long, value_name = "FORMAT")]
    pub log: Option<String>,
    /// Push to stand-ins of all vendors, in the place of those of the settings, and print what phones would show.
    #[arg(long)]
    pub simulate_push: bool,
}

/// Which settings, and which folder.
#[derive(Debug, Default, Args)]
pub struct Configured {
    /// The settings file; without it, what `GODWIT_CONFIG` names, or the defaults.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder that holds everything.
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
}

/// What to do with apps. The server must not be running on the same folder.
#[derive(Debug, Subcommand)]
pub enum AppCommand {
    /// Make an app; its secret is shown this once.
    Create {
        /// Its name, for people.
        #[arg(long)]
        name: String,
        /// What it may do, with commas between; without it, everything.
        #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
        scopes: Vec<String>,
        /// Whose app it is.
        #[arg(long, value_name = "NUMBER", default_value_t = 1)]
        tenant: u32,
        /// Which settings.
        #[command(flatten)]
        configured: Configured,
    },
    /// Give an app another secret, shown this once; the former one stops.
    ResetSecret {
        /// The app's client id.
        client_id: String,
        /// Which settings.
        #[command(flatten)]
        configured: Configured,
    },
}

/// What to do about TLS.
#[derive(Debug, Subcommand)]
pub enum TlsCommand {
    /// Write a certificate that nobody vouches for into the data folder, to try TLS with.
    SelfSigned {
        /// A host name or address under which clients find this machine, besides localhost; may be given again.
        #[arg(long = "name", value_name = "HOST")]
        names: Vec<String>,
        /// Put it in the place of one that is there.
        #[arg(long)]
        replace: bool,
        /// Which settings.
        #[command(flatten)]
        configured: Configured,
    },
}

/// What to do with the settings themselves.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting with its default: a settings file to start from.
    Default,
}

impl Configured {
    /// These flags and the environment, as the settings take them.
    pub fn sources(&self) -> Sources {
        Sources {
            file: self.config.clone(),
            environment: environment(),
            flags: flags([("--data", "server.data", &self.data)]),
        }
    }
}

impl Serve {
    /// These flags and the environment, as the settings take them.
    pub fn sources(&self) -> Sources {
        let mut sources = self.configured.sources();
        sources.flags.extend(flags([
            ("--http", "http.bind", &self.http),
            ("--https", "https.bind", &self.https),
            ("--mqtt", "mqtt.bind", &self.mqtt),
            ("--mqtts", "mqtts.bind", &self.mqtts),
            ("--log", "log.format", &self.log),
        ]));
        sources
    }
}

fn flags<const N: usize>(given: [(&'static str, &'static str, &Option<String>); N]) -> Vec<Flag> {
    given
        .into_iter()
        .filter_map(|(name, key, value)| {
            let value = value.clone()?;
            Some(Flag { name, key, value })
        })
        .collect()
}
