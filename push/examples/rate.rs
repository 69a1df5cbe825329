//! Pushes a second and processor time for each, over one connection to the simulated Apple: our client beside a bare loop
//! of the HTTP client that it is built on, in turns in one run.
//!
//! `cargo run --release --workspace --example rate -- [pushes] [in flight] [rounds]`
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use godwit_model::{Clock, SystemClock};
use godwit_push::settings::Pace;
use godwit_push::simulator::{ApnsSimulator, Simulators};
use godwit_push::{Class, Kind, Lane, Notification, PushId, Settings, Tap, Target, VendorName, Vendors};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a round did.
struct Round {
    took: Duration,
    processor: Duration,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut number = |otherwise| numbers.next().unwrap_or(Ok(otherwise));
    let (pushes, in_flight, rounds) = (number(100_000)?, number(200)?, number(5)?);
    let simulators = Simulators::start_all(Arc::new(SystemClock)).await?;
    simulators.devices().welcome_strangers();
    simulators.phones().count_only();
    let lane = lane(&simulators, in_flight)?;
    let first = lane.deliver(&device(), &notification(0)).await;
    if !first.is_accepted() {
        return Err(format!("the first push: {first:?}").into());
    }
    let bare = Bare::new(&simulators)?;
    // Apple takes one request at a time until it knows who asks.
    Arc::clone(&bare).push(0).await?;
    simulators.apns.forget_requests();
    println!(
        "{pushes} pushes, {in_flight} in flight, one connection each, in {rounds} turns; one process, simulator included"
    );
    println!("{:>12} {:>12} {:>16}", "", "pushes/s", "processor µs each");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let client = Arc::clone(&bare);
        theirs.push(round(pushes, in_flight, move |number| Arc::clone(&client).push(number)).await?);
        print("bare loop", pushes, theirs.last());
        let (lane, device, model) = (Arc::clone(&lane), Arc::new(device()), Arc::new(notification(0)));
        let ours_of = move |number| deliver(Arc::clone(&lane), (Arc::clone(&device), Arc::clone(&model)), number);
        ours.push(round(pushes, in_flight, ours_of).await?);
        print("godwit-push", pushes, ours.last());
    }
    let share = rate(pushes, &mut ours) / rate(pushes, &mut theirs);
    println!(
        "median: {:.0} % of the bare loop's rate; {} connections",
        share * 100.0,
        simulators.apns.connections()
    );
    Ok(())
}

/// Lets `in_flight` workers do all numbers.
async fn round<F>(
    pushes: u64,
    in_flight: u64,
    work: impl Fn(u64) -> F + Send + Sync + 'static,
) -> Result<Round, Failure>
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let (next, work) = (Arc::new(AtomicU64::new(0)), Arc::new(work));
    let (started, used) = (Instant::now(), processor()?);
    let mut workers = JoinSet::new();
    for _ in 0..in_flight {
        let (next, work) = (Arc::clone(&next), Arc::clone(&work));
        workers.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= pushes {
                    return Ok::<(), Failure>(());
                }
                work(number).await?;
            }
        });
    }
    while let Some(done) = workers.join_next().await {
        done??;
    }
    Ok(Round {
        took: started.elapsed(),
        processor: processor()?.saturating_sub(used),
    })
}

#[expect(clippy::cast_precision_loss, reason = "figures of a report")]
fn rate(pushes: u64, rounds: &mut [Round]) -> f64 {
    rounds.sort_by_key(|round| round.took);
    let median = rounds
        .get(rounds.len() / 2)
        .map_or(1.0, |round| round.took.as_secs_f64());
    pushes as f64 / median
}

#[expect(clippy::cast_precision_loss, reason = "figures of a report")]
fn print(name: &str, pushes: u64, round: Option<&Round>) {
    if let Some(round) = round {
        let each = round.processor.as_secs_f64() * 1e6 / pushes as f64;
        let rate = pushes as f64 / round.took.as_secs_f64();
        println!("{name:>12} {rate:>12.0} {each:>16.1}");
    }
}

/// Processor time of this process, as Linux counts it: in hundredths of a second.
fn processor() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(ticks * 10))
}

fn device() -> Target {
    Target::token(ApnsSimulator::token("phone"))
}

fn id(number: u64) -> PushId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    PushId(id)
}

fn notification(number: u64) -> Notification {
    Notification {
        id: id(number),
        kind: Kind::Alert,
        class: Class::Chat,
        title: "Alice".to_owned(),
        body: "你好, 一起吃饭吗?".to_owned(),
        badge: Some(3),
        collapse: "c-7".to_owned(),
        sound: None,
        icon: None,
        image: None,
        tap: Tap::OpenConversation,
        thread: "alice".to_owned(),
        data: vec![
            ("conv".to_owned(), "c7".to_owned()),
            ("seq".to_owned(), "42".to_owned()),
        ],
        expires_at_ms: SystemClock.now_ms() + 86_400_000,
    }
}

fn lane(simulators: &Simulators, in_flight: u64) -> Result<Arc<Lane>, Failure> {
    let mut apns = simulators.apns.settings();
    apns.pace = Pace {
        in_flight: Some(usize::try_from(in_flight)?),
        per_second: Some(u32::MAX),
        ..Pace::default()
    };
    let settings = Settings {
        apns: Some(apns),
        ..Settings::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let vendors = Vendors::from_settings(&settings, &clock)?;
    let lane = vendors.lane("app", VendorName::Apns).ok_or("no lane")?;
    Ok(Arc::clone(lane))
}

async fn deliver(
    lane: Arc<Lane>,
    (device, model): (Arc<Target>, Arc<Notification>),
    number: u64,
) -> Result<(), Failure> {
    let push = Notification {
        id: id(number),
        ..(*model).clone()
    };
    let outcome = lane.deliver(&device, &push).await;
    if outcome.is_accepted() {
        Ok(())
    } else {
        Err(format!("{outcome:?}").into())
    }
}

/// The HTTP client alone: the same headers and body again and again, only the id is another.
struct Bare {
    client: reqwest::Client,
    address: String,
    authorization: String,
    body: Vec<u8>,
}

impl Bare {
    fn new(simulators: &Simulators) -> Result<Arc<Self>, Failure> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(simulators.authority().pem().as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let first = simulators.apns.script().requests();
        let first = first.first().ok_or("no request was recorded")?;
        let origin = simulators.apns.settings().connection.base_url.ok_or("no address")?;
        Ok(Arc::new(Self {
            client: reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .http2_prior_knowledge()
                .build()?,
            address: format!("{origin}{}", first.path),
            authorization: first.header("authorization").to_owned(),
            body: first.body.clone(),
        }))
    }

    async fn push(self: Arc<Self>, number: u64) -> Result<(), Failure> {
        let response = self
            .client
            .post(&self.address)
            .header("authorization", &self.authorization)
            .header("apns-topic", "example.godwit")
            .header("apns-push-type", "alert")
            .header("apns-priority", "10")
            .header("apns-expiration", "1")
            .header("apns-collapse-id", "c-7")
            .header("apns-id", format!("00000000-0000-4000-8000-{number:012x}"))
            .body(self.body.clone())
            .send()
            .await?;
        let status = response.status();
        response.bytes().await?;
        if status == 200 {
            Ok(())
        } else {
            Err(status.to_string().into())
        }
    }
}
