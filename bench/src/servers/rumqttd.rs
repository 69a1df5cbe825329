//! rumqttd, a broker in Rust: a yardstick, and the reason for the probes of churn and isolation.

use std::fs;
use std::path::Path;

use super::{Place, Running, bare, free_address, listens, spawn, started};
use crate::target::{Dialect, Target};

pub(super) const SETTINGS_IN_WORDS: &str = "1 MiB of log per topic, in two segments; everything else as in the file it ships with; no credentials; a topic per user";

pub(super) async fn start(path: &Path, place: &Place<'_>) -> anyhow::Result<Running> {
    let mqtt = free_address()?;
    let settings = format!(
        "id = 0\n[router]\nid = 0\nmax_connections = 20010\nmax_outgoing_packet_count = 200\n\
         max_segment_size = 524288\nmax_segment_count = 2\n[v4.1]\nname = \"v4-1\"\nlisten = \"{mqtt}\"\n\
         next_connection_delay_ms = 1\n[v4.1.connections]\nconnection_timeout_ms = 60000\n\
         max_payload_size = 20480\nmax_inflight_count = 100\ndynamic_filters = true\n"
    );
    let file = place.folder.join("rumqttd.toml");
    fs::write(&file, settings)?;
    let mut command = bare(path);
    command.arg("-c").arg(&file).arg("-q");
    let child = spawn(command, place)?;
    started(child, || {
        listens(mqtt).then(|| Target::new("rumqttd", mqtt, Dialect::Topics))
    })
    .await
}
