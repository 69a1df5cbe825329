//! `godwit chat USER`: finds the server and a ticket, and hands the terminal to the messenger.

use std::path::{Path, PathBuf};

use clap::Args;
use godwit_chat::Chat;
use godwit_sdk::{Client, Config, Registration, Trust};
use serde_json::Value;

use crate::data_folder::{Addresses, FirstApp};
use crate::failure::{Exit, Failure};

/// Who talks, and where the platform is.
#[derive(Debug, Args)]
pub struct ChatArguments {
    /// The userId to talk as.
    pub user: String,
    /// The platform's HTTP door; without it, the server of the data folder, or <http://127.0.0.1:8080>.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// A server's data folder on this machine: its address and its first app are read there.
    #[arg(long, value_name = "DIR", default_value = "godwit-data")]
    pub data: PathBuf,
    /// A ticket for the user, where there is no such folder. Needed at the first start only.
    #[arg(long)]
    pub ticket: Option<String>,
    /// Whose certificates are believed, instead of the system's (PEM).
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Whom to open first: a userId, or g:ID for a group.
    #[arg(long, value_name = "ADDRESS")]
    pub to: Option<String>,
    /// The folder for messages and unsent text; without it, one in the user's own data folder.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

/// Runs until the user leaves.
pub(crate) async fn run(arguments: ChatArguments) -> Result<(), Failure> {
    let server = server(&arguments);
    let store = store(&arguments, &server)?;
    let mut config = Config::new(store.join("messages.db"), server.clone());
    "godwit chat".clone_into(&mut config.device.model);
    env!("CARGO_PKG_VERSION").clone_into(&mut config.device.app_version);
    if let Some(ca) = &arguments.ca {
        config.trust = Trust::File(ca.clone());
    }
    let client = Client::open(config).await.map_err(|error| failed(&error))?;
    let is_known = client
        .profile()
        .is_some_and(|profile| profile.user_id == arguments.user);
    let registration = match &arguments.ticket {
        Some(ticket) => Registration::with_ticket(ticket),
        None if is_known => Registration::again(),
        None => Registration::with_ticket(ticket(&arguments, &server).await?),
    };
    let chat = Chat {
        client,
        registration,
        unsent: store.join("unsent.json"),
        open: arguments.to,
    };
    chat.run().await.map_err(|error| failed(&error))
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::new("GW-M001", error.to_string(), "")
}

fn read_json<T: serde::de::DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

fn server(arguments: &ChatArguments) -> String {
    let in_folder = || {
        let addresses = read_json::<Addresses>(&arguments.data.join("addresses.json"))?;
        let secret = addresses.https.map(|https| format!("https://{https}"));
        addresses.http.map(|http| format!("http://{http}")).or(secret)
    };
    let named = arguments.server.clone().or_else(in_folder);
    named.unwrap_or_else(|| "http://127.0.0.1:8080".to_owned())
}

/// One folder for each user of each server.
fn store(arguments: &ChatArguments, server: &str) -> Result<PathBuf, Failure> {
    let folder = if let Some(folder) = &arguments.store {
        folder.clone()
    } else {
        let host = server.split_once("://").map_or(server, |(_, host)| host);
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let host: String = host.chars().map(plain).collect();
        own_data()?.join("godwit").join(format!("{}@{host}", arguments.user))
    };
    let made = std::fs::create_dir_all(&folder);
    made.map_err(|error| {
        Failure::new(
            "GW-M002",
            format!("{}: {error}", folder.display()),
            "name another with --store",
        )
    })?;
    Ok(folder)
}

/// Where programs keep a user's data (XDG Base Directory Specification 0.8).
fn own_data() -> Result<PathBuf, Failure> {
    let named = std::env::var_os("XDG_DATA_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    named.or_else(home).ok_or_else(|| {
        Failure::new(
            "GW-M002",
            "there is no home folder to keep messages in",
            "name one with --store",
        )
    })
}

/// A ticket by the first app of the data folder, as an app's backend would give it.
async fn ticket(arguments: &ChatArguments, server: &str) -> Result<String, Failure> {
    let file = arguments.data.join("first-app.json");
    let Some(app) = read_json::<FirstApp>(&file) else {
        let what = format!(
            "{} needs a ticket to talk from this machine the first time",
            arguments.user
        );
        let next = format!(
            "give --ticket, or --data with the folder of a server ({} is none)",
            arguments.data.display()
        );
        return Err(Failure::new("GW-M003", what, next).with_exit(Exit::NotFound));
    };
    let client = reqwest::Client::new();
    let token = client
        .post(format!("{server}/oauth/token"))
        .basic_auth(&app.client_id, Some(&app.client_secret))
        .form(&[("grant_type", "client_credentials")]);
    let token = text(token, "access_token").await?;
    let ticket = client
        .post(format!("{server}/v1/tickets"))
        .bearer_auth(token)
        .json(&serde_json::json!({ "userId": arguments.user }));
    text(ticket, "ticket").await
}

/// One text of an answer.
async fn text(request: reqwest::RequestBuilder, field: &str) -> Result<String, Failure> {
    let unreachable = |error: reqwest::Error| {
        let what = format!("the server does not answer: {error}");
        Failure::new("GW-M004", what, "is it running? name it with --server").with_exit(Exit::Unreachable)
    };
    let answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    let body: Value = answer.json().await.map_err(unreachable)?;
    body[field].as_str().map(str::to_owned).ok_or_else(|| {
        let detail = body["detail"].as_str().unwrap_or_default();
        Failure::new("GW-M005", format!("no {field} was given ({status}): {detail}"), "")
    })
}
