//! Very many phones are owed a push by a server on SQLite: how long it takes to find and to pay them, and what memory it
//! takes, beside a simulated FCM.
//!
//! `cargo run --release --workspace --example owed -- [phones] [in flight]`, after `cargo build --release --workspace --bins`
#![expect(clippy::print_stdout, clippy::expect_used, reason = "figures are what it is for")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_model::SystemClock;
use godwit_push::simulator::Simulators;
use godwit_push::{Secret, VendorName};
use kit::{App, Server};
use reqwest::Method;
use serde_json::json;

const REPORT_EACH: Duration = Duration::from_secs(10);
/// Receivers of one message.
const LIST: usize = 500;

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|argument| argument.parse().expect("a number"));
    let (phones, in_flight): (u64, u64) = (numbers.next().unwrap_or(1_000_000), numbers.next().unwrap_or(256));
    let _ = kit::http_client();
    let simulators = Simulators::start_all(Arc::new(SystemClock)).await.expect("simulators");
    simulators.phones().count_only();
    let mut server = Server::start_with(&settings(&simulators, in_flight)).await;
    let app = server.app().await;
    app.register("ann", "desktop").await;
    phone(&app, &simulators).await;
    server.stop();
    let began = Instant::now();
    kit::crowd::multiply(&server.data(), "model", phones - 1);
    println!("{phones} phones made in {:.1?}", began.elapsed());
    server.restart().await;
    let app = server.app().await;
    println!("memory before: {} MiB", mebibytes(&server, "VmRSS"));
    let began = Instant::now();
    say_hi(&app, phones).await;
    println!("all messages accepted after {:.1?}", began.elapsed());
    println!(
        "{:>8} {:>10} {:>10} {:>9} {:>8} {:>9} {:>9}",
        "s", "found", "paid", "paid/s", "held", "MiB", "peak MiB"
    );
    let (mut found_in, mut paid) = (None, 0);
    while paid < phones {
        tokio::time::sleep(REPORT_EACH.min(Duration::from_secs(1 + phones / 10_000))).await;
        let found = server.metric("push_enqueued_total").await;
        if found >= phones && found_in.is_none() {
            found_in = Some(began.elapsed());
        }
        let now = simulators.phones().received();
        let took = began.elapsed().as_secs();
        println!(
            "{took:>8} {found:>10} {now:>10} {:>9} {:>8} {:>9} {:>9}",
            now / took.max(1),
            server.metric("push_jobs_held").await,
            mebibytes(&server, "VmRSS"),
            mebibytes(&server, "VmHWM"),
        );
        assert!(
            now > paid || now == 0 || now >= phones,
            "nothing was paid for a while:\n{}",
            server.log()
        );
        paid = now;
    }
    println!(
        "{phones} found in {:.1?} or less, all paid in {:.1?} or less; processor {:.1} s; {} requests at once at most; peak {} MiB",
        found_in.unwrap_or_else(|| began.elapsed()),
        began.elapsed(),
        processor_seconds(&server),
        simulators.script(VendorName::Fcm).most_open(),
        mebibytes(&server, "VmHWM"),
    );
}

/// One message for each phone, in as many messages to lists as that takes.
async fn say_hi(app: &App, phones: u64) {
    let names: Vec<String> = std::iter::once("model".to_owned())
        .chain((1..phones).map(|number| format!("crowd{number}")))
        .collect();
    for to in names.chunks(LIST) {
        app.send(&json!({"to": to, "type": 0, "content": {"text": "hi"}})).await;
    }
}

async fn phone(app: &App, simulators: &Simulators) {
    let target = simulators.new_device(VendorName::Fcm, "model");
    let body = json!({"ticket": app.ticket("model").await, "uniqueCode": "model", "os": "android",
        "push": {"vendor": "fcm", "token": target.token}});
    let (status, answer) = app.call(Method::POST, "/v1/devices", Some(&body)).await;
    assert!(status.is_success(), "{answer}");
}

/// A field of `/proc/PID/status`, in MiB.
fn mebibytes(server: &Server, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() / 1_024
}

/// Processor time of the server, which Linux counts in hundredths of a second.
#[expect(clippy::cast_precision_loss, reason = "a figure of a report")]
fn processor_seconds(server: &Server) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() as f64 / 100.0
}

/// Settings that lead to the simulated FCM, as fast as it goes.
fn settings(simulators: &Simulators, in_flight: u64) -> String {
    let fcm = simulators.settings().fcm.expect("it is set");
    let text = |secret: &Secret| secret.read().expect("a secret");
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let connection = fcm.connection;
    let mut lines = format!("[push]\nin_flight = {in_flight}\nledger_not_due = false\n\n");
    let _ = write!(
        lines,
        "[push.fcm]\nservice_account = {}\npackage = {}\n\n[push.fcm.pace]\nin_flight = {in_flight}\nper_second = 1000000\n\n",
        quoted(&text(&fcm.service_account)),
        quoted(fcm.package.as_deref().unwrap_or_default()),
    );
    let _ = write!(
        lines,
        "[push.fcm.connection]\nbase_url = {}\nextra_roots = {}\n",
        quoted(connection.base_url.as_deref().unwrap_or_default()),
        quoted(&text(connection.extra_roots.as_ref().expect("it is set"))),
    );
    lines
}
