//! A broadcast to very many accounts on a server with SQLite, killed on the way: whether each account has it exactly once,
//! how fast it went, what memory it took, and what one-to-one messages felt of it.
//!
//! `cargo run --release --workspace --example broadcast -- [accounts] [rate] [kills]`, after
//! `cargo build --release --workspace --bins`.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "figures are what it is for")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_archive::{Archive, Delivery, InboxQuery, Listener, RealDisk};
use godwit_model::{AccountNo, SystemClock};
use kit::{App, Client, Login, Server, Version};
use reqwest::Method;
use serde_json::json;

/// One-to-one messages of one measurement, and the pause between two of them.
const MESSAGES: (usize, Duration) = (2_000, Duration::from_millis(4));
const ID: &str = "broadcast";

#[tokio::main]
async fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|argument| argument.parse().expect("a number"));
    let accounts: u64 = numbers.next().unwrap_or(1_000_000);
    let rate: u64 = numbers.next().unwrap_or(5_000);
    let kills: u64 = numbers.next().unwrap_or(3);
    let _ = kit::http_client();
    let server = &mut crowded(accounts, rate).await;
    let app = server.app().await;
    println!("memory before: {} MiB", mebibytes(server, "VmRSS"));
    let without = one_to_one(server, &app, "before").await;
    println!("one-to-one without a broadcast: {without}");

    let body = json!({"message": {"id": ID, "to": "all", "type": 0, "content": {"text": "news for everybody"}}});
    let (status, asked) = app.call(Method::POST, "/v1/broadcasts", Some(&body)).await;
    assert!(status.is_success(), "{asked}");
    let path = format!("/v1/broadcasts/{}", asked["broadcastId"].as_str().expect("an id"));
    let began = Instant::now();
    sent_at_least(&app, &path, 1).await;
    println!("estimated in {:.1?}", began.elapsed());
    let with = one_to_one(server, &app, "during").await;
    let (_, now) = app.call(Method::GET, &path, None).await;
    println!(
        "one-to-one with it: {with}; by then it was {} with {} sent",
        now["state"], now["sent"]
    );
    println!("p99 is {:.2} times as long", with.p99 / without.p99);

    let mut peak = mebibytes(server, "VmHWM");
    let mut app = app;
    for kill in 1..=kills {
        let sent = sent_at_least(&app, &path, accounts * kill / (kills + 1)).await;
        peak = peak.max(mebibytes(server, "VmHWM"));
        server.kill();
        let killed = Instant::now();
        server.restart().await;
        app = server.app().await;
        println!("killed at {sent} accounts; up again in {:.1?}", killed.elapsed());
    }
    sent_at_least(&app, &path, accounts).await;
    let (_, done) = kit::wait_for("the end", || async {
        let answer = app.call(Method::GET, &path, None).await;
        (answer.1["state"] == "finished").then_some(answer)
    })
    .await;
    let took_ms = done["doneAt"].as_u64().expect("a time") - done["beganAt"].as_u64().expect("a time");
    peak = peak.max(mebibytes(server, "VmHWM"));
    println!(
        "finished in {}.{:03} s over {kills} kills: {} accounts a second; estimate {}, sent {}; peak {peak} MiB; \
         processor of the last leg {:.1} s",
        took_ms / 1_000,
        took_ms % 1_000,
        accounts * 1_000 / took_ms.max(1),
        done["estimate"],
        done["sent"],
        processor_seconds(server),
    );
    assert_eq!(done["sent"], accounts, "the progress is right");
    finish(server, &app, (&path, accounts)).await;
}

/// The report, and what is on the disk.
async fn finish(server: &mut Server, app: &App, (path, accounts): (&str, u64)) {
    let began = Instant::now();
    let (status, report) = app.call(Method::GET, &format!("{path}/report"), None).await;
    println!("report in {:.1?}: {status} {report}", began.elapsed());
    server.stop();
    let began = Instant::now();
    let (once, other) = count(&server.data(), accounts);
    println!(
        "{once} accounts have it once, {other} do not; looked at in {:.1?}",
        began.elapsed()
    );
    assert_eq!((once, other), (accounts, 0), "each has it exactly once");
}

/// A server that runs with so many accounts.
async fn crowded(accounts: u64, rate: u64) -> Server {
    let mut server = Server::start_with(&format!("[broadcasts]\nrate = {rate}\n")).await;
    let app = server.app().await;
    for user in ["ann", "bob", "model"] {
        app.register(user, user).await;
    }
    server.stop();
    let began = Instant::now();
    kit::crowd::multiply(&server.data(), "model", accounts.saturating_sub(4));
    // Three were registered, and one is there from the first start on.
    println!("{accounts} accounts made in {:.1?}", began.elapsed());
    server.restart().await;
    server
}

async fn sent_at_least(app: &App, path: &str, count: u64) -> u64 {
    loop {
        let (_, now) = app.call(Method::GET, path, None).await;
        match now["sent"].as_u64() {
            Some(sent) if sent >= count => return sent,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// From the publication to the delivery, in milliseconds.
struct Latency {
    p50: f64,
    p99: f64,
    most: f64,
}

impl std::fmt::Display for Latency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms",
            self.p50, self.p99, self.most
        )
    }
}

/// Ann writes to Bob, one message after the other.
async fn one_to_one(server: &Server, app: &App, leg: &str) -> Latency {
    let address = &server.addresses().mqtt;
    let (ann, bob) = (app.register("ann", "ann").await, app.register("bob", "bob").await);
    let (mut writer, _) = Client::connect(address, &Login::of(&ann, Version::V5)).await;
    let (mut reader, _) = Client::connect(address, &Login::of(&bob, Version::V5)).await;
    reader.subscribe(&bob.topic("inbox"), 1).await;
    let mut took = Vec::with_capacity(MESSAGES.0);
    for at in 0..MESSAGES.0 {
        let draft = json!({"id": format!("{leg}-{at}"), "to": "bob", "type": 0, "content": {"text": "hi"}}).to_string();
        let began = Instant::now();
        writer.publish_and_wait(&ann.topic("outbox"), draft.as_bytes()).await;
        // The broadcast arrives as well.
        while reader.delivery().await["id"] != format!("{leg}-{at}") {}
        took.push(began.elapsed().as_secs_f64() * 1_000.0);
        tokio::time::sleep(MESSAGES.1).await;
    }
    took.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| took[took.len() * percent / 100];
    Latency {
        p50: at(50),
        p99: at(99),
        most: took[took.len() - 1],
    }
}

/// How many of the accounts have the broadcast once, and how many do not, by what is on the disk.
fn count(data: &Path, accounts: u64) -> (u64, u64) {
    let disk = RealDisk::open(&data.join("archive")).expect("the folder of the log");
    let settings = godwit_archive::Settings::default();
    let opened = Archive::open(Arc::new(disk), Arc::new(SystemClock), settings, Arc::new(Deaf));
    let (archive, _) = opened.expect("the log opens");
    let query = InboxQuery {
        after: Some(0),
        before: None,
        since_ms: None,
        conversation: None,
        limit: 500,
        bytes_max: usize::MAX,
    };
    let needle = format!("\"{ID}\"");
    let (mut once, mut other) = (0, 0);
    for account in 1..=accounts {
        let (mut copies, mut asked) = (0, query);
        loop {
            let page = archive.inbox(AccountNo(account), &asked).expect("an inbox");
            let Some(last) = page.last() else { break };
            asked.after = Some(last.seq);
            let is_it = |body: &[u8]| body.windows(needle.len()).any(|part| part == needle.as_bytes());
            copies += page.iter().filter(|item| is_it(&item.record.body)).count();
        }
        match copies {
            1 => once += 1,
            _ => other += 1,
        }
    }
    archive.close();
    (once, other)
}

/// Hears of nothing.
struct Deaf;

impl Listener for Deaf {
    fn committed(&self, _: &[Delivery]) {}

    fn answered(&self) {}

    fn stopped(&self) {}
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
