//! A reconnect storm: everybody is connected, every connection is cut in the same moment, and all come back at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::latency::Latency;
use crate::login::{Crowd, leave};
use crate::meter::Moment;
use crate::numbers::{nanoseconds, real};
use crate::report::Record;
use crate::target::Target;

/// Everybody comes back.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Storm {
    /// Connections.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) connections: usize,
    /// Handshakes the clients have under way at once.
    #[arg(long, default_value_t = 1000)]
    pub(crate) at_once: usize,
    /// Over TLS.
    #[arg(long)]
    pub(crate) tls: bool,
}

impl Storm {
    pub(super) async fn run(&self, target: &Arc<Target>, record: &mut Record) -> anyhow::Result<()> {
        record.set("connections", self.connections);
        record.set("at_once", self.at_once);
        record.set("tls", self.tls);
        let users = target.users(self.connections).await?;
        let process = target.process()?;
        let mut crowd = Crowd::of_phones(target, &users, self.tls);
        let sessions = crowd.enter(|_, session| session).await?;
        record.figure("rss_connected_mib", real(process.usage()?.resident_kib) / 1024.0);
        process.forget_peak();
        let times = Arc::new(Mutex::new(Latency::new()));
        let before = Moment::begin(target).await;
        let cut = Instant::now();
        // No goodbye: the sockets just close.
        drop(sessions);
        crowd.at_once = self.at_once;
        let kept = Arc::clone(&times);
        let sessions = crowd.enter(move |_, session| {
            let back = nanoseconds(cut.elapsed());
            kept.lock().unwrap_or_else(PoisonError::into_inner).record_ns(back);
            session
        });
        let sessions = sessions.await?;
        let all_back = cut.elapsed();
        let used = Moment::end(target).await.since(&before);
        used.note(record, "reconnect", u64::try_from(sessions.len())?);
        record.figure("all_back_s", all_back.as_secs_f64());
        record.figure(
            "reconnects_per_s",
            real(u64::try_from(sessions.len())?) / all_back.as_secs_f64(),
        );
        {
            let times = times.lock().unwrap_or_else(PoisonError::into_inner);
            record.figure("back_p50_ms", times.ms(0.5));
            record.figure("back_p99_ms", times.ms(0.99));
        }
        record.figure("rss_peak_mib", real(process.usage()?.peak_kib) / 1024.0);
        record.must(sessions.len() == users.len(), || {
            format!("{} of {} are back", sessions.len(), users.len())
        });
        for session in sessions {
            tokio::spawn(leave(session));
        }
        Ok(())
    }
}
