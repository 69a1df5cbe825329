//! The lives of one phone: a process that is killed and started again on the same table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use kit::PATIENCE;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// What a phone knows over its lives.
pub(crate) struct Phone {
    pub(crate) user: String,
    pub(crate) store: PathBuf,
    pub(crate) server: String,
    pub(crate) mqtt: String,
    pub(crate) is_v5: bool,
    /// Its account, once it said so.
    pub(crate) account: Option<String>,
    /// Ids of drafts that were handed over, by address, in order.
    pub(crate) sent: BTreeMap<String, Vec<String>>,
}

/// How a life goes.
pub(crate) struct Life {
    pub(crate) ticket: Option<String>,
    pub(crate) register: bool,
    pub(crate) drafts: Vec<(String, String)>,
    pub(crate) stop_at: &'static str,
    pub(crate) stop_after: u64,
    /// Killed after this time, wherever it is.
    pub(crate) lasts: Duration,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// Killed where it was told to stop.
    AtItsMoment,
    /// Killed anywhere.
    Anywhere,
}

impl Phone {
    fn start(life: &Value) -> (Child, Lines<BufReader<ChildStdout>>) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sdk_phone"))
            .arg(life.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the phone starts");
        let output = child.stdout.take().expect("it is piped");
        (child, BufReader::new(output).lines())
    }

    fn life(&self) -> Value {
        json!({ "store": self.store, "server": self.server, "mqtt": self.mqtt, "is_v5": self.is_v5, "ticket": null,
            "register": false, "drafts": [], "stop_at": "", "stop_after": 0, "ends": false })
    }

    fn note(&mut self, line: &str) {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("account"), Some(account), None) => self.account = Some(account.to_owned()),
            (Some("sent"), Some(id), Some(to)) => self.sent.entry(to.to_owned()).or_default().push(id.to_owned()),
            _ => {}
        }
    }

    /// Lives until it stands where it was told to stop, or its time is over; then it is killed (SIGKILL).
    pub(crate) async fn live_and_die(&mut self, life: Life) -> Death {
        let mut wanted = self.life();
        wanted["ticket"] = json!(life.ticket);
        wanted["register"] = json!(life.register);
        wanted["drafts"] = json!(life.drafts);
        wanted["stop_at"] = json!(life.stop_at);
        wanted["stop_after"] = json!(life.stop_after);
        let (mut child, mut lines) = Self::start(&wanted);
        let over = tokio::time::sleep(life.lasts);
        tokio::pin!(over);
        let mut death = Death::Anywhere;
        loop {
            let line = tokio::select! {
                line = lines.next_line() => line.expect("the phone's output"),
                () = &mut over => break,
            };
            match line.as_deref() {
                Some("stopped") => {
                    death = Death::AtItsMoment;
                    break;
                }
                Some(line) => self.note(line),
                None => panic!("{} ended by itself: {:?}", self.user, child.wait().await),
            }
        }
        child.kill().await.expect("it is killed");
        // What it said before it died counts.
        while let Ok(Some(line)) = lines.next_line().await {
            self.note(&line);
        }
        death
    }

    /// Lives in peace until everything is sent and caught up.
    pub(crate) async fn settle(&mut self) {
        self.settle_with(None).await;
    }

    /// The same, registering with a ticket first.
    pub(crate) async fn settle_with(&mut self, ticket: Option<String>) {
        let mut wanted = self.life();
        wanted["ticket"] = json!(ticket);
        wanted["ends"] = json!(true);
        let (mut child, mut lines) = Self::start(&wanted);
        let settled = async {
            while let Some(line) = lines.next_line().await.expect("the phone's output") {
                if line == "done" {
                    return true;
                }
            }
            false
        };
        let is_settled = tokio::time::timeout(2 * PATIENCE, settled).await;
        assert_eq!(is_settled, Ok(true), "{} does not come to rest", self.user);
        child.wait().await.expect("it ends");
    }
}
