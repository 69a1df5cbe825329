//! Looking at a folder without its writer: every planted damage is found and named, and the figures are right.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use godwit_archive::inspect::{DamageKind, Inspector, Selection, Verification};
use godwit_archive::{Archive, RealDisk, Silent};
use godwit_model::AccountNo;
use std::sync::Arc;

use crate::stage::{Stage, group, keyed, message, small};

/// A seeded sequence of numbers (xorshift64*): the same damages in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % bound.max(1)
    }
}

const MESSAGES: u64 = 2_500;

/// A closed log with sealed segments, indexes, a checkpoint, fan-outs, and a segment half written.
fn filled(folder: &Path) {
    let disk = Arc::new(RealDisk::open(folder).expect("a disk"));
    let clock = Arc::new(godwit_model::clock::ManualClock::new(crate::stage::START_MS));
    let (archive, _) = Archive::open(disk, clock, small(), Arc::new(Silent)).expect("opens");
    for n in 0..MESSAGES {
        let recipients = if n == 700 {
            (1..=1_500).collect()
        } else {
            vec![1 + n % 7, 10 + n % 90]
        };
        let body =
            vec![b'a' + u8::try_from(n % 26).expect("a letter"); 100 + usize::try_from(n * 37 % 500).expect("small")];
        let entry = keyed(message(n % 11, recipients, body), u128::from(n), 1);
        crate::stage::wait(archive.append(entry).expect("room")).expect("stored");
    }
    archive.close();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries
        .map(|name| name.into_string().expect("text"))
        .filter(|name| name != "lock")
        .collect();
    names.sort();
    names
}

fn verify(folder: &Path) -> Verification {
    let inspector = Inspector::open(folder).expect("a folder").with_patience(Duration::ZERO);
    inspector.verify(&mut |_, _| {}).expect("readable")
}

/// A damage, and where it is in a file, if it has a place.
struct Planted {
    what: String,
    files: Vec<String>,
    at: Option<u64>,
}

fn plant(folder: &Path, names: &[String], chance: &mut Chance) -> Option<Planted> {
    let pick =
        |chance: &mut Chance| names[usize::try_from(chance.below(names.len() as u64)).expect("an index")].clone();
    let name = pick(chance);
    let path = folder.join(&name);
    let mut bytes = fs::read(&path).expect("readable");
    let size = bytes.len() as u64;
    let at = chance.below(size);
    let place = usize::try_from(at).expect("a place");
    let planted = |what: &str, at| Planted {
        what: format!("{what} in {name} at {at:?}"),
        files: vec![name.clone()],
        at,
    };
    match chance.below(10) {
        0..=4 => {
            bytes[place] ^= 1 << chance.below(8);
            fs::write(&path, bytes).expect("written");
            Some(planted("a flipped bit", Some(at)))
        }
        5 => {
            bytes.truncate(place);
            fs::write(&path, bytes).expect("written");
            Some(planted("a truncated file", None))
        }
        6 | 7 => {
            let start = place / 512 * 512;
            let end = (start + 512 * usize::try_from(1 + chance.below(8)).expect("few")).min(bytes.len());
            let changed = bytes[start..end].iter().any(|byte| *byte != 0);
            bytes[start..end].fill(0);
            fs::write(&path, bytes).expect("written");
            changed.then(|| planted("a zeroed block", None))
        }
        8 => {
            fs::remove_file(&path).expect("removed");
            Some(planted("a missing file", None))
        }
        _ => {
            let other = pick(chance);
            let same_kind = name.rsplit('.').next() == other.rsplit('.').next() && name != other;
            let (one, two) = (path, folder.join(&other));
            let between = folder.join("between");
            if !same_kind {
                return None;
            }
            fs::rename(&one, &between)
                .and_then(|()| fs::rename(&two, &one))
                .and_then(|()| fs::rename(&between, &two))
                .expect("renamed");
            Some(Planted {
                what: format!("{name} and {other} swapped"),
                files: vec![name, other],
                at: None,
            })
        }
    }
}

fn copy(from: &Path, to: &PathBuf) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).expect("a folder");
    for name in names(from) {
        fs::copy(from.join(&name), to.join(&name)).expect("copied");
    }
}

#[test]
fn every_one_of_two_hundred_planted_damages_is_found_and_named() {
    let place = tempfile::tempdir().expect("a folder");
    let (sound, damaged) = (place.path().join("sound"), place.path().join("damaged"));
    fs::create_dir(&sound).expect("a folder");
    filled(&sound);
    let before = verify(&sound);
    assert!(before.is_sound(), "{:#?}", before.damages);
    assert!(before.frames >= MESSAGES && before.blocks > 20, "{before:?}");
    let mut targets = names(&sound);
    assert!(
        targets.iter().any(|name| name == "checkpoint") && targets.len() > 20,
        "{targets:?}"
    );
    // The prepared segment after the last holds nothing, and a start makes it again if it is missing.
    let empty = targets
        .iter()
        .rposition(|name| name.ends_with("log"))
        .expect("segments");
    targets.remove(empty);
    let mut chance = Chance(0x5eed);
    let mut planted = 0;
    while planted < 200 {
        copy(&sound, &damaged);
        let Some(damage) = plant(&damaged, &targets, &mut chance) else {
            continue;
        };
        planted += 1;
        let found = verify(&damaged);
        for file in &damage.files {
            let named: Vec<_> = found.damages.iter().filter(|found| found.file == *file).collect();
            assert!(
                !named.is_empty(),
                "{planted}: {} was not found: {:#?}",
                damage.what,
                found.damages
            );
            if let Some(at) = damage.at {
                let holds =
                    |found: &&&godwit_archive::inspect::Damage| found.offset <= at && at < found.offset + found.length;
                assert!(
                    named.iter().any(|found| holds(&found)),
                    "{planted}: {}: {named:#?}",
                    damage.what
                );
            }
        }
    }
}

#[test]
fn a_damaged_frame_is_told_with_the_numbers_it_hits() {
    let place = tempfile::tempdir().expect("a folder");
    filled(place.path());
    let path = place.path().join("segment-0000000000000002.log");
    let mut bytes = fs::read(&path).expect("readable");
    bytes[30_000] ^= 1;
    fs::write(&path, bytes).expect("written");
    let found = verify(place.path());
    let [damage] = &found.damages[..] else {
        unreachable!("one damage: {:#?}", found.damages)
    };
    assert_eq!(damage.kind, DamageKind::Frame);
    assert!(damage.hits.certain && damage.hits.accounts.len() == 2, "{damage:?}");
    let mut gone = Vec::new();
    let disk = Arc::new(RealDisk::open(place.path()).expect("a disk"));
    let clock = Arc::new(godwit_model::clock::ManualClock::new(crate::stage::START_MS));
    let (archive, _) = Archive::open(disk, clock, small(), Arc::new(Silent)).expect("opens");
    for hit in &damage.hits.accounts {
        let query = godwit_archive::InboxQuery {
            after: Some(hit.first - 1),
            limit: 1,
            bytes_max: 1,
            ..Default::default()
        };
        gone.extend(
            archive
                .inbox(hit.account, &query)
                .expect("readable")
                .into_iter()
                .map(|item| item.record.kind),
        );
    }
    assert!(
        gone.iter()
            .all(|kind| matches!(kind, godwit_archive::RecordKind::Gone(_)))
            && gone.len() == 2,
        "{gone:?}"
    );
}

#[test]
fn figures_and_export_agree_with_what_was_stored_while_the_log_is_open() {
    let stage = Stage::real();
    for n in 0..400_u64 {
        stage.stored(message(n % 3, [1 + n % 5], vec![b'x'; 300]));
    }
    let inspector = Inspector::of_disk(stage.disk.clone());
    let stats = inspector.stats(&mut |_, _| {}).expect("readable");
    assert_eq!((stats.messages, stats.accounts, stats.conversations), (400, 5, 3));
    assert_eq!((stats.numbers, stats.body_bytes, stats.quarantined), (400, 120_000, 0));
    let found = inspector.verify(&mut |_, _| {}).expect("readable");
    assert!(found.is_sound(), "{:#?}", found.damages);
    let selection = Selection {
        conversation: Some(group(1)),
        account: Some(AccountNo(2)),
        ..Selection::default()
    };
    let mut seqs = Vec::new();
    let damages = inspector.export(&selection, &mut |_, _| {}, &mut |exported| {
        assert_eq!(exported.record.conversation, Some(group(1)));
        seqs.extend(exported.numbers);
        Ok(())
    });
    assert_eq!(damages.expect("readable"), 0);
    let expected: Vec<_> = (0..400_u64)
        .filter(|n| n % 3 == 1 && n % 5 == 1)
        .map(|n| (AccountNo(2), n / 5 + 1))
        .collect();
    assert_eq!(seqs, expected);
}

#[test]
fn a_merged_index_that_outlives_its_first_segments_is_no_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path());
    let disk = Arc::new(RealDisk::open(folder.path()).expect("a disk"));
    let clock = Arc::new(godwit_model::clock::ManualClock::new(crate::stage::START_MS));
    let (archive, _) = Archive::open(disk, clock, small(), Arc::new(Silent)).expect("opens");
    let merged = "segments-0000000000000001-0000000000000008.idx".to_owned();
    let start = std::time::Instant::now();
    while !names(folder.path()).contains(&merged) {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing is merged");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(archive.drop_before(4).expect("dropped"), 4);
    archive.close();
    let left = names(folder.path());
    assert!(left.contains(&merged) && !left.contains(&"segment-0000000000000003.log".to_owned()));
    let found = verify(folder.path());
    assert!(found.is_sound(), "{found:?}");
}
