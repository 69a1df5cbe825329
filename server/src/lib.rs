//! The binary `godwit` as a library, so that tests can start a server inside their own process.
//!
//! [`wiring`] is the only file that sees every room. [`settings`] is what an operator may set. The rest is the life
//! of the process around them; nothing here decides anything about messages.
#![deny(missing_docs)]

mod apps;
mod archive;
pub mod args;
mod asking;
mod audit;
mod backup;
mod banner;
pub mod chat;
mod check_config;
mod console;
pub mod data_folder;
mod demo;
mod failure;
mod http;
mod opening;
mod operator;
mod platform;
mod push;
mod pushes;
mod rooms;
pub mod running;
mod serve;
pub mod settings;
mod shutdown;
mod sockets;
mod telemetry;
mod tls;
mod webhooks;
pub mod wiring;

pub use console::report;
pub use failure::{Exit, Failure};

use args::{Arguments, Command, ConfigCommand, TlsCommand};

/// Says whose cryptography HTTP clients of this process use, before the first of them is made; they bring none of their
/// own. Doing it again changes nothing.
pub fn choose_cryptography() {
    // Refused only where it was chosen before.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Does what the command line asks.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let json = arguments.json;
    match arguments.command {
        Command::Serve(serve) => Box::pin(serve::serve(&serve)).await,
        Command::Demo => demo::run(json).await,
        Command::Chat(arguments) => chat::run(arguments).await,
        Command::App(command) => apps::run(command, json).await,
        Command::Archive(command) => archive::run(command, json).await,
        Command::Backup(asked) => Box::pin(backup::backup(&asked, json)).await,
        Command::Restore(asked) => backup::restore(&asked, json),
        Command::Push(command) => pushes::run(command, json).await,
        Command::Webhook(command) => Box::pin(webhooks::run(command, json)).await,
        Command::Audit(asked) => audit::run(&asked, json).await,
        Command::Why(asked) => pushes::why(&asked, json).await,
        Command::Message(command) => pushes::message(command, json).await,
        Command::Tls(TlsCommand::SelfSigned {
            names,
            replace,
            configured,
        }) => tls::self_signed(names, replace, configured.sources(), json),
        Command::CheckConfig(configured) => check_config::check_config(configured.sources(), json),
        Command::Config(ConfigCommand::Default) => {
            console::print(&settings::example());
            Ok(())
        }
        Command::Version => {
            version(json);
            Ok(())
        }
    }
}

fn version(json: bool) {
    let version = env!("CARGO_PKG_VERSION");
    if json {
        console::print_json(&serde_json::json!({ "version": version }));
    } else {
        console::print(&format!("godwit {version}\n"));
    }
}
