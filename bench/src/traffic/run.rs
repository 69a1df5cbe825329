//! One run of traffic: everybody connects, it warms up, a stretch is measured, and what is under way is waited for.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::task::JoinHandle;

use super::sender::Sender;
use super::{Counts, Listener, Times, Traffic, add};
use crate::draft::{Address, Draft, Tag};
use crate::latency::Latency;
use crate::login::{Crowd, Entrance, Session};
use crate::meter::{Moment, Used};
use crate::numbers::{per, real, real_len};
use crate::report::Record;
use crate::target::{Dialect, Target, User};
use crate::wire::{self, Language, Packet};

/// How long nothing may arrive before what is missing counts as lost.
const SILENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// After everything has arrived: what comes now came twice.
const AFTERMATH: Duration = Duration::from_millis(150);
/// Messages under way at a fixed rate, beyond which a server is overloaded for good.
const UNDER_WAY_MAX: u64 = 500_000;

/// How messages set out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// So many under way: each that has arrived everywhere sets off the next.
    InFlight(usize),
    /// So many a second, whether they arrive or not.
    PerSecond(f64),
}

/// How long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) pace: Pace,
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    pub(crate) tls: bool,
    /// MQTT 5 with No Local.
    pub(crate) no_local: bool,
}

/// Those who hear one another.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// Who is in it.
    pub(crate) members: Vec<User>,
    /// What each listens to.
    pub(crate) filters: Vec<String>,
    /// The members that send, by their place.
    pub(crate) senders: Vec<usize>,
    /// Topic and `to` of each sender.
    pub(crate) addresses: Vec<(String, String)>,
    /// Whether a sender's own copy counts as a delivery.
    pub(crate) hears_itself: bool,
}

/// Runs the traffic of the rooms and notes what it found.
///
/// # Errors
/// Somebody is not let in; what goes wrong later is a fault in the record.
pub(crate) async fn run(target: &Arc<Target>, rooms: &[Room], plan: &Plan, record: &mut Record) -> anyhow::Result<()> {
    ensure!(!rooms.is_empty(), "there are too few users for one room");
    let (traffic, listeners) = gather(target, rooms, plan).await?;
    let pacer = set_out(&traffic, plan.pace)?;
    tokio::time::sleep(plan.warm_up).await;
    let before = Moment::begin(target).await;
    let delivered_before = traffic.counts.delivered.load(Ordering::Relaxed);
    traffic.timed_from.store(traffic.now(), Ordering::Relaxed);
    tokio::time::sleep(plan.measured).await;
    let delivered = traffic.counts.delivered.load(Ordering::Relaxed) - delivered_before;
    traffic.refill.store(false, Ordering::Relaxed);
    traffic.stopped.store(true, Ordering::Relaxed);
    let used = Moment::end(target).await.since(&before);
    if let Some(pacer) = pacer {
        // It looks between two messages whether it is to stop.
        let _ = tokio::task::spawn_blocking(move || pacer.join()).await;
    }
    if let Pace::PerSecond(rate) = plan.pace {
        let sent = real(traffic.counts.sent.load(Ordering::Relaxed));
        let due = rate * traffic.began.elapsed().as_secs_f64() + 1.0;
        record.must(sent <= due, || {
            format!("the client sent {sent} messages where {due:.0} were due")
        });
    }
    settle(&traffic, rooms).await;
    note(&traffic, record, &used, delivered);
    check(&traffic, rooms, (target, plan), record);
    for sender in &traffic.senders {
        sender.goodbye();
    }
    listeners.iter().for_each(JoinHandle::abort);
    Ok(())
}

async fn gather(
    target: &Arc<Target>,
    rooms: &[Room],
    plan: &Plan,
) -> anyhow::Result<(Arc<Traffic>, Vec<JoinHandle<()>>)> {
    let people = rooms.iter().flat_map(|room| room.members.iter().zip(&room.filters));
    let people = people.map(|(user, filter)| {
        let entrance = Entrance {
            tls: plan.tls,
            clean: true,
            no_local: plan.no_local,
            filter: Some(filter.clone()),
        };
        (user.clone(), entrance)
    });
    let crowd = Crowd::new(target, people.collect());
    let sessions = crowd.enter(|_, session| session).await?;
    let tag = Tag::fresh()?;
    let mut senders = Vec::new();
    let mut listening = Vec::new();
    let mut sessions = sessions.into_iter();
    for (at, room) in rooms.iter().enumerate() {
        for place in 0..room.members.len() {
            let Some(session) = sessions.next() else { break };
            let slot = room.senders.iter().position(|sender| *sender == place);
            let sender = slot.map(|slot| {
                let (topic, to) = &room.addresses[slot];
                let from = &room.members[place].name;
                let address = Address {
                    language: target.language().with_no_local(plan.no_local),
                    topic,
                    from,
                    to,
                };
                let draft = Draft::new(tag, senders.len(), &address);
                let audience = room.members.len() - usize::from(!room.hears_itself);
                senders.push(Sender::new(at, slot, audience, (session.writer.clone(), draft)));
                senders.len() - 1
            });
            let listener = Listener {
                room: at,
                expected: vec![0; room.senders.len()],
                sender,
                hears_itself: room.hears_itself,
            };
            listening.push((session, listener));
        }
    }
    let traffic = Arc::new(Traffic::new(tag, rooms.len(), (senders, plan.pace), target.language()));
    let tasks = listening.into_iter().map(|(session, listener)| {
        let traffic = Arc::clone(&traffic);
        tokio::spawn(async move { traffic.listen(session, listener).await })
    });
    let tasks = tasks.collect();
    Ok((traffic, tasks))
}

impl Traffic {
    fn new(tag: Tag, rooms: usize, (senders, pace): (Vec<Sender>, Pace), language: Language) -> Self {
        Self {
            tag,
            began: Instant::now(),
            senders,
            rooms,
            acknowledges: language.acknowledges(),
            turn: AtomicUsize::new(0),
            refill: AtomicBool::new(matches!(pace, Pace::InFlight(_))),
            stopped: AtomicBool::new(false),
            timed_from: AtomicU64::new(u64::MAX),
            counts: Counts::default(),
            times: Mutex::new(Times {
                delivery: Latency::new(),
                acknowledgement: Latency::new(),
            }),
        }
    }

    /// One connection's life: every delivery is looked at, then acknowledged.
    async fn listen(&self, mut session: Session, mut listener: Listener) {
        let mut answers = Vec::new();
        loop {
            let packets = session.reader.packets(|packet| match packet {
                Packet::Publish { id, payload } => {
                    wire::puback(&mut answers, id);
                    self.arrived(&mut listener, payload);
                }
                Packet::PubAck { .. } => self.acknowledged(listener.sender),
                Packet::Refused => add(&self.counts.refused, 1),
                _ => {}
            });
            if packets.await.is_err() || (!answers.is_empty() && session.writer.send(&answers).is_err()) {
                return add(&self.counts.ended, 1);
            }
            answers.clear();
        }
    }
}

/// Starts the first messages, or the thread that starts them at their time.
fn set_out(traffic: &Arc<Traffic>, pace: Pace) -> anyhow::Result<Option<std::thread::JoinHandle<()>>> {
    match pace {
        Pace::InFlight(count) => {
            for _ in 0..count {
                traffic.send_next(traffic.now());
            }
            Ok(None)
        }
        Pace::PerSecond(rate) => {
            let traffic = Arc::clone(traffic);
            let pacer = std::thread::Builder::new().name("pacer".to_owned());
            Ok(Some(pacer.spawn(move || keep_pace(&traffic, rate))?))
        }
    }
}

/// Sends each message when it is due, or as soon after as this thread gets to it. A thread of its own, because the
/// runtime's clock ticks in milliseconds.
fn keep_pace(traffic: &Traffic, rate: f64) {
    // The kernel may otherwise wake us 50 µs late, to save power.
    let _ = std::fs::write("/proc/thread-self/timerslack_ns", "1");
    let interval = Duration::from_secs_f64(1.0 / rate);
    let began = traffic.began.elapsed();
    let mut number = 0_u32;
    while !traffic.stopped.load(Ordering::Relaxed) {
        let due = began + interval * number;
        let now = traffic.began.elapsed();
        if let Some(early) = due.checked_sub(now) {
            std::thread::sleep(early);
        }
        traffic.send_next(crate::numbers::nanoseconds(due));
        number += 1;
        let sent = traffic.counts.sent.load(Ordering::Relaxed);
        if sent.saturating_sub(traffic.counts.complete.load(Ordering::Relaxed)) > UNDER_WAY_MAX {
            return;
        }
    }
}

/// Waits until everything has arrived everywhere, or nothing more comes.
async fn settle(traffic: &Traffic, rooms: &[Room]) {
    let counts = &traffic.counts;
    let mut last = (0, 0);
    let mut heard = Instant::now();
    loop {
        let sent = counts.sent.load(Ordering::Relaxed);
        let now = (
            counts.delivered.load(Ordering::Relaxed),
            counts.acknowledged.load(Ordering::Relaxed),
        );
        let own_expected = rooms.iter().any(|room| !room.hears_itself) && counts.own_copies.load(Ordering::Relaxed) > 0;
        let own = !own_expected || counts.own_copies.load(Ordering::Relaxed) >= sent;
        let acknowledged = now.1 >= sent || !traffic.acknowledges;
        if counts.complete.load(Ordering::Relaxed) >= sent && acknowledged && own {
            break;
        }
        if now != last {
            (last, heard) = (now, Instant::now());
        } else if heard.elapsed() > SILENCE {
            return;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    tokio::time::sleep(AFTERMATH).await;
}

fn note(traffic: &Traffic, record: &mut Record, used: &Used, delivered: u64) {
    let count = |count: &AtomicU64| real(count.load(Ordering::Relaxed));
    let counts = &traffic.counts;
    used.note(record, "delivery", delivered);
    record.figure("deliveries", real(delivered));
    record.figure("deliveries_per_s", real(delivered) / used.time.as_secs_f64());
    record.figure("sent_in_all", count(&counts.sent));
    record.figure("acknowledged_in_all", count(&counts.acknowledged));
    record.figure("delivered_in_all", count(&counts.delivered));
    record.figure("own_copies_in_all", count(&counts.own_copies));
    record.figure("strange_in_all", count(&counts.strange));
    let times = traffic.times();
    for (name, latency) in [("", &times.delivery), ("acknowledged_", &times.acknowledgement)] {
        if latency.count() == 0 {
            continue;
        }
        record.figure(&format!("{name}p50_ms"), latency.ms(0.5));
        record.figure(&format!("{name}p99_ms"), latency.ms(0.99));
        record.figure(&format!("{name}p999_ms"), latency.ms(0.999));
        record.figure(&format!("{name}longest_ms"), latency.longest_ms());
    }
    record.figure("timed", real(times.delivery.count()));
}

/// Each message exactly once, to everybody it was meant for, in the order of its sender, acknowledged.
fn check(traffic: &Traffic, rooms: &[Room], (target, plan): (&Target, &Plan), record: &mut Record) {
    let counts = &traffic.counts;
    let [sent, acknowledged, delivered, own] = [
        &counts.sent,
        &counts.acknowledged,
        &counts.delivered,
        &counts.own_copies,
    ]
    .map(|c| c.load(Ordering::Relaxed));
    // Rooms of a run are alike.
    let audience = rooms[0].members.len() - usize::from(!rooms[0].hears_itself);
    let meant = real(sent) * real_len(audience);
    record.must(sent > 0, || "nothing was sent".to_owned());
    record.must((real(delivered) - meant).abs() < 0.5, || {
        format!(
            "{delivered} deliveries of {meant}: {} are lost",
            meant - real(delivered)
        )
    });
    record.must(acknowledged == sent || !traffic.acknowledges, || {
        format!("{acknowledged} acknowledgements for {sent} messages")
    });
    if matches!(target.dialect, Dialect::Godwit(_)) && !rooms[0].hears_itself {
        let expected = if plan.no_local { 0 } else { sent };
        record.must(own == expected, || format!("{own} own copies of {sent} messages"));
    }
    for (count, what) in [
        (&counts.repeated, "came again, or too late"),
        (&counts.skipped, "were jumped over"),
        (&counts.misrouted, "came to somebody they were not for"),
        (&counts.refused, "were refused"),
        (&counts.ended, "connections ended"),
    ] {
        let count = count.load(Ordering::Relaxed);
        record.must(count == 0, || format!("{count} {what}"));
    }
    record.figure("lost", (meant - real(delivered)).max(0.0));
    record.figure("lost_share", per((meant - real(delivered)).max(0.0), sent));
}
