//! A thousand seeds of random work, each cut at a random write with everything unsynced lost.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit_archive::SimulatedDisk;
use serde_json::Value;

use crate::checker::{inboxes, judge};
use crate::random::Random;
use crate::workload::{Acknowledged, Witness, broadcast, listen, send};
use crate::world::{World, plain_doors};

const SEEDS: u64 = 1_000;
/// Seeds at the same time.
const LANES: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_missing_after_a_power_cut_at_a_random_write() {
    let world = Arc::new(World::new().await);
    let (drafts, cuts) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let (world, drafts, cuts) = (Arc::clone(&world), Arc::clone(&drafts), Arc::clone(&cuts));
        lanes.push(tokio::spawn(async move {
            for seed in (1..=SEEDS).filter(|seed| seed % LANES == lane) {
                let (acknowledged, was_cut) = one(&world, seed).await;
                drafts.fetch_add(acknowledged, Ordering::SeqCst);
                cuts.fetch_add(u64::from(was_cut), Ordering::SeqCst);
            }
        }));
    }
    for lane in lanes {
        lane.await.unwrap();
    }
    let (drafts, cuts) = (drafts.load(Ordering::SeqCst), cuts.load(Ordering::SeqCst));
    println!("{SEEDS} seeds, {cuts} cut while work went on, {drafts} drafts acknowledged");
    assert!(cuts > SEEDS / 2, "only {cuts} seeds were cut in their work");
    assert!(drafts > SEEDS * 5, "only {drafts} drafts were acknowledged");
}

/// One seed: how many drafts were acknowledged, and whether the power went before the work was done.
async fn one(world: &World, seed: u64) -> (u64, bool) {
    let mut random = Random(seed);
    let disk = SimulatedDisk::new(seed);
    let running = world.boot(Arc::new(disk.clone())).await;
    disk.cut_at_change(disk.changes() + 1 + random.below(100));
    let (http, mqtt) = plain_doors(&running);
    let nobody: Witness = Arc::new(|_| {});
    let listener = &world.devices[0];
    let listening = tokio::spawn(listen(mqtt.clone(), listener.clone()));
    let mut senders = Vec::new();
    for device in &world.devices[1..] {
        senders.push(tokio::spawn(send(
            mqtt.clone(),
            device.clone(),
            seed,
            Arc::clone(&nobody),
        )));
    }
    if seed.is_multiple_of(4) {
        senders.push(tokio::spawn(broadcast(world.app.at(&http), seed, nobody)));
    }
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    for sender in senders {
        acknowledged.extend(sender.await.unwrap());
    }
    let was_cut = disk.is_off();
    let heard = listening.await.unwrap();
    disk.cut();
    drop(running);

    let restarted = world.boot(Arc::new(disk.crash())).await;
    let app = world.app.at(&plain_doors(&restarted).0);
    let inboxes = inboxes(world, &app, &acknowledged).await;
    judge(seed, &inboxes, &acknowledged);
    let stored: HashSet<u64> = inboxes[&listener.user]
        .iter()
        .filter_map(|item: &Value| item["seq"].as_u64())
        .collect();
    assert!(
        heard.iter().all(|seq| stored.contains(seq)),
        "seed {seed}: something was delivered and then lost"
    );
    restarted.shutdown().await;
    (acknowledged.len() as u64, was_cut)
}
