//! Godwit with its shipped defaults, except for the limits that only slow down registering.

use std::fs;
use std::path::Path;

use super::{Place, Running, bare, listens, spawn, started};
use crate::connection::trust_in;
use crate::target::godwit::running_in;

pub(super) const SETTINGS_IN_WORDS: &str = "shipped defaults; only `http.app_requests` and `http.address_requests` are raised, so that \
     thousands of users can be registered in seconds before anything is measured";

const SETTINGS: &str = "[http]
app_requests = 1000000
app_requests_burst = 1000000
address_requests = 1000000
address_requests_burst = 1000000
";

pub(super) async fn start(path: &Path, place: &Place<'_>) -> anyhow::Result<Running> {
    let data = place.folder.join("data");
    let settings = place.folder.join("godwit.toml");
    let addresses = data.join("addresses.json");
    // What an earlier start wrote there is not ours.
    let _ = fs::remove_file(&addresses);
    fs::write(&settings, settings_text(place))?;
    let mut command = bare(path);
    command
        .arg("serve")
        .arg("--config")
        .arg(&settings)
        .arg("--data")
        .arg(&data);
    command.args(["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"]);
    if place.tls {
        command.args(["--mqtts", "127.0.0.1:0"]);
    }
    let child = spawn(command, place)?;
    let mut running = started(child, || {
        let written = fs::read_to_string(&addresses).ok()?;
        let written: serde_json::Value = serde_json::from_str(&written).ok()?;
        let mqtt = written["mqtt"].as_str()?.parse().ok()?;
        // Only a place holder: signing in comes next, and cannot be done in here.
        listens(mqtt).then(super::nowhere)
    })
    .await?;
    let trust = place
        .tls
        .then(|| trust_in(&place.certificate.certificate))
        .transpose()?;
    let mut target = running_in(&data, trust).await?;
    target.process.clone_from(&running.target.process);
    running.target = std::sync::Arc::new(target);
    Ok(running)
}

fn settings_text(place: &Place<'_>) -> String {
    if !place.tls {
        return SETTINGS.to_owned();
    }
    let certificate = place.certificate.certificate.display();
    let key = place.certificate.key.display();
    format!("{SETTINGS}\n[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n")
}
