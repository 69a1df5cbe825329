//! Programs in the languages of others: paho-mqtt for Python, and mqtt.js. `tests/stock/install` brings them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use kit::{PATIENCE, program};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::platform::{OWN, Pair, Platform, TRANSPORTS, is_refusal, text_of};

/// A running program, told what to do by lines and telling what it sees by lines.
struct Program {
    child: Child,
    orders: ChildStdin,
    news: Lines<BufReader<ChildStdout>>,
    name: String,
    /// The last text it heard. It may hear that again when it comes back, if it left before its acknowledgement was out.
    last: String,
}

impl Program {
    fn start(mut command: Command, name: String) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        Self {
            orders: child.stdin.take().expect("piped"),
            news: BufReader::new(child.stdout.take().expect("piped")).lines(),
            child,
            name,
            last: String::new(),
        }
    }

    async fn go_on(&mut self) {
        self.orders.write_all(b"\n").await.expect("the program listens");
    }

    /// The rest of the next line, which must begin with this word.
    async fn expect(&mut self, word: &str) -> String {
        let line = tokio::time::timeout(PATIENCE, self.news.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("{}: waited in vain for {word}", self.name));
        let line = line.expect("text").unwrap_or_default();
        let rest = line.strip_prefix(word);
        let rest = rest.unwrap_or_else(|| panic!("{}: {word} expected, not {line:?}", self.name));
        rest.trim().to_owned()
    }

    /// The program's own entry and the acknowledgement of its draft, in either order.
    async fn expect_stored(&mut self) {
        let first = self.expect("").await;
        if first == "published" {
            self.expect_heard(OWN).await;
        } else {
            assert!(first.contains(OWN), "{}: {first}", self.name);
            self.expect("published").await;
        }
    }

    async fn expect_heard(&mut self, text: &str) {
        let mut heard = text_of(self.expect("heard").await.as_bytes());
        if heard == self.last {
            heard = text_of(self.expect("heard").await.as_bytes());
        }
        assert_eq!(heard, text, "{}", self.name);
        self.last = heard;
    }
}

/// Where `tests/stock/install` puts what it brings.
fn installed(path: &str) -> PathBuf {
    let godwit = program::godwit();
    let target = godwit.parent().and_then(Path::parent).expect("target/PROFILE/godwit");
    target.join("stock").join(path)
}

fn script(name: &str) -> String {
    format!("{}/stock/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Logs in with a wrong password and with the right one, talks both ways, goes away, and gets what it missed.
async fn tell_the_story(mut program: Program, platform: &Platform, pair: &Pair, version: u8) {
    let code = program.expect("refused").await;
    assert!(is_refusal(version, &code), "{}: {code}", program.name);
    assert_eq!(program.expect("entered").await.to_lowercase(), "false");
    program.expect("subscribed").await;
    program.expect_stored().await;
    pair.partner_hears(platform).await;
    pair.partner_says(platform, &["live"]).await;
    program.expect_heard("live").await;

    program.go_on().await;
    program.expect("left").await;
    pair.partner_says(platform, &["missed 1", "missed 2", "missed 3"]).await;
    program.go_on().await;
    assert_eq!(program.expect("entered").await.to_lowercase(), "true");
    for text in ["missed 1", "missed 2", "missed 3"] {
        program.expect_heard(text).await;
    }
    program.go_on().await;
    let ended = tokio::time::timeout(PATIENCE, program.child.wait()).await;
    let ended = ended.unwrap_or_else(|_| panic!("{}: it does not end", program.name));
    assert!(ended.expect("it was started").success(), "{}", program.name);
}

async fn tell_all_stories(client: &str, command: impl Fn() -> Command) {
    let platform = Platform::start().await;
    for transport in TRANSPORTS {
        for version in [3, 5] {
            let pair = platform.pair(client, transport, version).await;
            let mut command = command();
            command
                .args([platform.url(transport), version.to_string()])
                .arg(&platform.certificate)
                .args([&pair.own.account, &pair.own.id, &pair.own.token, &pair.draft()]);
            let program = Program::start(command, format!("{client} over {transport}, MQTT {version}"));
            tell_the_story(program, &platform, &pair, version).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paho_for_python_works_over_every_transport_in_both_versions() {
    let python = installed("python/bin/python");
    if program::is_found(
        python.exists(),
        "paho-mqtt (tests/stock/install)",
        "GODWIT_REQUIRE_STOCK",
    ) {
        tell_all_stories("paho", || {
            let mut command = Command::new(&python);
            command.arg(script("paho_client.py"));
            command
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mqttjs_works_over_every_transport_in_both_versions() {
    let modules = installed("node/node_modules");
    let is_here = modules.join("mqtt").exists();
    if program::is_found(is_here, "mqtt.js (tests/stock/install)", "GODWIT_REQUIRE_STOCK") {
        tell_all_stories("mqttjs", || {
            let mut command = Command::new("node");
            command.arg(script("mqttjs_client.js")).env("NODE_PATH", &modules);
            command
        })
        .await;
    }
}
