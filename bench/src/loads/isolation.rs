//! Isolation: bystanders are connected and silent while others come, are written to, and leave in the middle of it.
//!
//! No bystander may lose its connection, and each must still hear a message in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::draft::{Address, Draft, Tag};
use crate::login::{Crowd, Entrance, Session, enter, leave};
use crate::meter::Moment;
use crate::numbers::{real, real_len};
use crate::report::Record;
use crate::target::{Target, User};

use super::churn::hear_oneself;
use super::seconds;

/// Messages that are on their way to somebody who leaves.
const UNHEARD: u32 = 20;
/// Longest wait for a bystander's own message.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bystanders and leavers.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Isolation {
    /// Users who are connected and do nothing.
    #[arg(long, default_value_t = 500)]
    pub(crate) bystanders: usize,
    /// Users who come and go, all at the same time.
    #[arg(long, default_value_t = 50)]
    pub(crate) leavers: usize,
    /// Seconds that they do so.
    #[arg(long, default_value = "8", value_parser = seconds)]
    pub(crate) seconds: Duration,
}

impl Isolation {
    pub(super) fn users(&self) -> usize {
        self.bystanders + self.leavers
    }

    pub(super) async fn run(&self, target: &Arc<Target>, record: &mut Record) -> anyhow::Result<()> {
        record.set("bystanders", self.bystanders);
        record.set("leavers", self.leavers);
        let users = target.users(self.users()).await?;
        let (bystanders, leavers) = users.split_at(self.bystanders);
        let people = bystanders.iter().map(|user| {
            let entrance = Entrance {
                clean: true,
                ..Entrance::of_a_phone(user, false)
            };
            (user.clone(), entrance)
        });
        let sessions = Crowd::new(target, people.collect()).enter(|_, session| session).await?;
        let before = Moment::begin(target).await;
        let gone = self.come_and_leave(target, leavers).await;
        let used = Moment::end(target).await.since(&before);
        used.note(record, "leaver", gone);
        record.figure("left_in_all", real(gone));
        record.must(gone > 0, || "nobody could come and leave".to_owned());
        let lost = count_lost(sessions, bystanders).await;
        record.figure("bystanders_lost", real_len(lost));
        record.must(lost == 0, || {
            format!("{lost} of {} bystanders were lost", bystanders.len())
        });
        Ok(())
    }

    async fn come_and_leave(&self, target: &Arc<Target>, leavers: &[User]) -> u64 {
        let open = Arc::new(AtomicBool::new(true));
        let gone = Arc::new(AtomicU64::new(0));
        let mut people = JoinSet::new();
        for user in leavers {
            let (target, user) = (Arc::clone(target), user.clone());
            let (open, gone) = (Arc::clone(&open), Arc::clone(&gone));
            people.spawn(async move {
                while open.load(Ordering::Relaxed) {
                    if leave_in_the_middle(&target, &user).await.is_ok() {
                        gone.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        tokio::time::sleep(self.seconds).await;
        open.store(false, Ordering::Relaxed);
        let all = async { while people.join_next().await.is_some() {} };
        // Who is still stuck in a server that hangs is given up.
        let _ = tokio::time::timeout(PATIENCE, all).await;
        gone.load(Ordering::Relaxed)
    }
}

/// Comes in, causes messages to itself, and says goodbye without reading any.
async fn leave_in_the_middle(target: &Target, user: &User) -> anyhow::Result<()> {
    let entrance = Entrance {
        clean: true,
        ..Entrance::of_a_phone(user, false)
    };
    let session = enter(target, user, &entrance, |_| {}).await?;
    let address = Address {
        language: target.language(),
        topic: user.topic_to(user),
        from: &user.name,
        to: &user.name,
    };
    let mut draft = Draft::new(Tag::fresh()?, 0, &address);
    for number in 0..UNHEARD {
        session.writer.send(draft.numbered(number))?;
    }
    leave(session).await;
    Ok(())
}

/// How many bystanders can no longer hear themselves over the connection they had.
async fn count_lost(sessions: Vec<Session>, users: &[User]) -> usize {
    let mut people = JoinSet::new();
    for (mut session, user) in sessions.into_iter().zip(users.to_vec()) {
        people.spawn(async move {
            let heard = tokio::time::timeout(PATIENCE, hear_oneself(&mut session, &user)).await;
            let heard = matches!(heard, Ok(Ok(())));
            if heard {
                leave(session).await;
            }
            heard
        });
    }
    let mut lost = 0;
    while let Some(heard) = people.join_next().await {
        lost += usize::from(!heard.unwrap_or(false));
    }
    lost
}
