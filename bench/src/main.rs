//! Drives MQTT and XMPP servers with the loads of a messenger, and reports what it cost.

mod archiver;
mod compare;
mod connection;
mod draft;
mod latency;
mod loads;
mod login;
mod meter;
mod numbers;
mod process;
mod report;
mod servers;
mod target;
mod traffic;
mod wire;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

/// Drives MQTT and XMPP servers with the loads of a messenger, and reports what it cost.
#[derive(Debug, Parser)]
#[command(name = "godwit-bench", version)]
struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run one load against a server that runs already.
    Run {
        /// Which server.
        #[command(flatten)]
        place: target::Place,
        /// Print a table rather than a line of JSON.
        #[arg(long)]
        markdown: bool,
        /// Which load.
        #[command(subcommand)]
        load: loads::Load,
    },
    /// Start servers in turns, run every load against each, and write the tables.
    Compare(compare::Compare),
    /// Subscribe to everything of an MQTT server and keep it in SQLite, for the comparison. Runs until it is ended.
    Archiver(archiver::Archiver),
}

fn main() -> ExitCode {
    raise_file_limit();
    // The HTTP client asks for one even where it never speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // One thread: the client shares the machine with the server and must not take more than it needs.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(act(Arguments::parse().command)));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::tell(&format!("godwit-bench: {error:#}"));
            ExitCode::from(2)
        }
    }
}

/// Whether nothing was lost.
async fn act(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Run { place, markdown, load } => {
            let target = Arc::new(place.target().await?);
            let record = load.run(&target).await?;
            let text = if markdown { record.markdown() } else { record.json() };
            report::print(&format!("{text}\n"));
            for fault in &record.faults {
                report::tell(&format!("FAILED: {fault}"));
            }
            Ok(record.faults.is_empty())
        }
        Command::Compare(compare) => compare.run().await,
        Command::Archiver(archiver) => archiver.run().map(|()| true),
    }
}

/// A connection is a file, for the servers we start as well.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wanted = Some(1 << 18);
    let (current, maximum) = (wanted, wanted);
    if setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_err() {
        // Only root may raise the upper limit.
        let current = now.maximum;
        let _ = setrlimit(Resource::Nofile, Rlimit { current, ..now });
    }
}
