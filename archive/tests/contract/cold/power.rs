//! The power goes between any two steps that move a segment, rewrite one in the store, or drop one.

use std::sync::Arc;
use std::time::Duration;

use godwit_archive::inspect::Inspector;
use godwit_archive::{ColdStore, GoneReason, Item, RecordKind, SimulatedDisk};
use object_store::ObjectStore;
use object_store::memory::InMemory;

use super::store::objects;
use super::{DAY_MS, SECRET, fill, holds, is_in_the_folder, is_in_the_store, settings};
use crate::stage::{START_MS, Stage, wait};

/// Days of messages; two segments of them are old enough.
const DAYS: u64 = 6;

struct World {
    stage: Stage,
    disk: SimulatedDisk,
    store: Arc<dyn ObjectStore>,
    before: Vec<Item>,
}

fn world(seed: u64) -> World {
    let (disk, store) = (
        SimulatedDisk::new(seed),
        Arc::new(InMemory::new()) as Arc<dyn ObjectStore>,
    );
    let mut stage = Stage::on(disk.clone());
    stage.settings.index_fan_in = 0;
    with_store(&mut stage, &store);
    fill(&stage, DAYS);
    let before = stage.inbox(1);
    World {
        stage,
        disk,
        store,
        before,
    }
}

fn with_store(stage: &mut Stage, store: &Arc<dyn ObjectStore>) {
    stage.cold = Some(ColdStore::of(Arc::clone(store), settings()).expect("threads"));
    stage.reopen();
}

impl World {
    /// The folder as it is found after the power came back, opened without the store at first: a start never needs it.
    fn come_back(&mut self) {
        self.disk = self.disk.crash();
        self.stage = Stage::on(self.disk.clone());
        self.stage.clock.set(START_MS + DAYS * DAY_MS);
        assert_eq!(self.stage.recovery.quarantined, 0);
        with_store(&mut self.stage, &self.store);
    }

    /// Nothing is in two places or in none once everything was done.
    fn is_tidy(&mut self) {
        self.stage.archive.cool_now().expect("a store");
        let cold = self.stage.archive.cold();
        assert_eq!((objects(&self.store).len() as u64, cold.owed), (cold.segments, 0));
        let store = ColdStore::of(Arc::clone(&self.store), settings()).expect("threads");
        let inspector = Inspector::of_disk(self.stage.disk.clone())
            .with_patience(Duration::ZERO)
            .with_cold(store);
        let found = inspector.verify(&mut |_, _| {}).expect("readable");
        assert_eq!((found.damages, found.cold_unread), (Vec::new(), 0));
    }
}

/// Cuts the power at the first change of the work, then at the second, until the work gets through.
fn cut_everywhere(prepare: impl Fn(&mut World), work: impl Fn(&World) -> bool, check: impl Fn(&mut World)) {
    let mut cuts = 0;
    loop {
        let mut world = world(cuts);
        prepare(&mut world);
        world.disk.cut_at_change(cuts + 1);
        let done = work(&world);
        if done && !world.disk.is_off() {
            break;
        }
        assert!(world.disk.is_off(), "only the power ends the work");
        world.come_back();
        check(&mut world);
        cuts += 1;
    }
    assert!(cuts > 5, "there were {cuts} steps");
}

#[test]
fn a_move_may_be_cut_anywhere_and_loses_nothing() {
    cut_everywhere(
        |_| {},
        |world| world.stage.archive.cool_now().is_ok(),
        |world| {
            assert_eq!(world.stage.inbox(1), world.before);
            world.is_tidy();
            assert!(world.stage.archive.cold().segments >= 2);
            assert_eq!(world.stage.inbox(1), world.before);
        },
    );
}

#[test]
fn an_erasure_in_the_store_may_be_cut_anywhere_and_the_text_never_comes_back() {
    let erase = |world: &mut World| {
        world.stage.archive.cool_now().expect("a store");
        let secret = world
            .before
            .iter()
            .find(|item| holds(&item.record.body, SECRET))
            .expect("sent");
        let marked = world.stage.archive.mark(secret.record.server_id, GoneReason::Erased);
        wait(marked.expect("room")).expect("durable");
    };
    cut_everywhere(
        erase,
        |world| world.stage.archive.rewrite_now().is_ok(),
        |world| {
            let gone = |world: &World| {
                let inbox = world.stage.inbox(1);
                assert!(inbox.iter().all(|item| !holds(&item.record.body, SECRET)));
                let gone = inbox
                    .iter()
                    .filter(|item| item.record.kind != RecordKind::Message)
                    .count();
                assert_eq!((inbox.len(), gone), (world.before.len(), 1));
            };
            gone(world);
            world.stage.archive.rewrite_now().expect("a store");
            world.is_tidy();
            gone(world);
            assert!(!is_in_the_folder(&world.stage, SECRET) && !is_in_the_store(&world.store, SECRET));
        },
    );
}

#[test]
fn dropping_segments_in_the_store_may_be_cut_anywhere_and_leaves_no_object_behind() {
    cut_everywhere(
        |world| {
            world.stage.archive.cool_now().expect("a store");
        },
        |world| world.stage.archive.drop_before(3).is_ok() && world.stage.archive.cool_now().is_ok(),
        |world| {
            world.stage.archive.drop_before(3).expect("room");
            world.is_tidy();
            let kept = objects(&world.store);
            assert!(
                kept.iter().all(|(name, _)| name.as_str() > "segment-0000000000000003"),
                "{:?}",
                kept.len()
            );
        },
    );
}
