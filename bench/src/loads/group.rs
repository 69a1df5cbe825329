//! Group fan-out: each message goes to every member, the sender included, and is timed until the last one has it.

use std::sync::Arc;
use std::time::Duration;

use crate::report::Record;
use crate::target::{Group, Target, User};
use crate::traffic::{self, Plan, Room};

use super::chat::pace;
use super::seconds;

/// Members of a group that send, in turns; the rest only hear.
const SENDERS_MAX: usize = 10;

/// Groups.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct GroupChat {
    /// Users online.
    #[arg(long, default_value_t = 1000)]
    pub(crate) users: usize,
    /// Members of each group.
    #[arg(long, default_value_t = 100)]
    pub(crate) size: usize,
    /// Messages under way; each that everybody has sets off the next.
    #[arg(long, default_value_t = 4)]
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
}

impl GroupChat {
    pub(super) async fn run(&self, target: &Arc<Target>, record: &mut Record) -> anyhow::Result<()> {
        record.set("users", self.users);
        record.set("size", self.size);
        let pace = pace(self.rate, self.in_flight, record);
        let users = target.users(self.users).await?;
        let groups = target.groups(&users, self.size).await?;
        let members = users.chunks_exact(self.size);
        let rooms: Vec<_> = members
            .zip(&groups)
            .map(|(members, group)| room(members, group))
            .collect();
        let plan = Plan {
            pace,
            warm_up: self.warm_up,
            measured: self.seconds,
            no_local: false,
            tls: false,
        };
        traffic::run(target, &rooms, &plan, record).await
    }
}

fn room(members: &[User], group: &Group) -> Room {
    let senders: Vec<_> = (0..members.len().min(SENDERS_MAX)).collect();
    let addresses = senders.iter().map(|sender| {
        let topic = members[*sender].topic_to_group(group).to_owned();
        (topic, group.address.clone())
    });
    Room {
        filters: members
            .iter()
            .map(|member| member.filter_for(group).to_owned())
            .collect(),
        members: members.to_vec(),
        addresses: addresses.collect(),
        senders,
        hears_itself: true,
    }
}
