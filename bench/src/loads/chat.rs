//! One-to-one: pairs of users, QoS 1 in and out.
//!
//! One of each pair sends and the other receives, so an acknowledgement and a message never share a write by the
//! load's design. With `--both` each answers the other, as it is in a lively chat, and they may.

use std::sync::Arc;
use std::time::Duration;

use crate::report::Record;
use crate::target::{Target, User};
use crate::traffic::{self, Pace, Plan, Room};

use super::seconds;

/// Pairs of users.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Chat {
    /// Users online.
    #[arg(long, default_value_t = 1000)]
    pub(crate) users: usize,
    /// Messages under way; each that arrives sets off the next.
    #[arg(long, default_value_t = 200)]
    pub(crate) in_flight: usize,
    /// Instead: messages a second, each timed from the moment it was due.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Seconds that are measured.
    #[arg(long, default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// Seconds before that.
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub(crate) warm_up: Duration,
    /// Both of each pair send.
    #[arg(long)]
    pub(crate) both: bool,
    /// Over TLS.
    #[arg(long)]
    pub(crate) tls: bool,
    /// MQTT 5, where what a user says stays away from itself (No Local).
    #[arg(long)]
    pub(crate) no_local: bool,
}

impl Chat {
    pub(super) async fn run(&self, target: &Arc<Target>, record: &mut Record) -> anyhow::Result<()> {
        record.set("users", self.users);
        record.set("both", self.both);
        record.set("tls", self.tls);
        record.set("no_local", self.no_local);
        let pace = pace(self.rate, self.in_flight, record);
        let users = target.users(self.users).await?;
        let rooms: Vec<_> = users.chunks_exact(2).map(|pair| self.pair(pair)).collect();
        let plan = Plan {
            pace,
            warm_up: self.warm_up,
            measured: self.seconds,
            tls: self.tls,
            no_local: self.no_local,
        };
        traffic::run(target, &rooms, &plan, record).await
    }

    fn pair(&self, pair: &[User]) -> Room {
        let senders = if self.both { vec![0, 1] } else { vec![0] };
        let addresses = senders.iter().map(|sender| {
            let (from, to) = (&pair[*sender], &pair[1 - sender]);
            (from.topic_to(to).to_owned(), to.name.clone())
        });
        Room {
            members: pair.to_vec(),
            filters: pair.iter().map(|user| user.inbox.clone()).collect(),
            addresses: addresses.collect(),
            senders,
            hears_itself: false,
        }
    }
}

/// The pace that was asked for, noted.
pub(super) fn pace(rate: Option<f64>, in_flight: usize, record: &mut Record) -> Pace {
    if let Some(rate) = rate {
        record.set("rate", rate);
        return Pace::PerSecond(rate);
    }
    record.set("in_flight", in_flight);
    Pace::InFlight(in_flight)
}
