//! One look at a filled data folder: two starts, two loads, and pages out of inboxes nobody has opened.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::super::RUN_MAX;
use super::{Growth, NAME, PAGE, Site};
use crate::latency::Latency;
use crate::loads::Load;
use crate::loads::chat::Chat;
use crate::numbers::{nanoseconds, real};
use crate::report::Record;
use crate::servers::Running;
use crate::target::Dialect;

/// How often it is looked whether the server rests.
const REST: Duration = Duration::from_millis(500);
/// Longest wait for that.
const REST_MAX: Duration = Duration::from_mins(2);
/// What a resting server may use of a core.
const REST_CORES: f64 = 0.04;

impl Site<'_> {
    pub(super) async fn measure(&self, growth: &Growth) -> anyhow::Result<Record> {
        let mut record = Record::new(NAME, self.godwit.kind.name());
        record.set("stored", self.stored);
        self.start_twice(growth, &mut record).await?;
        let running = self.godwit.start(&self.folder, self.certificate).await?;
        rest(&running).await?;
        for (name, rate) in [("paced", Some(growth.rate)), ("saturated", None)] {
            chat(&running, growth, (name, rate), &mut record).await;
        }
        rest(&running).await?;
        if self.stored > 0 {
            self.pages(&running, growth, &mut record).await?;
        }
        record.figure(
            "rss_mib",
            real(running.target.process()?.usage()?.resident_kib) / 1024.0,
        );
        running.stop().await?;
        record.figure("folder_gib", real(bytes_in(&self.data())?) / f64::from(1 << 30));
        Ok(record)
    }

    /// With nothing of the folder in memory, and again right after.
    async fn start_twice(&self, growth: &Growth, record: &mut Record) -> anyhow::Result<()> {
        // What an earlier look left to be tidied up is tidied up.
        let running = self.godwit.start(&self.folder, self.certificate).await?;
        rest(&running).await?;
        running.stop().await?;
        forget(&self.data())?;
        for name in ["start_cold_ms", "start_warm_ms"] {
            let running = self.godwit.start(&self.folder, self.certificate).await?;
            record.figure(name, running.accepting_after.as_secs_f64() * 1000.0);
            running.stop().await?;
        }
        record.set("users", growth.users);
        Ok(())
    }

    /// The newest page of every reader, whose inbox this server has not touched; and again at once.
    async fn pages(&self, running: &Running, growth: &Growth, record: &mut Record) -> anyhow::Result<()> {
        let Dialect::Godwit(rest) = &running.target.dialect else {
            return Ok(());
        };
        let users = running.target.users(growth.users + growth.readers).await?;
        let (others, readers) = users.split_at(growth.users);
        // The connection is there, and the code has run.
        for user in others.iter().take(10) {
            rest.inbox(user, PAGE).await?;
        }
        let (mut cold, mut warm) = (Latency::new(), Latency::new());
        let expected = PAGE.min(self.stored / u64::try_from(readers.len())?.max(1));
        for reader in readers {
            // Who it is is known then: an empty page.
            rest.inbox(reader, 1).await?;
            forget(&self.data().join("archive"))?;
            let page = rest.inbox(reader, PAGE).await?;
            cold.record_ns(nanoseconds(page.time));
            let again = rest.inbox(reader, PAGE).await?;
            warm.record_ns(nanoseconds(again.time));
            record.must(page.items >= usize::try_from(expected)?, || {
                format!("{} of {expected} entries in a page of {}", page.items, reader.name)
            });
        }
        for (name, times) in [("cold", &cold), ("warm", &warm)] {
            record.figure(&format!("page_{name}_p50_ms"), times.ms(0.5));
            record.figure(&format!("page_{name}_p99_ms"), times.ms(0.99));
        }
        Ok(())
    }
}

/// A one-to-one load; its figures under another name.
async fn chat(running: &Running, growth: &Growth, (name, rate): (&str, Option<f64>), record: &mut Record) {
    let load = Load::Chat(Chat {
        users: growth.users,
        in_flight: 200,
        rate,
        seconds: growth.seconds,
        warm_up: growth.warm_up,
        both: false,
        no_local: false,
        tls: false,
    });
    let done = match tokio::time::timeout(RUN_MAX, load.run(&running.target)).await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) => return record.fault(format!("{name}: {error:#}")),
        Err(_) => return record.fault(format!("{name}: not finished within {} s", RUN_MAX.as_secs())),
    };
    for (figure, as_what) in [
        ("server_cpu_us_per_delivery", "cpu_us_per_delivery"),
        ("deliveries_per_s", "per_s"),
        ("p50_ms", "p50_ms"),
        ("p99_ms", "p99_ms"),
    ] {
        if let Some(value) = done.figures.get(figure) {
            record.figure(&format!("{name}_{as_what}"), *value);
        }
    }
    for fault in done.faults {
        record.fault(format!("{name}: {fault}"));
    }
}

/// Waits until the server has nothing to do, merging and tidying up included.
async fn rest(running: &Running) -> anyhow::Result<()> {
    let process = running.target.process()?;
    let began = Instant::now();
    while began.elapsed() < REST_MAX {
        let before = process.cpu()?;
        tokio::time::sleep(REST).await;
        let used = process.cpu()?.since(&before).time;
        if used.as_secs_f64() < REST_CORES * REST.as_secs_f64() {
            break;
        }
    }
    Ok(())
}

/// Drops everything in a folder from the page cache, as far as the kernel does what it is advised.
fn forget(folder: &Path) -> anyhow::Result<()> {
    each_file(folder, &mut |path| {
        let file = File::open(path)?;
        file.sync_data()?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        Ok(())
    })
}

fn bytes_in(folder: &Path) -> anyhow::Result<u64> {
    let mut sum = 0;
    each_file(folder, &mut |path| {
        sum += fs::metadata(path)?.len();
        Ok(())
    })?;
    Ok(sum)
}

fn each_file(folder: &Path, act: &mut dyn FnMut(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            each_file(&entry.path(), act)?;
        } else if entry.file_type()?.is_file() {
            act(&entry.path())?;
        }
    }
    Ok(())
}
