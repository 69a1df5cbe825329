//! Pushes a second, waits and processor time for each, over one connection to the simulated Apple: our client beside a bare
//! loop of the HTTP client that it is built on, in turns in one run. Apple can be made as far away as one likes.
//!
//! `cargo run --release --workspace --example rate -- [pushes] [in flight] [rounds] [milliseconds to Apple and back]`
#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use godwit_model::{Clock, SystemClock};
use godwit_push::settings::Pace;
use godwit_push::simulator::{ApnsSimulator, Simulators, Trouble, chat_message};
use godwit_push::{Lane, Notification, PushId, Settings, Target, VendorName, Vendors};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a round did.
struct Round {
    took: Duration,
    processor: Duration,
    /// Microseconds of each push, the shortest first.
    waits: Vec<u32>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut number = |otherwise| numbers.next().unwrap_or(Ok(otherwise));
    let (pushes, in_flight, rounds) = (number(100_000)?, number(200)?, number(5)?);
    let late = Duration::from_millis(number(0)?);
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
    if !late.is_zero() {
        simulators.apns.script().always(Trouble::Late(late));
    }
    println!(
        "{pushes} pushes, {in_flight} in flight, one connection each, in {rounds} turns; one process, simulator included"
    );
    println!(
        "{:>12} {:>12} {:>16} {:>10} {:>10}",
        "", "pushes/s", "processor µs each", "p50 ms", "p99 ms"
    );
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
            let mut waits = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= pushes {
                    return Ok::<_, Failure>(waits);
                }
                let began = Instant::now();
                work(number).await?;
                waits.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
        });
    }
    let mut waits = Vec::new();
    while let Some(done) = workers.join_next().await {
        waits.extend(done??);
    }
    let (took, used) = (started.elapsed(), processor()?.saturating_sub(used));
    waits.sort_unstable();
    Ok(Round {
        took,
        processor: used,
        waits,
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
        let wait = |percent: usize| {
            let at = round.waits.len() * percent / 100;
            f64::from(round.waits.get(at).copied().unwrap_or_default()) / 1_000.0
        };
        println!(
            "{name:>12} {rate:>12.0} {each:>16.1} {:>10.2} {:>10.2}",
            wait(50),
            wait(99)
        );
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
    chat_message(id(number), SystemClock.now_ms() + 86_400_000)
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
