//! Ordinary churn: waves of users connect, subscribe, hear one message and go, half of them without a goodbye.
//!
//! After each wave somebody new must still be able to say something and hear it. Some brokers do not live through it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;

use crate::draft::{self, Address, Draft, Tag};
use crate::login::{Entrance, Session, enter, leave};
use crate::meter::Moment;
use crate::numbers::{real, real_len};
use crate::report::Record;
use crate::target::{Target, User};
use crate::wire::{self, Packet};

/// Longest wait for one's own message.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waves of users.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Churn {
    /// Users that come and go together.
    #[arg(long, default_value_t = 1000)]
    pub(crate) wave: usize,
    /// Waves.
    #[arg(long, default_value_t = 10)]
    pub(crate) waves: usize,
}

impl Churn {
    /// Everybody comes once; the last one is the witness after each wave.
    pub(super) fn users(&self) -> usize {
        self.wave * self.waves + 1
    }

    pub(super) async fn run(&self, target: &Arc<Target>, record: &mut Record) -> anyhow::Result<()> {
        record.set("wave", self.wave);
        record.set("waves", self.waves);
        let users = target.users(self.users()).await?;
        let witness = users.last().context("nobody is there")?;
        let process = target.process.as_ref();
        let resident = || {
            process
                .and_then(|process| process.usage().ok())
                .map_or(0.0, |usage| real(usage.resident_kib))
        };
        let base = resident();
        let before = Moment::begin(target).await;
        let began = Instant::now();
        let mut churned = 0;
        for wave in 0..self.waves {
            let (heard, first_fault) = self.one_wave(target, &users[..users.len() - 1], wave).await;
            churned += heard;
            if let Some(fault) = first_fault {
                record.fault(format!("wave {wave}: {fault}"));
            }
            if let Err(error) = say_and_hear(target, witness).await {
                record.fault(format!("dead after {churned} users: {error:#}"));
                break;
            }
        }
        let used = Moment::end(target).await.since(&before);
        used.note(record, "user", u64::try_from(churned)?);
        record.figure("users_churned", real_len(churned));
        record.figure("users_per_s", real_len(churned) / began.elapsed().as_secs_f64());
        record.figure("rss_grown_mib", (resident() - base) / 1024.0);
        Ok(())
    }

    async fn one_wave(&self, target: &Arc<Target>, users: &[User], wave: usize) -> (usize, Option<String>) {
        let mut people = JoinSet::new();
        for at in 0..self.wave {
            let user = users[wave * self.wave + at].clone();
            let target = Arc::clone(target);
            people.spawn(async move {
                let session = speak(&target, &user).await?;
                // Every second one just closes.
                if at % 2 == 0 {
                    leave(session).await;
                }
                anyhow::Ok(())
            });
        }
        let (mut heard, mut fault) = (0, None);
        while let Some(done) = people.join_next().await {
            match done {
                Ok(Ok(())) => heard += 1,
                Ok(Err(error)) => fault = fault.or_else(|| Some(format!("{error:#}"))),
                Err(error) => fault = fault.or_else(|| Some(error.to_string())),
            }
        }
        (heard, fault)
    }
}

/// Comes in, says something to itself, and hears it.
pub(super) async fn say_and_hear(target: &Target, user: &User) -> anyhow::Result<()> {
    leave(speak(target, user).await?).await;
    Ok(())
}

async fn speak(target: &Target, user: &User) -> anyhow::Result<Session> {
    let entrance = Entrance {
        clean: true,
        ..Entrance::of_a_phone(user, false)
    };
    let mut session = enter(target, user, &entrance, |_| {}).await?;
    tokio::time::timeout(PATIENCE, hear_oneself(&mut session, user))
        .await
        .context("its own message did not come")??;
    Ok(session)
}

/// Publishes one message to oneself and waits for it.
pub(super) async fn hear_oneself(session: &mut Session, user: &User) -> anyhow::Result<()> {
    let tag = Tag::fresh()?;
    let address = Address {
        language: session.writer.language(),
        topic: user.topic_to(user),
        from: &user.name,
        to: &user.name,
    };
    session.writer.send(Draft::new(tag, 0, &address).numbered(0))?;
    let mut heard = false;
    let mut answers = Vec::new();
    while !heard {
        let packets = session.reader.packets(|packet| {
            if let Packet::Publish { id, payload } = packet {
                wire::puback(&mut answers, id);
                heard |= draft::find(tag, payload).is_some() && !draft::is_refusal(payload);
            }
        });
        packets.await?;
        session.writer.send(&answers)?;
        answers.clear();
    }
    Ok(())
}
