//! Measures how many messages a second the archive stores in a folder, and how long an append waits for its commit.
//!
//! `cargo run --release -p godwit-archive --example append_rate -- FOLDER [APPENDERS] [SECONDS]`
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_archive::{AppendError, Archive, Entry, OpenError, RealDisk, Settings, Silent};
use godwit_model::{AccountNo, SystemClock};

#[path = "letters/letters.rs"]
mod letters;

use letters::{letter, wait};

/// Bytes of a message's body.
const BODY_BYTES: usize = 300;
/// Accounts that write to each other.
const ACCOUNTS: u64 = 100_000;
/// Most threads that carry the appenders.
const THREADS_MAX: u64 = 2;

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("name a folder")]
    NoFolder,
    #[error("the folder cannot be used: {0}")]
    Disk(#[from] std::io::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or(Failure::NoFolder)?;
    let mut number = |default: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let asked = number(256).max(1);
    let threads = asked.min(THREADS_MAX);
    let window = asked.div_ceil(threads);
    let appenders = window * threads;
    let duration = Duration::from_secs(number(5));
    let disk = Arc::new(RealDisk::open(Path::new(&folder))?);
    let (archive, recovery) = Archive::open(disk, Arc::new(SystemClock), Settings::default(), Arc::new(Silent))?;
    println!("start: {recovery:?}");
    let start = Instant::now();
    let window = usize::try_from(window).unwrap_or(usize::MAX);
    let mut latencies: Vec<Duration> = std::thread::scope(|scope| {
        let threads = (0..threads).map(|thread| {
            let archive = &archive;
            scope.spawn(move || append(archive, thread << 40, window, start + duration))
        });
        let threads: Vec<_> = threads.collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_default())
            .collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: usize| {
        latencies
            .get(latencies.len() * share / 1000)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{} messages of {BODY_BYTES} bytes, {appenders} at a time, {seconds:.1} s",
        latencies.len()
    );
    println!(
        "{:.0} messages/s",
        f64::from(u32::try_from(latencies.len()).unwrap_or(u32::MAX)) / seconds
    );
    println!(
        "wait p50 {:?}, p99 {:?}, worst {:?}",
        at(500),
        at(990),
        latencies.last().copied().unwrap_or_default()
    );
    let closing = Instant::now();
    archive.close();
    println!("closed in {:?}", closing.elapsed());
    Ok(())
}

/// Keeps `window` messages under way until the end.
fn append(archive: &Archive, first: u64, window: usize, end: Instant) -> Vec<Duration> {
    let mut under_way = VecDeque::new();
    let mut latencies = Vec::new();
    let mut n = first;
    while Instant::now() < end {
        while under_way.len() < window {
            match archive.append(entry(n)) {
                Ok(pending) => under_way.push_back((Instant::now(), pending)),
                Err(AppendError::Overloaded) => break,
                Err(_) => return latencies,
            }
            n += 1;
        }
        let Some((since, pending)) = under_way.pop_front() else {
            wait(archive.room());
            continue;
        };
        if wait(pending).is_ok() {
            latencies.push(since.elapsed());
        }
    }
    for (_, pending) in under_way {
        // The end is not measured, only waited for.
        let _ = wait(pending);
    }
    latencies
}

fn entry(n: u64) -> Entry {
    let spread = |n: u64| n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (from, to) = (
        AccountNo(1 + spread(n) % ACCOUNTS),
        AccountNo(1 + spread(n ^ 0xabcd) % ACCOUNTS),
    );
    let key = u128::from(spread(n)) << 64 | u128::from(n);
    letter(from, to, key, BODY_BYTES)
}
