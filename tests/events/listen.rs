//! `godwit webhook listen` prints events of a running server and sends them on, signed; `godwit audit` shows changes.

use std::process::Stdio;

use godwit_push::call::signature;
use kit::{Server, program, wait_for};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::receiver::Receiver;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_printed_and_sent_on_signed() {
    let server = Server::start().await;
    let receiver = Receiver::start().await;
    let app = server.app().await;
    app.ticket("ann").await;
    app.ticket("bob").await;
    let data = server.data();
    let mut listening = Command::new(program::godwit())
        .args([
            "--json",
            "webhook",
            "listen",
            "--types",
            "message.accepted",
            "--count",
            "2",
        ])
        .args(["--forward-to", &receiver.url(), "--secret", SECRET])
        .arg("--data")
        .arg(&data)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(listening.stdout.take().unwrap()).lines();
    // It listens from its first question on: until the first event came, others may have been before it.
    let hello = json!({"from": "ann", "to": "bob", "type": 0, "content": {"text": "hello"}});
    wait_for("the first event", async || {
        app.send(&hello).await;
        (!receiver.got().is_empty()).then_some(())
    })
    .await;
    app.send(&hello).await;
    let mut printed = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        printed.push(serde_json::from_str::<Value>(&line).unwrap());
    }
    assert!(listening.wait().await.unwrap().success());
    assert_eq!(printed.len(), 2);
    for (line, got) in printed.iter().zip(receiver.got()) {
        assert_eq!(line["id"], json!(got.id));
        assert_eq!(line["event"]["data"]["message"]["content"]["text"], "hello");
        assert!(line["forwarded"].as_str().unwrap().starts_with("204"));
        let at_s = got.timestamp.parse().unwrap();
        assert_eq!(got.signature, signature(SECRET, &got.id, (at_s, &got.text)).unwrap());
    }
    let (status, _) = app.call(Method::PUT, "/v1/tags/vip", Some(&json!({}))).await;
    assert!(status.is_success());
    let audit = |extra: &'static [&'static str]| {
        let mut command = std::process::Command::new(program::godwit());
        command.args(["--json", "audit", "--data"]).arg(&data).args(extra);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let shown: Value = serde_json::from_str(&audit(&["--action", "PUT /v1/tags/{tagId}"])).unwrap();
    assert_eq!(shown["items"][0]["subject"], "/v1/tags/vip");
    let exported = audit(&["--export"]);
    assert!(exported.lines().any(|line| line.contains("/v1/tags/vip")), "{exported}");
}
