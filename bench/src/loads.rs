//! The loads of a messenger, one file each, and what they have in common.

pub(crate) mod chat;
pub(crate) mod churn;
pub(crate) mod group;
pub(crate) mod idle;
pub(crate) mod isolation;
pub(crate) mod logins;
pub(crate) mod replay;
pub(crate) mod storm;

use std::sync::Arc;
use std::time::Duration;

use crate::report::Record;
use crate::target::Target;

/// A load with its settings, as the command line or a comparison names it.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Load {
    /// Pairs of users, QoS 1 in and out.
    Chat(chat::Chat),
    /// Groups in which each message goes to every member.
    Group(group::GroupChat),
    /// Connections that do nothing: what one takes in memory.
    Idle(idle::Idle),
    /// Coming online, again and again.
    Logins(logins::Logins),
    /// Everybody's connection is cut at once, and all come back.
    Storm(storm::Storm),
    /// One device fetches what it missed.
    Replay(replay::Replay),
    /// Waves of users come, hear one message, and go: does the server live on?
    Churn(churn::Churn),
    /// Others come and go: do bystanders stay connected?
    Isolation(isolation::Isolation),
}

impl Load {
    /// Runs it once. What the server did wrong stands in the record as faults.
    ///
    /// # Errors
    /// The load could not be run at all.
    pub(crate) async fn run(&self, target: &Arc<Target>) -> anyhow::Result<Record> {
        let mut record = Record::new(self.name(), &target.name);
        match self {
            Self::Chat(load) => load.run(target, &mut record).await?,
            Self::Group(load) => load.run(target, &mut record).await?,
            Self::Idle(load) => load.run(target, &mut record).await?,
            Self::Logins(load) => load.run(target, &mut record).await?,
            Self::Storm(load) => load.run(target, &mut record).await?,
            Self::Replay(load) => load.run(target, &mut record).await?,
            Self::Churn(load) => load.run(target, &mut record).await?,
            Self::Isolation(load) => load.run(target, &mut record).await?,
        }
        if let Some(usage) = target.process.as_ref().and_then(|process| process.usage().ok()) {
            record.figure("rss_mib_at_end", crate::numbers::real(usage.resident_kib) / 1024.0);
        }
        Ok(record)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::Group(_) => "group",
            Self::Idle(_) => "idle",
            Self::Logins(_) => "logins",
            Self::Storm(_) => "storm",
            Self::Replay(_) => "replay",
            Self::Churn(_) => "churn",
            Self::Isolation(_) => "isolation",
        }
    }

    /// How many users it takes; they are made beforehand.
    pub(crate) fn users(&self) -> usize {
        match self {
            Self::Chat(load) => load.users,
            Self::Group(load) => load.users,
            Self::Idle(load) => load.connections,
            Self::Logins(load) => load.users,
            Self::Storm(load) => load.connections,
            Self::Replay(_) => replay::Replay::users(),
            Self::Churn(load) => load.users(),
            Self::Isolation(load) => load.users(),
        }
    }

    /// The fixed rate of one-to-one messages without TLS.
    pub(crate) fn rate(&self) -> Option<f64> {
        match self {
            Self::Chat(chat) if !chat.tls => chat.rate,
            _ => None,
        }
    }

    /// Whether it needs the server's TLS listener.
    pub(crate) fn tls(&self) -> bool {
        match self {
            Self::Chat(load) => load.tls,
            Self::Idle(load) => load.tls,
            Self::Logins(load) => load.tls,
            Self::Storm(load) => load.tls,
            _ => false,
        }
    }
}

/// A time in seconds on the command line.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text} is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
