//! What the writer counts, looked up once: a look-up for each message would cost more than numbering it.

use metrics::{Counter, Gauge, Histogram};

/// The writer's metrics, at the recorder that was installed when it started.
pub(super) struct Meters {
    pub(super) commits: Counter,
    pub(super) commit_seconds: Histogram,
    pub(super) batch_entries: Histogram,
    pub(super) queue_entries: Gauge,
    /// Appends that were stored; those that ended otherwise are few.
    pub(super) stored: Counter,
}

impl Meters {
    pub(super) fn new() -> Self {
        Self {
            commits: metrics::counter!("archive_commits_total"),
            commit_seconds: metrics::histogram!("archive_commit_seconds"),
            batch_entries: metrics::histogram!("archive_batch_entries"),
            queue_entries: metrics::gauge!("archive_queue_entries"),
            stored: metrics::counter!("archive_appends_total", "outcome" => "stored"),
        }
    }
}
