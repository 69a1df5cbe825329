//! Fills a folder with many messages and measures, at each stop on the way, what the archive costs there.
//!
//! `cargo run --release -p godwit-archive --example scale -- FOLDER [ACCOUNTS] [CONVERSATIONS] [STOP ...]`
//!
//! Messages are one-to-one, with 200-byte bodies and duplicate keys, uniform over the conversations: the worst case.
//! One more account, the reader, gets every tenth of the first million and every 200th after that. "Cold" means that
//! the files of the folder were dropped from the page cache (`posix_fadvise`) just before. The processor's time is that
//! of the whole process, the making of the messages included.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_archive::{
    AppendError, Archive, DeviceState, Entry, InboxQuery, OpenError, ReadError, RealDisk, Settings, Silent,
};
use godwit_model::{AccountNo, DeviceNo, SystemClock};

#[path = "letters/letters.rs"]
mod letters;

use letters::{letter, wait};

const BODY_BYTES: usize = 200;
/// Messages under way at a time.
const WINDOW: usize = 2_048;
/// Cold pages that are measured.
const PAGES: u64 = 60;
/// Entries of the catch-up.
const CATCH_UP: u64 = 100_000;
/// Keys that are looked up.
const KEYS: u64 = 200_000;
/// Clock ticks of Linux in a second, as `/proc` counts them.
const TICKS: f64 = 100.0;

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("name a folder")]
    NoFolder,
    #[error("the folder cannot be used: {0}")]
    Disk(#[from] std::io::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("a message was not stored: {0}")]
    Append(#[from] AppendError),
}

/// How the messages are spread.
#[derive(Clone, Copy)]
struct Spread {
    accounts: u64,
    conversations: u64,
}

fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

impl Spread {
    fn reader(self) -> AccountNo {
        AccountNo(self.accounts + 1)
    }

    fn entry(self, n: u64) -> Entry {
        let conversation = mix(n) % self.conversations;
        let from = AccountNo(1 + mix(conversation ^ 0xaaaa_0000_0000) % self.accounts);
        let to = AccountNo(1 + mix(conversation ^ 0x5555_0000_0000) % self.accounts);
        let key = key(n);
        let mut entry = letter(from, to, key, BODY_BYTES);
        if (n < 1_000_000 && n.is_multiple_of(10)) || n.is_multiple_of(200) {
            entry.recipients.push(self.reader());
        }
        entry
    }
}

fn key(n: u64) -> u128 {
    u128::from(mix(n ^ 0x1234_5678)) << 64 | u128::from(mix(n))
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or(Failure::NoFolder)?);
    let numbers: Vec<u64> = arguments
        .filter_map(|text| text.replace('_', "").parse().ok())
        .collect();
    let number = |at: usize, default: u64| numbers.get(at).copied().unwrap_or(default).max(1);
    let spread = Spread {
        accounts: number(0, 1_000_000),
        conversations: number(1, 10_000_000),
    };
    let stops = numbers
        .get(2..)
        .filter(|stops| !stops.is_empty())
        .unwrap_or(&[0, 1_000_000, 20_000_000]);
    println!(
        "| messages | stored/s | CPU µs/message | RSS MiB | start warm | start cold | cold page of 50, p50 / p99 | catch-up of 100,000 | negative duplicate look-up |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut stored = 0;
    for stop in stops {
        let leg = fill(&folder, spread, stored, *stop)?;
        stored = (*stop).max(stored);
        measure(&folder, spread, stored, &leg)?;
    }
    Ok(())
}

fn open(folder: &Path) -> Result<Archive, Failure> {
    let disk = Arc::new(RealDisk::open(folder)?);
    Ok(Archive::open(disk, Arc::new(SystemClock), Settings::default(), Arc::new(Silent))?.0)
}

/// What one leg of the filling cost.
struct Leg {
    messages: u64,
    wall: Duration,
    cpu_s: f64,
}

/// Stores messages up to a stop, and one device for each account at the start.
fn fill(folder: &Path, spread: Spread, from: u64, to: u64) -> Result<Leg, Failure> {
    let archive = open(folder)?;
    let (start, cpu) = (Instant::now(), cpu_s()?);
    let mut under_way = VecDeque::new();
    for n in from..to {
        while under_way.len() >= WINDOW
            && let Some(pending) = under_way.pop_front()
        {
            let _: godwit_archive::Receipt = wait::<godwit_archive::Pending>(pending)?;
        }
        let pending = loop {
            match archive.append(spread.entry(n)) {
                Ok(pending) => break pending,
                Err(AppendError::Overloaded) => wait(archive.room()),
                Err(error) => return Err(error.into()),
            }
        };
        under_way.push_back(pending);
    }
    for pending in under_way {
        wait(pending)?;
    }
    let (wall, cpu_s) = (start.elapsed(), cpu_s()? - cpu);
    if from == 0 && to > 0 {
        devices(&archive, spread)?;
    }
    archive.close();
    Ok(Leg {
        messages: to.saturating_sub(from),
        wall,
        cpu_s,
    })
}

/// One device for each account. Not measured.
fn devices(archive: &Archive, spread: Spread) -> Result<(), Failure> {
    for account in 1..=spread.accounts {
        let state = DeviceState {
            account: AccountNo(account),
            cursor: 0,
            session: None,
        };
        let saved = loop {
            match archive.save_device(DeviceNo(account), state) {
                Err(AppendError::Overloaded) => std::thread::sleep(Duration::from_millis(1)),
                other => break other?,
            }
        };
        if account == spread.accounts {
            wait(saved)?;
        }
    }
    Ok(())
}

fn measure(folder: &Path, spread: Spread, stored: u64, leg: &Leg) -> Result<(), Failure> {
    let start = Instant::now();
    open(folder)?.close();
    let warm = start.elapsed();
    forget(folder)?;
    let start = Instant::now();
    let archive = open(folder)?;
    let cold = start.elapsed();
    let rss = rss_mib()?;
    let pages = if stored == 0 {
        "–".to_owned()
    } else {
        cold_pages(&archive, folder, spread)?
    };
    let catch_up = catch_up(&archive, folder, spread)?;
    let start = Instant::now();
    for n in 0..KEYS {
        assert!(!archive.knows_draft(key(n + (1 << 40)))?, "a key that was never used");
    }
    let negative = start.elapsed() / u32::try_from(KEYS).unwrap_or(u32::MAX);
    let messages = float(leg.messages);
    let cost = if leg.messages == 0 {
        "– | –".to_owned()
    } else {
        format!(
            "{:.0} | {:.2}",
            messages / leg.wall.as_secs_f64(),
            leg.cpu_s * 1e6 / messages
        )
    };
    println!("| {stored} | {cost} | {rss} | {warm:.2?} | {cold:.2?} | {pages} | {catch_up} | {negative:.2?} |");
    archive.close();
    Ok(())
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn cold_pages(archive: &Archive, folder: &Path, spread: Spread) -> Result<String, Failure> {
    let mut times = Vec::new();
    for n in 0..PAGES {
        let account = AccountNo(1 + mix(n ^ 0x7777) % spread.accounts);
        forget(folder)?;
        let query = InboxQuery {
            limit: 50,
            bytes_max: usize::MAX,
            ..InboxQuery::default()
        };
        let start = Instant::now();
        archive.inbox(account, &query)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    Ok(format!("{:.2?} / {:.2?}", at(50), at(99)))
}

/// Reads the reader's newest entries from the oldest on, page by page, as a device does that was away.
fn catch_up(archive: &Archive, folder: &Path, spread: Spread) -> Result<String, Failure> {
    let head = archive.head(spread.reader());
    if head == 0 {
        return Ok("–".to_owned());
    }
    forget(folder)?;
    let mut after = head.saturating_sub(CATCH_UP);
    let first = after;
    let start = Instant::now();
    while after < head {
        let query = InboxQuery {
            after: Some(after),
            limit: 50,
            bytes_max: usize::MAX,
            ..InboxQuery::default()
        };
        let items = archive.inbox(spread.reader(), &query)?;
        after = items.last().map_or(head, |item| item.seq);
    }
    Ok(format!("{:.2?} for {}", start.elapsed(), head - first))
}

/// Drops the folder's files from the page cache, as far as the host does what it is advised.
fn forget(folder: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)? {
        let file = File::open(entry?.path())?;
        file.sync_data()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).map_err(std::io::Error::from)?;
    }
    Ok(())
}

fn cpu_s() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name may hold spaces; the fields are counted behind it. utime and stime are the 12th and 13th from there.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(ticks / TICKS)
}

fn rss_mib() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.unwrap_or(0) / 1024)
}
