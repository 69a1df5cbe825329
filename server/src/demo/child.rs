//! A server in a process of its own, on a folder of its own, that can be killed and started again.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::data_folder::{Addresses, FirstApp};
use crate::failure::{Exit, Failure};

/// Longest start and longest stop.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The server; killed, and its folder removed, when this is dropped.
pub(super) struct Server {
    process: Option<Child>,
    folder: TempDir,
    addresses: Addresses,
}

/// A door of the demo; it opens the plain ones, which are never off.
fn door(address: Option<&String>) -> &str {
    address.map_or("127.0.0.1:0", String::as_str)
}

impl Server {
    /// A server that was never started, on a new folder and any free ports.
    pub(super) fn new() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("godwit-demo-").tempdir();
        Ok(Self {
            process: None,
            folder: folder.map_err(|error| failed(&format!("no temporary folder: {error}")))?,
            addresses: Addresses {
                http: None,
                https: None,
                mqtt: None,
                mqtts: None,
            },
        })
    }

    /// Starts it; again on the same ports and folder if it ran before. Returns its process number.
    pub(super) async fn start(&mut self) -> Result<u32, Failure> {
        let written = self.data().join("addresses.json");
        let _ = std::fs::remove_file(&written);
        let mut process = self
            .command()?
            .spawn()
            .map_err(|error| failed(&format!("it does not start: {error}")))?;
        let pid = process.id().unwrap_or_default();
        let listening = async {
            loop {
                if let Some(addresses) = read_json(&written) {
                    return Ok(addresses);
                }
                if let Ok(Some(status)) = process.try_wait() {
                    return Err(failed(&format!("it ended at once ({status}): {}", self.last_words())));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, listening).await;
        self.addresses = waited.unwrap_or_else(|_| Err(failed("it does not listen")))?;
        self.process = Some(process);
        Ok(pid)
    }

    fn command(&self) -> Result<Command, Failure> {
        let program = std::env::current_exe().map_err(|error| failed(&format!("no own executable: {error}")))?;
        let log = std::fs::File::options().create(true).append(true).open(self.log_path());
        let log = log.map_err(|error| failed(&format!("no log: {error}")))?;
        let phones = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.phones_path());
        let phones = phones.map_err(|error| failed(&format!("no file for its phones: {error}")))?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(self.data());
        command.args(["--http", self.http(), "--mqtt", self.mqtt(), "--simulate-push"]);
        // Settings of the one who watches are not the demo's.
        for (name, _) in crate::settings::environment() {
            if name.starts_with("GODWIT_") {
                command.env_remove(name);
            }
        }
        command
            .stdin(Stdio::null())
            .stdout(phones)
            .stderr(log)
            .kill_on_drop(true);
        Ok(command)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn phones_path(&self) -> PathBuf {
        self.folder.path().join("phones")
    }

    /// Waits until a phone shows this text, and gives the line that says so.
    pub(super) async fn shown(&self, text: &str) -> Result<String, Failure> {
        let shown = async {
            loop {
                let printed = std::fs::read_to_string(self.phones_path()).unwrap_or_default();
                if let Some(line) = printed.lines().find(|line| line.contains(text)) {
                    return line.to_owned();
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, shown).await;
        waited.map_err(|_| failed(&format!("no phone shows {text:?}")))
    }

    /// Whether no phone has shown this text.
    pub(super) fn never_shown(&self, text: &str) -> bool {
        let printed = std::fs::read_to_string(self.phones_path()).unwrap_or_default();
        // What phones show begins with the vendor's name; the banner has examples of its own.
        let mut shown = printed.lines().filter(|line| line.starts_with('['));
        !shown.any(|line| line.contains(text))
    }

    /// The first lines it said about why it ended.
    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let words = log
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.contains(" INFO "));
        words.take(3).collect::<Vec<_>>().join(" ")
    }

    /// Where its REST door listens.
    pub(super) fn http(&self) -> &str {
        door(self.addresses.http.as_ref())
    }

    /// Where its MQTT door listens.
    pub(super) fn mqtt(&self) -> &str {
        door(self.addresses.mqtt.as_ref())
    }

    /// The credentials it made for its first app.
    pub(super) fn first_app(&self) -> Result<FirstApp, Failure> {
        read_json(&self.data().join("first-app.json")).ok_or_else(|| failed("it wrote no first-app.json"))
    }

    /// SIGKILL: it cannot finish anything, or say goodbye.
    pub(super) async fn kill(&mut self) -> Result<(), Failure> {
        match self.process.take() {
            Some(mut process) => process
                .kill()
                .await
                .map_err(|error| failed(&format!("it cannot be killed: {error}"))),
            None => Ok(()),
        }
    }

    /// SIGTERM: it may finish what it began.
    pub(super) async fn stop(&mut self) -> Result<ExitStatus, Failure> {
        let Some(mut process) = self.process.take() else {
            return Err(failed("it does not run"));
        };
        let pid = process.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let pid = pid.ok_or_else(|| failed("it ended by itself"))?;
        kill_process(pid, Signal::TERM).map_err(|error| failed(&format!("it cannot be told to stop: {error}")))?;
        match tokio::time::timeout(PATIENCE, process.wait()).await {
            Ok(Ok(status)) => Ok(status),
            Ok(Err(error)) => Err(failed(&format!("it cannot be waited for: {error}"))),
            Err(_) => Err(failed("it did not stop when told to")),
        }
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn failed(what: &str) -> Failure {
    Failure::new("GW-E002", format!("the demo's server: {what}"), "").with_exit(Exit::Unreachable)
}
