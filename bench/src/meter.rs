//! What server and client have used between two moments of a run.

use std::time::{Duration, Instant};

use crate::numbers::{per, real};
use crate::process::{CpuTime, Process, Usage};
use crate::report::Record;
use crate::target::Target;

/// A moment of a run.
pub(crate) struct Moment {
    at: Instant,
    server: Option<(CpuTime, Usage)>,
    own: Option<CpuTime>,
    commits: Option<u64>,
}

/// What lies between two moments.
pub(crate) struct Used {
    pub(crate) time: Duration,
    server: Option<(Duration, bool)>,
    own: Duration,
    commits: Option<u64>,
    written: Option<u64>,
}

impl Moment {
    /// The beginning: syncs are asked for first, so that the question is not paid for.
    pub(crate) async fn begin(target: &Target) -> Self {
        let commits = target.commits().await;
        Self::take(target, commits)
    }

    /// The end: syncs are asked for last.
    pub(crate) async fn end(target: &Target) -> Self {
        let mut moment = Self::take(target, None);
        moment.commits = target.commits().await;
        moment
    }

    fn take(target: &Target, commits: Option<u64>) -> Self {
        let server = target.process.as_ref().and_then(|process| {
            // A server that died is found by the load itself.
            Some((process.cpu().ok()?, process.usage().ok()?))
        });
        Self {
            at: Instant::now(),
            server,
            own: Process::own().cpu().ok(),
            commits,
        }
    }

    pub(crate) fn since(&self, earlier: &Self) -> Used {
        let server = self.server.as_ref().zip(earlier.server.as_ref());
        let own = self.own.as_ref().zip(earlier.own.as_ref());
        Used {
            time: self.at.duration_since(earlier.at),
            server: server.map(|((now, _), (then, _))| {
                let used = now.since(then);
                (used.time, used.exact)
            }),
            own: own.map(|(now, then)| now.since(then).time).unwrap_or_default(),
            commits: self
                .commits
                .zip(earlier.commits)
                .map(|(now, then)| now.saturating_sub(then)),
            written: server.map(|((_, now), (_, then))| now.written.saturating_sub(then.written)),
        }
    }
}

impl Used {
    /// Notes what `count` things cost, each called `unit`.
    pub(crate) fn note(&self, record: &mut Record, unit: &str, count: u64) {
        let seconds = self.time.as_secs_f64();
        record.figure("seconds", seconds);
        record.figure("client_cores", self.own.as_secs_f64() / seconds);
        if let Some((cpu, exact)) = self.server {
            record.figure("server_cores", cpu.as_secs_f64() / seconds);
            record.figure(
                &format!("server_cpu_us_per_{unit}"),
                per(cpu.as_secs_f64() * 1e6, count),
            );
            record.set(
                "server_cpu_counted_in",
                if exact { "nanoseconds" } else { "ticks of 10 ms" },
            );
        }
        if let Some(commits) = self.commits {
            record.figure("syncs_per_s", real(commits) / seconds);
            if commits > 0 {
                record.figure(&format!("{unit}s_per_sync"), per(real(count), commits));
            }
        }
        if let Some(written) = self.written {
            record.figure(&format!("disk_bytes_per_{unit}"), per(real(written), count));
        }
    }
}
