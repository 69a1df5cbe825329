//! Old segments lie in a store: everything reads as before, and what a store does wrong is never shown and never hangs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_archive::inspect::{DamageKind, Inspector, Selection};
use godwit_archive::{
    ColdError, ColdPlace, ColdSettings, ColdStore, GoneReason, InboxQuery, ReadError, RecordKind, UpkeepError,
};
use godwit_model::AccountNo;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::throttle::{ThrottleConfig, ThrottledStore};
use object_store::{ObjectStore, ObjectStoreExt};

use crate::stage::{START_MS, Stage, bodies, keyed, message, page, wait};

#[path = "cold/power.rs"]
mod power;
#[path = "cold/store.rs"]
mod store;

use store::{delete_all, objects, on_store, put};

on_both_disks! {
    old_segments_go_into_the_store_and_read_as_before,
    a_draft_sent_again_or_anew_never_asks_the_store,
    an_erased_message_leaves_the_folder_and_the_store,
    dropped_segments_leave_the_store_even_if_it_was_down,
    a_store_that_is_slow_or_down_fails_old_pages_in_time_and_nothing_else,
    damaged_bytes_are_refused_and_not_shown,
    without_settings_the_store_is_missed_and_everything_else_goes_on,
    a_lost_index_of_a_segment_in_the_store_is_built_from_there,
    inspection_knows_what_is_in_the_store,
}

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const SECRET: &str = "the words that must go";

/// A store in memory that can be told to be slow.
type Slow = Arc<ThrottledStore<InMemory>>;

fn settings() -> ColdSettings {
    ColdSettings {
        after: Duration::from_hours(5 * 24),
        cache_bytes: 1 << 20,
        time_limit: Duration::from_secs(5),
        // A pass happens when a test asks for it.
        check_delay: Duration::from_hours(1),
        ..ColdSettings::default()
    }
}

/// The same with little patience.
fn impatient() -> ColdSettings {
    ColdSettings {
        time_limit: Duration::from_millis(200),
        ..settings()
    }
}

fn reopen_with(stage: &mut Stage, store: &Arc<dyn ObjectStore>, settings: ColdSettings) {
    stage.cold = Some(ColdStore::of(Arc::clone(store), settings).expect("threads"));
    stage.reopen();
}

fn slow_store() -> Slow {
    Arc::new(ThrottledStore::new(InMemory::new(), ThrottleConfig::default()))
}

/// Ten days of messages, of which the first five may go into the store; then one pass.
fn cooled(stage: &mut Stage) -> Slow {
    let store = slow_store();
    stage.cold = Some(ColdStore::of(store.clone(), settings()).expect("threads"));
    stage.reopen();
    fill(stage, 10);
    let cooled = stage.archive.cool_now().expect("a store");
    assert!(cooled.segments > 3 && cooled.bytes > 0, "{cooled:?}");
    assert_eq!(stage.archive.cold().segments, cooled.segments);
    store
}

/// A message each hour, one of them secret.
fn fill(stage: &Stage, days: u64) {
    for hour in 0..days * 24 {
        stage.clock.set(START_MS + hour * DAY_MS / 24);
        let mut body = if hour == 3 {
            SECRET.to_owned()
        } else {
            format!("hour {hour} ")
        }
        .into_bytes();
        body.resize(5_000, b'.');
        stage.stored(keyed(message(1, [1, 2], body), hour.into(), 1));
    }
    stage.until("all but the last segment are sealed", |stage| {
        let segments = stage.archive.segments();
        segments.iter().rev().skip(1).all(|segment| segment.sealed)
    });
}

fn files(stage: &Stage) -> Vec<String> {
    let mut names = stage.disk.list().expect("readable");
    names.retain(|name| name.starts_with("segment-") && name.contains(".log"));
    names.sort();
    names
}

fn oldest(stage: &Stage) -> Result<Vec<godwit_archive::Item>, ReadError> {
    let query = InboxQuery {
        after: Some(0),
        limit: 3,
        ..page()
    };
    stage.archive.inbox(AccountNo(1), &query)
}

fn is_unreachable(read: &Result<Vec<godwit_archive::Item>, ReadError>) -> bool {
    matches!(read, Err(ReadError::Cold(ColdError::Unreachable(_))))
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

fn is_in_the_folder(stage: &Stage, text: &str) -> bool {
    let names = stage.disk.list().expect("readable");
    names.iter().any(|name| {
        let file = stage.disk.open(name).expect("listed");
        let mut bytes = vec![0; usize::try_from(file.size().expect("readable")).expect("small")];
        file.read_at(&mut bytes, 0).expect("readable");
        holds(&bytes, text)
    })
}

fn is_in_the_store(store: &Arc<dyn ObjectStore>, text: &str) -> bool {
    objects(store).iter().any(|(_, bytes)| holds(bytes, text))
}

fn old_segments_go_into_the_store_and_read_as_before(stage: &mut Stage) {
    fill(stage, 10);
    let (before, conversation) = (stage.inbox(1), stage.inbox(2).len());
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    stage.cold = Some(ColdStore::of(store.clone(), settings()).expect("threads"));
    stage.reopen();
    let here = files(stage).len() as u64;
    let cooled = stage.archive.cool_now().expect("a store");
    assert_eq!(files(stage).len() as u64, here - cooled.segments);
    assert_eq!(objects(&store).len() as u64, cooled.segments);
    for _ in 0..2 {
        assert_eq!(stage.inbox(1), before);
        assert_eq!(stage.inbox(2).len(), conversation);
        let first = &before[0].record;
        assert_eq!(
            stage.archive.message(first.server_id).expect("readable").as_ref(),
            Some(first)
        );
        assert_eq!(stage.archive.recipients(first.server_id).expect("readable").len(), 2);
        assert_eq!(stage.archive.cool_now().expect("a store").segments, 0, "each goes once");
        stage.reopen();
        assert_eq!((stage.recovery.quarantined, stage.recovery.indexes_rebuilt), (0, 0));
    }
    assert_eq!(stage.stored(message(1, [1], "next")).sender_seq, Some(10 * 24 + 1));
}

fn a_draft_sent_again_or_anew_never_asks_the_store(stage: &mut Stage) {
    let store = cooled(stage);
    store.config_mut(|config| config.wait_get_per_call = Duration::from_hours(1));
    let start = Instant::now();
    assert!(!stage.stored(keyed(message(1, [1, 2], "new"), 1_000, 1)).duplicate);
    assert!(stage.stored(keyed(message(1, [1, 2], "new"), 1_000, 1)).duplicate);
    // Its first copy is in the store, and too old to count.
    assert!(!stage.stored(keyed(message(1, [1, 2], "old"), 3, 1)).duplicate);
    stage.archive.close();
    stage.reopen();
    assert!(start.elapsed() < Duration::from_secs(5), "nothing waited for the store");
    assert_eq!((stage.recovery.quarantined, stage.recovery.indexes_rebuilt), (0, 0));
}

fn an_erased_message_leaves_the_folder_and_the_store(stage: &mut Stage) {
    let store: Arc<dyn ObjectStore> = cooled(stage);
    let before = stage.inbox(1);
    let encrypted = stage.sealing.new_ones;
    assert_eq!(is_in_the_store(&store, SECRET), !encrypted);
    let secret = before
        .iter()
        .find(|item| holds(&item.record.body, SECRET))
        .expect("it was sent");
    let (id, objects_before) = (secret.record.server_id, objects(&store));
    wait(stage.archive.mark(id, GoneReason::Erased).expect("room")).expect("durable");
    assert_eq!(stage.archive.rewrite_now().expect("a store"), 1);
    assert!(!is_in_the_folder(stage, SECRET) && !is_in_the_store(&store, SECRET));
    assert_eq!(objects(&store).len(), objects_before.len() - 1);
    // The rewritten segment goes back under another name.
    assert_eq!(stage.archive.cool_now().expect("a store").segments, 1);
    let names = |objects: &[(String, Vec<u8>)]| objects.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_ne!(names(&objects(&store)), names(&objects_before));
    for _ in 0..2 {
        assert!(!is_in_the_folder(stage, SECRET) && !is_in_the_store(&store, SECRET));
        let after = stage.inbox(1);
        for (one, other) in before.iter().zip(&after) {
            let is_gone = one.record.server_id == id;
            assert_eq!(other.record.kind == RecordKind::Gone(GoneReason::Erased), is_gone);
            assert_eq!(one.record.body == other.record.body, !is_gone);
        }
        stage.reopen();
    }
}

fn dropped_segments_leave_the_store_even_if_it_was_down(stage: &mut Stage) {
    let slow = cooled(stage);
    let store: Arc<dyn ObjectStore> = slow.clone();
    let cold = stage.archive.cold().segments;
    reopen_with(stage, &store, impatient());
    slow.config_mut(|config| config.wait_delete_per_call = Duration::from_hours(1));
    let lowest = stage.archive.drop_before(4).expect("room");
    assert_eq!(lowest, 4);
    let stats = stage.archive.cold();
    assert_eq!((stats.segments, stats.owed), (cold - 3, 3));
    assert!(matches!(
        stage.archive.cool_now(),
        Err(UpkeepError::Cold(ColdError::Unreachable(_)))
    ));
    assert_eq!(objects(&store).len() as u64, cold);
    reopen_with(stage, &store, settings());
    slow.config_mut(|config| config.wait_delete_per_call = Duration::ZERO);
    assert_eq!(stage.archive.cool_now().expect("a store").deleted, 3);
    assert_eq!((objects(&store).len() as u64, stage.archive.cold().owed), (cold - 3, 0));
    let floor = stage.archive.floor(AccountNo(1));
    let first = oldest(stage).expect("readable");
    assert!(floor > 1 && first[0].seq == floor, "{floor}");
}

fn a_store_that_is_slow_or_down_fails_old_pages_in_time_and_nothing_else(stage: &mut Stage) {
    let slow = cooled(stage);
    let store: Arc<dyn ObjectStore> = slow.clone();
    reopen_with(stage, &store, impatient());
    slow.config_mut(|config| config.wait_get_per_call = Duration::from_hours(1));
    let start = Instant::now();
    let read = oldest(stage);
    assert!(is_unreachable(&read), "{read:?}");
    assert!(start.elapsed() < Duration::from_secs(2), "a page has its time limit");
    let start = Instant::now();
    for _ in 0..50 {
        assert!(is_unreachable(&oldest(stage)));
    }
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "nobody waits for a store that just failed"
    );
    let newest = stage.page(1, &InboxQuery { limit: 20, ..page() });
    assert_eq!(newest.last().map(|item| item.seq), Some(240));
    stage.stored(message(1, [1, 2], "live"));
    assert!(matches!(stage.archive.message(newest[0].record.server_id), Ok(Some(_))));
    slow.config_mut(|config| config.wait_get_per_call = Duration::ZERO);
    stage.until("the store is asked again", |stage| oldest(stage).is_ok());
    reopen_with(stage, &store, settings());
    assert_eq!(stage.inbox(1).len(), 241);
}

fn damaged_bytes_are_refused_and_not_shown(stage: &mut Stage) {
    let store: Arc<dyn ObjectStore> = cooled(stage);
    let sound = objects(&store);
    for (name, bytes) in &sound {
        let mut bytes = bytes.clone();
        // Where the first message is, and wherever else.
        for at in (100..bytes.len()).step_by(1_000) {
            bytes[at] ^= 1;
        }
        put(&store, name, bytes);
    }
    // Nothing that was fetched before is left.
    stage.cold = Some(ColdStore::of(Arc::clone(&store), settings()).expect("threads"));
    stage.reopen();
    let read = oldest(stage);
    assert!(
        matches!(read, Err(ReadError::Cold(ColdError::Damaged { .. }))),
        "{read:?}"
    );
    for (name, bytes) in &sound {
        put(&store, name, bytes[..bytes.len() / 2].to_vec());
    }
    let read = oldest(stage);
    assert!(
        matches!(read, Err(ReadError::Cold(ColdError::Damaged { .. }))),
        "half an object is not an object: {read:?}"
    );
    delete_all(&store);
    let read = oldest(stage);
    assert!(
        matches!(read, Err(ReadError::Cold(ColdError::Missing { .. }))),
        "{read:?}"
    );
    for (name, bytes) in sound {
        put(&store, &name, bytes);
    }
    assert_eq!(stage.inbox(1).len(), 240);
}

fn without_settings_the_store_is_missed_and_everything_else_goes_on(stage: &mut Stage) {
    let _store = cooled(stage);
    let cold = stage.cold.take();
    stage.reopen();
    let read = oldest(stage);
    assert!(
        matches!(read, Err(ReadError::Cold(ColdError::NoStore { .. }))),
        "{read:?}"
    );
    assert!(stage.archive.cold().segments > 0);
    assert_eq!(stage.archive.cool_now().expect("nothing to do").segments, 0);
    stage.stored(message(1, [1, 2], "live"));
    stage.cold = cold;
    stage.reopen();
    assert_eq!(stage.inbox(1).len(), 241);
}

fn a_lost_index_of_a_segment_in_the_store_is_built_from_there(stage: &mut Stage) {
    let slow = cooled(stage);
    let before = stage.inbox(1);
    stage.archive.close();
    let names = stage.disk.list().expect("readable");
    for name in names.iter().filter(|name| name.contains(".idx")) {
        stage.disk.remove(name).expect("there");
    }
    stage.reopen();
    assert_eq!(stage.recovery.quarantined, 0);
    assert!(stage.recovery.indexes_rebuilt > 3);
    assert_eq!(stage.inbox(1), before);
    drop(slow);
}

fn inspection_knows_what_is_in_the_store(stage: &mut Stage) {
    let slow = cooled(stage);
    let store: Arc<dyn ObjectStore> = slow.clone();
    let cold = stage.archive.cold();
    stage.archive.close();
    let mut bare = Inspector::of_disk(Arc::clone(&stage.disk)).with_patience(Duration::ZERO);
    if let Some(keys) = &stage.sealing.keys {
        bare = bare.with_keys(Arc::clone(keys));
    }
    let with_store = bare
        .clone()
        .with_cold(ColdStore::of(Arc::clone(&store), settings()).expect("threads"));
    let watch = &mut |_, _| {};

    let stats = with_store.stats(watch).expect("readable");
    assert_eq!((stats.cold_segments, stats.cold_bytes), (cold.segments, cold.bytes));
    assert_eq!((stats.messages, stats.cold_unread), (240, 0));
    let stats = bare.stats(watch).expect("readable");
    assert_eq!((stats.cold_segments, stats.cold_unread), (cold.segments, cold.segments));
    assert!(stats.messages < 240);

    let found = with_store.verify(watch).expect("readable");
    assert_eq!((&found.damages[..], found.cold_unread), (&[][..], 0));
    let found = bare.verify(watch).expect("readable");
    assert_eq!((&found.damages[..], found.cold_unread), (&[][..], cold.segments));

    let selection = Selection::default();
    let mut exported = 0;
    let export = with_store.export(&selection, watch, &mut |_| {
        exported += 1;
        Ok(())
    });
    assert_eq!((export.expect("readable"), exported), (0, 240));
    let refused = bare.export(&selection, watch, &mut |_| Ok(()));
    assert!(Inspector::is_cold(&refused.expect_err("not silently less")));

    let files = with_store.cold_files().expect("readable");
    assert_eq!(files.len() as u64, cold.segments);
    let mut copy = Vec::new();
    with_store.copy_segment(&files[0].name, &mut copy).expect("readable");
    assert_eq!(blake3::hash(&copy).as_bytes(), &files[0].blake3);
    let (name, bytes) = objects(&store).swap_remove(0);
    put(&store, &name, vec![0; bytes.len()]);
    let found = with_store.verify(watch).expect("readable");
    assert!(
        found.damages.iter().any(|damage| damage.kind == DamageKind::Content),
        "{:?}",
        found.damages
    );
    slow.config_mut(|config| config.wait_get_per_call = Duration::from_hours(1));
    let fresh = bare.with_cold(ColdStore::of(store, impatient()).expect("threads"));
    let found = fresh.verify(watch).expect("readable");
    assert!(found.cold_unread > 0 && found.cold_trouble.is_some());
}

#[test]
fn a_folder_is_a_store_too() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("cold");
    let url = format!("file://{}", folder.display());
    let place = ColdPlace {
        url,
        endpoint: None,
        region: None,
        keys: None,
    };
    let mut stage = Stage::real();
    stage.cold = Some(place.open(settings()).expect("threads"));
    stage.reopen();
    fill(&stage, 10);
    // It is never made, because a disk may not be mounted.
    let refused = stage.archive.cool_now();
    assert!(
        matches!(refused, Err(UpkeepError::Cold(ColdError::Unreachable(_)))),
        "{refused:?}"
    );
    std::fs::create_dir(&folder).expect("a folder");
    let before = stage.inbox(1);
    let cooled = stage.archive.cool_now().expect("a store");
    assert!(cooled.segments > 3);
    assert_eq!(
        std::fs::read_dir(&folder).expect("there").count() as u64,
        cooled.segments
    );
    assert_eq!(stage.inbox(1), before);
    // The folder is away for a while.
    let away = folder.with_extension("away");
    std::fs::rename(&folder, &away).expect("renamed");
    stage.cold = Some(place.open(settings()).expect("a folder"));
    stage.reopen();
    assert!(is_unreachable(&oldest(&stage)));
    assert!(!folder.exists());
    std::fs::rename(&away, &folder).expect("renamed");
    stage.until("the folder is asked again", |stage| oldest(stage).is_ok());
    assert_eq!(bodies(&stage.inbox(1)), bodies(&before));
}

#[test]
fn a_large_segment_goes_in_parts_and_a_store_that_takes_nothing_keeps_it_here() {
    let mut stage = Stage::simulated();
    stage.settings.segment_bytes = 20 << 20;
    let slow = slow_store();
    let store: Arc<dyn ObjectStore> = slow.clone();
    stage.cold = Some(ColdStore::of(store.clone(), impatient()).expect("threads"));
    stage.archive.close();
    stage = Stage::open_with(
        stage.settings,
        Arc::new(godwit_archive::SimulatedDisk::new(3)),
        None,
        None,
    )
    .map(|fresh| Stage {
        cold: stage.cold.take(),
        ..fresh
    })
    .expect("opens");
    stage.reopen();
    for _ in 0..250 {
        stage.stored(message(1, [1], vec![b'.'; 100_000]));
    }
    let before = stage.inbox(1);
    stage.clock.set(START_MS + 30 * DAY_MS);
    stage.until("a segment is sealed", |stage| stage.archive.segments()[0].sealed);
    slow.config_mut(|config| config.wait_put_per_call = Duration::from_hours(1));
    let refused = stage.archive.cool_now();
    assert!(
        matches!(refused, Err(UpkeepError::Cold(ColdError::Unreachable(_)))),
        "{refused:?}"
    );
    assert_eq!(stage.inbox(1), before);
    assert!(objects(&store).is_empty());
    slow.config_mut(|config| config.wait_put_per_call = Duration::ZERO);
    reopen_with(&mut stage, &store, settings());
    stage.clock.set(START_MS + 30 * DAY_MS);
    assert_eq!(stage.archive.cool_now().expect("a store").segments, 1);
    let (_, object) = objects(&store).swap_remove(0);
    assert!(object.len() > 20 << 20, "the segment and its hashes");
    assert_eq!(stage.inbox(1), before);
    let all: Vec<_> = on_store(store.list(None));
    assert_eq!(all.len(), 1);
}

#[test]
fn an_object_is_named_after_its_segment() {
    let mut stage = Stage::simulated();
    let store: Arc<dyn ObjectStore> = cooled(&mut stage);
    let names: Vec<_> = objects(&store).into_iter().map(|(name, _)| name).collect();
    assert!(names[0].starts_with("segment-0000000000000001-"), "{names:?}");
    let head = on_store(futures_util::stream::once(async move {
        store.head(&Path::from(names[0].clone())).await
    }));
    assert_eq!(head.len(), 1);
}
