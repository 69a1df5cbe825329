//! Lanes before a vendor that does what the test says.

use std::sync::atomic::{AtomicUsize, Ordering};

use godwit_model::clock::ManualClock;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::*;
use crate::simulator::chat_message;
use crate::{BoxFuture, PushId};

/// Answers when it is let, and counts who is inside.
struct Gate {
    open: Semaphore,
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Gate {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            open: Semaphore::new(0),
            inside: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }
}

impl Vendor for Gate {
    fn name(&self) -> VendorName {
        VendorName::Apns
    }

    fn limits(&self) -> Limits {
        Limits {
            in_flight: 4,
            per_second: 1_000_000,
            ttl_seconds_max: 1,
            payload_bytes_max: 1,
            batch: 1,
            batch_least: 1,
            badge: false,
            silent: false,
            day_quota: false,
        }
    }

    fn deliver<'a>(&'a self, _: &'a Target, _: &'a Notification) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(inside, Ordering::SeqCst);
            self.open.acquire().await.expect("it is never closed").forget();
            self.inside.fetch_sub(1, Ordering::SeqCst);
            Outcome::accepted(None)
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, CheckError>> {
        Box::pin(std::future::ready(Ok(String::new())))
    }
}

fn notification() -> Notification {
    chat_message(PushId([1; 16]), 0)
}

fn lane(gate: &Arc<Gate>, pace: &Pace) -> (Arc<Lane>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(1_000_000));
    (
        Arc::new(Lane::new(Arc::clone(gate) as _, pace, Arc::clone(&clock) as _)),
        clock,
    )
}

fn start(lane: &Arc<Lane>, pushes: usize) -> JoinSet<Outcome> {
    let mut tasks = JoinSet::new();
    for _ in 0..pushes {
        let lane = Arc::clone(lane);
        tasks.spawn(async move { lane.deliver(&Target::token("x"), &notification()).await });
    }
    tasks
}

#[tokio::test]
async fn no_more_are_on_their_way_than_the_vendor_takes_and_no_more_wait_than_there_is_room() {
    let gate = Gate::new();
    let (lane, _) = lane(&gate, &Pace::default());
    let tasks = start(&lane, 100);
    // Four on their way, sixteen waiting; the others are sent back at once.
    while lane.report().inside < 20 || gate.inside.load(Ordering::SeqCst) < 4 {
        tokio::task::yield_now().await;
    }
    gate.open.add_permits(100);
    let outcomes = tasks.join_all().await;
    let full = outcomes.iter().filter(|outcome| outcome.code() == "lane_full").count();
    assert_eq!((full, gate.most.load(Ordering::SeqCst)), (80, 4));
    assert_eq!(lane.report().inside, 0);
}

#[tokio::test]
async fn who_goes_away_while_waiting_leaves_its_place() {
    let gate = Gate::new();
    let (lane, _) = lane(&gate, &Pace::default());
    let mut tasks = start(&lane, 20);
    while gate.inside.load(Ordering::SeqCst) < 4 {
        tokio::task::yield_now().await;
    }
    tasks.shutdown().await;
    assert_eq!(lane.report().inside, 0);
    gate.open.add_permits(1);
    assert!(lane.deliver(&Target::token("x"), &notification()).await.is_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_waited_for_if_it_is_near_and_told_if_it_is_far() {
    let gate = Gate::new();
    gate.open.add_permits(1_000);
    let pace = Pace {
        per_second: Some(10),
        in_flight: Some(100),
        ..Pace::default()
    };
    let (lane, _) = lane(&gate, &pace);
    let outcomes = start(&lane, 50).join_all().await;
    let accepted = outcomes.iter().filter(|outcome| outcome.is_accepted()).count();
    assert!((10..=12).contains(&accepted), "{accepted}");
    for outcome in outcomes.iter().filter(|outcome| !outcome.is_accepted()) {
        assert!(
            matches!(outcome, Outcome::Retry { code, after: Some(_), .. } if code == "paced"),
            "{outcome:?}"
        );
    }
}
