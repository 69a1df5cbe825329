//! mosquitto as a plain relay: it stores nothing, so it shows what bare relaying costs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{Place, Running, bare, free_address, listens, spawn, started};
use crate::connection::trust_in;
use crate::target::{Dialect, Target};

pub(super) const SETTINGS_IN_WORDS: &str = "`persistence false`, `max_inflight_messages 1000`, `max_queued_messages 0` (no limit), `set_tcp_nodelay true`, \
     `allow_anonymous true` (it checks no credentials), errors logged only; a topic per user";

pub(super) async fn start(path: &Path, place: &Place<'_>) -> anyhow::Result<Running> {
    let (mqtt, mqtts) = (free_address()?, free_address()?);
    let mut settings = format!(
        "persistence false\nallow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 1000\n\
         max_queued_messages 0\nlog_dest stderr\nlog_type error\nlistener {} 127.0.0.1\n",
        mqtt.port()
    );
    let certificate = &place.certificate;
    let _ = write!(
        settings,
        "listener {} 127.0.0.1\ncertfile {}\nkeyfile {}\n",
        mqtts.port(),
        certificate.certificate.display(),
        certificate.key.display()
    );
    if rustix::process::geteuid().is_root() {
        // Otherwise it becomes somebody who may not read the key.
        settings.push_str("user root\n");
    }
    let file = place.folder.join("mosquitto.conf");
    fs::write(&file, settings)?;
    let trust = trust_in(&certificate.certificate)?;
    let mut command = bare(path);
    command.arg("-c").arg(&file);
    let child = spawn(command, place)?;
    started(child, || {
        listens(mqtt).then(|| {
            let mut target = Target::new("mosquitto", mqtt, Dialect::Topics);
            target.tls = Some((mqtts, trust.clone()));
            target
        })
    })
    .await
}
