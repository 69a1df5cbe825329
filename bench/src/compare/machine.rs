//! The machine a comparison ran on, as a reader needs to know it.

use std::fmt;
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Context as _;

use crate::latency::Latency;
use crate::numbers::{nanoseconds, real};

/// Magic numbers of file systems that live in memory (statfs(2)): tmpfs and ramfs.
const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];
/// Syncs of the probe.
const SYNCS: u32 = 200;

/// What matters of it.
pub(super) struct Machine {
    processor: String,
    cores: usize,
    memory_gib: f64,
    kernel: String,
    system: String,
    /// Where the data lies.
    pub(super) file_system: String,
    /// It is no disk at all.
    pub(super) in_memory: bool,
    sync_ms: (f64, f64),
    load_average: String,
    date: String,
}

impl Machine {
    /// Looks at this machine and at the disk under this folder.
    pub(super) fn look(folder: &Path) -> anyhow::Result<Self> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processor = value(&read("/proc/cpuinfo"), "model name", ':').unwrap_or_else(|| "unknown".to_owned());
        let memory = value(&read("/proc/meminfo"), "MemTotal", ':');
        let memory_kib = memory
            .and_then(|text| text.split(' ').next()?.parse().ok())
            .unwrap_or(0);
        let kind = rustix::fs::statfs(folder)?.f_type;
        let kind = u32::try_from(kind & 0xffff_ffff).unwrap_or_default();
        let date = Command::new("date")
            .args(["-u", "+%F"])
            .output()
            .context("running date")?;
        let system = value(&read("/etc/os-release"), "PRETTY_NAME", '=').unwrap_or_default();
        Ok(Self {
            processor,
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: real(memory_kib) / 1024.0 / 1024.0,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            system: system.trim_matches('"').to_owned(),
            file_system: mounted_as(&read("/proc/mounts"), folder)
                .unwrap_or_else(|| "an unknown file system".to_owned()),
            in_memory: IN_MEMORY.contains(&kind),
            sync_ms: probe_sync(folder)?,
            load_average: read("/proc/loadavg")
                .split(' ')
                .take(2)
                .collect::<Vec<_>>()
                .join(" and "),
            date: String::from_utf8_lossy(&date.stdout).trim().to_owned(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, high) = self.sync_ms;
        write!(
            f,
            "{} cores ({}), {:.0} GiB of memory, {}, Linux {}; data on {}, where 4 KiB and an fdatasync take {median:.2} ms in the median \
             and {high:.2} ms at the 99th percentile; load average {} before the first run; {}.",
            self.cores,
            self.processor,
            self.memory_gib,
            self.system,
            self.kernel,
            self.file_system,
            self.load_average,
            self.date
        )
    }
}

/// Median and 99th percentile of a small write with its sync.
fn probe_sync(folder: &Path) -> anyhow::Result<(f64, f64)> {
    let path = folder.join("sync-probe");
    let mut file = File::create(&path)?;
    file.write_all(&vec![0; 4096])?;
    file.sync_all()?;
    let mut times = Latency::new();
    for turn in 0..SYNCS {
        let began = Instant::now();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[turn.to_le_bytes()[0]; 4096])?;
        file.sync_data()?;
        times.record_ns(nanoseconds(began.elapsed()));
    }
    fs::remove_file(path)?;
    Ok((times.ms(0.5), times.ms(0.99)))
}

fn value(text: &str, name: &str, sign: char) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(sign)?.1.trim().to_owned())
}

/// The type of the file system that holds a folder: the longest mount point that is a prefix.
fn mounted_as(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let around = mounts.filter(|(point, _)| folder.starts_with(point));
    around
        .max_by_key(|(point, _)| point.len())
        .map(|(_, kind)| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_lies_on_the_innermost_mount() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmpx xfs rw 0 0\n";
        let kind = |folder| mounted_as(mounts, Path::new(folder));
        assert_eq!(kind("/tmp/x").as_deref(), Some("tmpfs"));
        assert_eq!(kind("/tmpx/y").as_deref(), Some("xfs"));
        assert_eq!(kind("/home").as_deref(), Some("ext4"));
    }
}
