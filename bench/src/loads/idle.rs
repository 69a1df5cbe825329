//! Idle connections: each a session that listens to its own inbox, and what it takes of the server's memory.

use std::sync::Arc;
use std::time::Duration;

use crate::login::{Crowd, Session, leave};
use crate::meter::Moment;
use crate::numbers::{real, real_len};
use crate::report::Record;
use crate::target::Target;

use super::seconds;

/// Connections that do nothing.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Idle {
    /// How many.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) connections: usize,
    /// Seconds of silence before memory is read.
    #[arg(long, default_value = "3", value_parser = seconds)]
    pub(crate) silence: Duration,
    /// Over TLS.
    #[arg(long)]
    pub(crate) tls: bool,
}

impl Idle {
    pub(super) async fn run(&self, target: &Arc<Target>, record: &mut Record) -> anyhow::Result<()> {
        record.set("connections", self.connections);
        record.set("tls", self.tls);
        let users = target.users(self.connections).await?;
        let process = target.process()?;
        let resident = || anyhow::Ok(real(process.usage()?.resident_kib));
        let base = resident()?;
        let before = Moment::begin(target).await;
        let (first, rest) = users.split_at(users.len() / 2);
        let mut sessions = Crowd::of_phones(target, first, self.tls)
            .enter(|_, session| session)
            .await?;
        tokio::time::sleep(self.silence / 2).await;
        let half = resident()?;
        sessions.extend(
            Crowd::of_phones(target, rest, self.tls)
                .enter(|_, session| session)
                .await?,
        );
        let arrived = Moment::end(target).await;
        arrived
            .since(&before)
            .note(record, "login", u64::try_from(sessions.len())?);
        let before = Moment::begin(target).await;
        tokio::time::sleep(self.silence).await;
        let all = resident()?;
        let mut silence = Record::new("", "");
        Moment::end(target).await.since(&before).note(&mut silence, "second", 1);
        record.figure("rss_base_mib", base / 1024.0);
        record.figure("rss_connected_mib", all / 1024.0);
        record.figure("rss_kib_per_connection", (all - base) / real_len(users.len()));
        record.figure(
            "rss_kib_per_connection_of_second_half",
            (all - half) / real_len(rest.len()),
        );
        if let Some(cores) = silence.figures.get("server_cores") {
            record.figure("server_cores_while_idle", *cores);
        }
        let ended = ended(&mut sessions).await;
        record.must(ended == 0, || format!("{ended} connections ended in silence"));
        for session in sessions {
            tokio::spawn(leave(session));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        record.figure("rss_after_mib", resident()? / 1024.0);
        Ok(())
    }
}

/// How many connections have ended; silent ones still stand.
async fn ended(sessions: &mut [Session]) -> usize {
    let mut ended = 0;
    for session in sessions {
        let read = session.reader.packets(|_| {});
        if let Ok(Err(_)) = tokio::time::timeout(Duration::ZERO, read).await {
            ended += 1;
        }
    }
    ended
}
