//! What a process has used so far, from the kernel's own accounting in `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

/// Clock ticks of `/proc/PID/stat` are hundredths of a second on every Linux in use (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A process of this machine, or several that are counted together.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pids: Vec<u32>,
    /// Whether what they have started is counted, too.
    with_children: bool,
}

/// CPU used up to a moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct CpuTime {
    /// By all threads that ever were, in ticks.
    whole: Duration,
    /// By each living thread, in nanoseconds; empty where the kernel does not count so.
    threads: BTreeMap<u32, Duration>,
}

/// CPU used between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CpuUsed {
    pub(crate) time: Duration,
    /// Counted in nanoseconds rather than ticks.
    pub(crate) exact: bool,
}

/// Memory and disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) resident_kib: u64,
    /// The highest since the last [`Process::forget_peak`].
    pub(crate) peak_kib: u64,
    /// Bytes the process caused to be written to disk.
    pub(crate) written: u64,
}

impl Process {
    pub(crate) fn of(pids: &[u32]) -> Self {
        Self {
            pids: pids.to_vec(),
            with_children: false,
        }
    }

    /// A process with everything below it.
    pub(crate) fn tree(pid: u32) -> Self {
        Self {
            pids: vec![pid],
            with_children: true,
        }
    }

    /// The load generator itself.
    pub(crate) fn own() -> Self {
        Self::of(&[std::process::id()])
    }

    pub(crate) fn cpu(&self) -> anyhow::Result<CpuTime> {
        let mut time = CpuTime::default();
        for folder in self.folders() {
            time.whole += ticks(&read(&folder, "stat")?).context("/proc/PID/stat reads otherwise")?;
            for task in fs::read_dir(folder.join("task"))? {
                let task = task?;
                let thread = task.file_name().to_str().and_then(|name| name.parse().ok());
                // A thread that ended meanwhile, or a kernel that does not count so.
                let used = fs::read_to_string(task.path().join("schedstat"))
                    .ok()
                    .as_deref()
                    .and_then(on_cpu);
                if let (Some(thread), Some(used)) = (thread, used) {
                    time.threads.insert(thread, used);
                }
            }
        }
        Ok(time)
    }

    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let mut usage = Usage::default();
        for folder in self.folders() {
            let status = read(&folder, "status")?;
            let io = read(&folder, "io").unwrap_or_default();
            usage.resident_kib += field(&status, "VmRSS:").context("no VmRSS")?;
            usage.peak_kib += field(&status, "VmHWM:").unwrap_or_default();
            usage.written += field(&io, "write_bytes:").unwrap_or_default();
        }
        Ok(usage)
    }

    /// Makes the peak the present, where the kernel lets us.
    pub(crate) fn forget_peak(&self) {
        for folder in self.folders() {
            let _ = fs::write(folder.join("clear_refs"), "5");
        }
    }

    fn folders(&self) -> Vec<PathBuf> {
        let mut pids = self.pids.clone();
        if self.with_children {
            let parents = parents();
            let mut at = 0;
            while let Some(parent) = pids.get(at).copied() {
                pids.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
                at += 1;
            }
        }
        pids.iter().map(|pid| PathBuf::from(format!("/proc/{pid}"))).collect()
    }
}

/// Every process of the machine with its parent.
fn parents() -> Vec<(u32, u32)> {
    let processes = fs::read_dir("/proc").into_iter().flatten();
    let parent = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (_, after_name) = stat.rsplit_once(')')?;
        Some((pid, after_name.split_whitespace().nth(1)?.parse().ok()?))
    };
    processes.filter_map(parent).collect()
}

fn read(folder: &Path, name: &str) -> anyhow::Result<String> {
    let path = folder.join(name);
    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

impl CpuTime {
    /// What was used from an earlier moment until this one.
    pub(crate) fn since(&self, earlier: &Self) -> CpuUsed {
        let whole = self.whole.saturating_sub(earlier.whole);
        // A thread that ended took its nanoseconds along: only the ticks still know.
        let complete = !self.threads.is_empty() && earlier.threads.keys().all(|id| self.threads.contains_key(id));
        if !complete {
            return CpuUsed {
                time: whole,
                exact: false,
            };
        }
        let sum = |threads: &BTreeMap<u32, Duration>| threads.values().sum::<Duration>();
        let exact = sum(&self.threads).saturating_sub(sum(&earlier.threads));
        // One that began and ended in between is seen by the ticks alone.
        let exact_is_all = exact + 4 * TICK >= whole;
        CpuUsed {
            time: if exact_is_all { exact } else { whole },
            exact: exact_is_all,
        }
    }
}

/// `utime` + `stime` of `/proc/PID/stat` (proc(5)): fields 14 and 15. The name before them may hold anything.
fn ticks(stat: &str) -> Option<Duration> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(TICK * (user + system))
}

/// Nanoseconds on a CPU: the first number of `schedstat`.
fn on_cpu(schedstat: &str) -> Option<Duration> {
    Some(Duration::from_nanos(schedstat.split_whitespace().next()?.parse().ok()?))
}

fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_does_not_confuse_its_ticks() {
        let stat = "42 (a) b) R 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0";
        assert_eq!(ticks(stat), Some(Duration::from_secs(2)));
        assert_eq!(ticks("42 nonsense"), None);
    }

    #[test]
    fn schedstat_and_status_are_read() {
        assert_eq!(
            on_cpu("281360552 79709011 47\n"),
            Some(Duration::from_nanos(281_360_552))
        );
        assert_eq!(on_cpu(""), None);
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(field(status, "VmRSS:"), Some(1024));
        assert_eq!(field(status, "VmSwap:"), None);
    }

    #[test]
    fn nanoseconds_count_unless_a_thread_took_them_along() {
        let time = |ms, threads: &[(u32, u64)]| CpuTime {
            whole: Duration::from_millis(ms),
            threads: threads
                .iter()
                .map(|(id, ms)| (*id, Duration::from_millis(*ms)))
                .collect(),
        };
        let used = time(100, &[(1, 60), (2, 45)]).since(&time(50, &[(1, 50)]));
        assert_eq!((used.time.as_millis(), used.exact), (55, true));
        let used = time(100, &[(2, 45)]).since(&time(50, &[(1, 50)]));
        assert_eq!((used.time.as_millis(), used.exact), (50, false));
        // A short-lived thread used 200 ms.
        let used = time(300, &[(1, 60)]).since(&time(50, &[(1, 50)]));
        assert_eq!((used.time.as_millis(), used.exact), (250, false));
    }

    #[test]
    fn a_busy_process_is_seen_to_be_busy() {
        let own = Process::own();
        let before = own.cpu().expect("proc");
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(100) {
            std::hint::black_box(ticks("1 (x) R"));
        }
        let used = own.cpu().expect("proc").since(&before);
        assert!(used.time >= Duration::from_millis(20), "{used:?}");
        assert!(own.usage().expect("proc").resident_kib > 500);
    }

    #[test]
    fn a_tree_holds_what_a_process_has_started() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("a child");
        let own = std::process::id();
        let seen = Process::tree(own).folders();
        let has = |pid: u32| seen.contains(&PathBuf::from(format!("/proc/{pid}")));
        assert!(has(own) && has(child.id()), "{seen:?}");
        assert_eq!(Process::of(&[own]).folders().len(), 1);
        child.kill().expect("still there");
        child.wait().expect("a child");
    }
}
