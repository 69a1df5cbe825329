//! At the moment a client holds an acknowledgement, its draft stands in what a finished sync has made durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::traced_disk::TracedDisk;
use crate::workload::{Witness, broadcast, send};
use crate::world::{World, plain_doors};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledgement_leaves_before_its_sync() {
    let world = World::new().await;
    let seen = Arc::new(AtomicU64::new(0));
    for seed in 1..=10 {
        let disk = TracedDisk::new(seed);
        let running = world.boot(Arc::new(disk.clone())).await;
        let (http, mqtt) = plain_doors(&running);
        let witness: Witness = {
            let (disk, seen) = (disk.clone(), Arc::clone(&seen));
            Arc::new(move |id| {
                seen.fetch_add(1, Ordering::SeqCst);
                assert!(
                    disk.has(&format!("\"{id}\"")),
                    "{id} was acknowledged before it was durable"
                );
            })
        };
        let mut senders = Vec::new();
        for device in &world.devices {
            senders.push(tokio::spawn(send(
                mqtt.clone(),
                device.clone(),
                seed,
                Arc::clone(&witness),
            )));
        }
        senders.push(tokio::spawn(broadcast(world.app.at(&http), seed, witness)));
        for sender in senders {
            sender.await.unwrap();
        }
        running.shutdown().await;
    }
    let seen = seen.load(Ordering::SeqCst);
    assert!(seen > 500, "only {seen} acknowledgements were seen");
}
