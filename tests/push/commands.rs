//! What support asks on the command line: whether a vendor works, whether a phone rings, and why it did not.

use std::process::Command;
use std::sync::Arc;

use godwit_model::SystemClock;
use godwit_push::VendorName;
use godwit_push::simulator::Simulators;
use kit::{Server, program};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kill::settings;

/// Runs a command; its exit status and what it printed.
async fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(program::godwit());
    command.args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn support_finds_out_on_the_command_line_why_a_phone_rang_or_did_not() {
    let _ = kit::http_client();
    let simulators = Simulators::start_all(Arc::new(SystemClock)).await.unwrap();
    let server = Server::start_with(&settings(&simulators)).await;
    let app = server.app().await;
    let target = simulators.new_device(VendorName::Fcm, "bob");
    let push = json!({"vendor": "fcm", "token": target.token});
    let body = json!({"ticket": app.ticket("bob").await, "uniqueCode": "b", "os": "android", "push": push});
    let (status, answer) = app.call(Method::POST, "/v1/devices", Some(&body)).await;
    assert!(status.is_success(), "{answer}");
    app.register("eve", "desktop").await;
    let data = server.data().display().to_string();

    let (code, said) = run(&["push", "test", "bob", "--data", &data]).await;
    assert!(code == Some(0) && said.contains("the vendor accepted it"), "{said}");
    let (code, said) = run(&["--json", "push", "log", "--user", "bob", "--data", &data]).await;
    let log: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &log["items"][0]["outcome"]), (Some(0), &json!("accepted")));
    let message = log["items"][0]["serverId"].as_str().unwrap().to_owned();
    let (_, said) = run(&["message", "show", &message, "--data", &data]).await;
    assert!(
        said.contains("bob as entry 1") && said.contains("fcm accepted"),
        "{said}"
    );
    let (_, said) = run(&["why", "bob", &message, "--data", &data]).await;
    assert!(said.contains("look at the phone"), "{said}");
    let sent = app
        .send(&json!({"to": "eve", "type": 0, "content": {"text": "hi"}}))
        .await;
    let (_, said) = run(&["why", "eve", sent["serverId"].as_str().unwrap(), "--data", &data]).await;
    assert!(said.contains("token") && said.contains("no push was due"), "{said}");
    let (code, _) = run(&["why", "nobody", "--data", &data]).await;
    assert_ne!(code, Some(0));

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("godwit.toml");
    std::fs::write(&config, settings(&simulators)).unwrap();
    let config = config.display().to_string();
    let (code, said) = run(&["push", "check", "fcm", "--config", &config]).await;
    assert!(code == Some(0) && said.contains("works"), "{said}");
    let (code, said) = run(&["push", "check", "apns", "--config", &config]).await;
    assert!(code != Some(0) && said.contains("no vendor \"apns\" is set"), "{said}");
}
