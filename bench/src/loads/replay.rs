//! Backlog replay: one device was away, and fetches everything in one go when it comes back.

mod pages;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::draft::{self, Address, Draft, Tag};
use crate::login::{Crowd, Entrance, Session, enter, leave};
use crate::meter::Moment;
use crate::numbers::{per, real};
use crate::report::Record;
use crate::target::{Target, User};
use crate::wire::{self, Language, Packet};

/// Users who fill the backlog.
const SENDERS: usize = 50;
/// Publications of each that wait for their acknowledgement.
const WINDOW: u32 = 20;
/// How long a silence may last before the rest counts as lost.
const SILENCE: Duration = Duration::from_secs(10);
/// After the last one: whatever comes then came twice.
const AFTERMATH: Duration = Duration::from_millis(300);

/// One device that was away.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Replay {
    /// Messages that wait for it.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) messages: u32,
}

/// What the device has got.
struct Received {
    tag: Tag,
    expected: Vec<u32>,
    count: u64,
    faults: u64,
}

impl Replay {
    /// The device comes last, after those who write to it.
    pub(super) fn users() -> usize {
        SENDERS + 1
    }

    pub(super) async fn run(&self, target: &Arc<Target>, record: &mut Record) -> anyhow::Result<()> {
        let each = self.messages / u32::try_from(SENDERS)?;
        let messages = u64::from(each) * u64::try_from(SENDERS)?;
        record.set("messages", messages);
        let users = target.users(Self::users()).await?;
        let (device, senders) = users.split_last().context("there is a device")?;
        let tag = Tag::fresh()?;
        let is_paged = target.language() == Language::Xmpp;
        let mut place = None;
        if !is_paged {
            begin_anew(target, device).await?;
        }
        let began = Instant::now();
        if is_paged {
            place = pages::fill(target, senders, device, (tag, each)).await?;
        } else {
            fill(target, senders, device, (tag, each)).await?;
        }
        record.figure("filled_s", began.elapsed().as_secs_f64());
        let before = Moment::begin(target).await;
        let began = Instant::now();
        let mut received = Received {
            tag,
            expected: vec![0; senders.len()],
            count: 0,
            faults: 0,
        };
        let time = if is_paged {
            pages::receive(target, device, &mut received, place).await?;
            began.elapsed()
        } else {
            receive(target, device, &mut received, (messages, began)).await?
        };
        let used = Moment::end(target).await.since(&before);
        used.note(record, "message", received.count);
        record.figure("replayed_s", time.as_secs_f64());
        record.figure("us_per_message", per(time.as_secs_f64() * 1e6, received.count));
        record.figure("messages_per_s", real(received.count) / time.as_secs_f64());
        record.must(received.count == messages, || {
            format!("{} of {messages} came", received.count)
        });
        record.must(received.faults == 0, || {
            format!("{} came again, out of order, or after a gap", received.faults)
        });
        Ok(())
    }
}

/// Whatever waited is forgotten, and from now on everything waits.
async fn begin_anew(target: &Target, device: &User) -> anyhow::Result<()> {
    for clean in [true, false] {
        let entrance = Entrance {
            clean,
            ..Entrance::of_a_phone(device, false)
        };
        leave(enter(target, device, &entrance, |_| {}).await?).await;
    }
    Ok(())
}

/// People who only speak: who does not listen gets no copies of its own.
async fn speakers(target: &Arc<Target>, senders: &[User]) -> anyhow::Result<Vec<Session>> {
    let silent = |user: &User| {
        let entrance = Entrance {
            tls: false,
            no_local: false,
            clean: true,
            filter: None,
        };
        (user.clone(), entrance)
    };
    Crowd::new(target, senders.iter().map(silent).collect())
        .enter(|_, session| session)
        .await
}

/// What one of them says to the device.
fn draft(target: &Target, (at, user): (usize, &User), device: &User, tag: Tag) -> Draft {
    let address = Address {
        language: target.language(),
        topic: user.topic_to(device),
        from: &user.name,
        to: &device.name,
    };
    Draft::new(tag, at, &address)
}

async fn fill(target: &Arc<Target>, senders: &[User], device: &User, load: (Tag, u32)) -> anyhow::Result<()> {
    let sessions = speakers(target, senders).await?;
    let mut sending = tokio::task::JoinSet::new();
    for (at, (session, user)) in sessions.into_iter().zip(senders).enumerate() {
        let draft = draft(target, (at, user), device, load.0);
        sending.spawn(send_all(session, draft, load.1));
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    Ok(())
}

async fn send_all(mut session: Session, mut draft: Draft, count: u32) -> anyhow::Result<()> {
    let (mut sent, mut acknowledged) = (0, 0);
    while acknowledged < count {
        while sent < count && sent - acknowledged < WINDOW {
            session.writer.send(draft.numbered(sent))?;
            sent += 1;
        }
        let packets = session
            .reader
            .packets(|packet| acknowledged += u32::from(matches!(packet, Packet::PubAck { .. })));
        tokio::time::timeout(SILENCE, packets)
            .await
            .context("no acknowledgement comes")??;
    }
    ensure!(
        acknowledged == sent,
        "{acknowledged} acknowledgements for {sent} messages"
    );
    leave(session).await;
    Ok(())
}

impl Received {
    fn take(&mut self, payload: &[u8]) {
        let Some((sender, number)) = draft::find(self.tag, payload) else {
            return;
        };
        match self.expected.get_mut(sender) {
            Some(expected) if *expected == number => {
                *expected += 1;
                self.count += 1;
            }
            _ => self.faults += 1,
        }
    }
}

/// Comes back and acknowledges until everything is there; the time of the last one.
async fn receive(
    target: &Target,
    device: &User,
    received: &mut Received,
    (messages, began): (u64, Instant),
) -> anyhow::Result<Duration> {
    let mut answers = Vec::new();
    let entrance = Entrance::of_a_phone(device, false);
    let mut session = enter(target, device, &entrance, |packet| {
        if let Packet::Publish { id, payload } = packet {
            wire::puback(&mut answers, id);
            received.take(payload);
        }
    })
    .await?;
    let mut last = began.elapsed();
    loop {
        session.writer.send(&answers)?;
        answers.clear();
        let patience = if received.count < messages { SILENCE } else { AFTERMATH };
        let packets = session.reader.packets(|packet| {
            if let Packet::Publish { id, payload } = packet {
                wire::puback(&mut answers, id);
                received.take(payload);
            }
        });
        match tokio::time::timeout(patience, packets).await {
            Ok(read) => read.context("the connection ended during the replay")?,
            Err(_) => break,
        }
        if received.count <= messages && !answers.is_empty() {
            last = began.elapsed();
        }
    }
    leave(session).await;
    Ok(last)
}
