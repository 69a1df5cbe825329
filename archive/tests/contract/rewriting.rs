//! Messages that were taken back leave the disk, and nothing else changes: not at a power cut either.

use std::path::Path;

use godwit_archive::inspect::Inspector;
use godwit_archive::{GoneReason, Receipt, RecordKind, SimulatedDisk};

use crate::stage::{Stage, bodies, keyed, message, wait};

on_both_disks! {
    a_rewritten_segment_keeps_everything_but_the_content,
    a_message_of_the_active_segment_leaves_the_disk_too,
    a_fan_out_goes_on_after_its_message_was_erased,
}

const SECRET: &str = "the words that must go";

fn secret(draft: u128) -> godwit_archive::Entry {
    keyed(message(1, [1, 2], SECRET), draft, 1)
}

fn erase(stage: &Stage, receipt: &Receipt) {
    let marked = stage.archive.mark(receipt.record.server_id, GoneReason::Erased);
    wait(marked.expect("room")).expect("durable");
}

fn fill(stage: &Stage, count: usize) {
    for n in 0..count {
        let mut body = n.to_string().into_bytes();
        body.resize(1_000, b'.');
        stage.stored(message(1, [1, 2], body));
    }
}

fn is_on_the_disk(stage: &Stage, text: &str) -> bool {
    let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    if let Some(disk) = &stage.simulated {
        let names = stage.disk.list().expect("readable");
        // A file that is gone since it was listed holds nothing.
        return names
            .iter()
            .any(|name| disk.content(name).is_some_and(|bytes| holds(&bytes)));
    }
    let folder: &Path = stage.folder.as_ref().expect("a real disk has a folder").path();
    // Where keys lie beside the log, it has a folder of its own.
    let log = folder.join("log");
    let files = std::fs::read_dir(if log.is_dir() { &log } else { folder }).expect("readable");
    files
        .into_iter()
        .any(|file| holds(&std::fs::read(file.expect("readable").path()).expect("readable")))
}

fn a_rewritten_segment_keeps_everything_but_the_content(stage: &mut Stage) {
    fill(stage, 30);
    let first = stage.stored(secret(1));
    fill(stage, 30);
    let kept = stage.stored(secret(2));
    fill(stage, 200);
    let before = stage.inbox(1);
    erase(stage, &first);
    erase(stage, &kept);
    assert_eq!(is_on_the_disk(stage, SECRET), !stage.sealing.new_ones);
    assert!(stage.archive.rewrite_now().expect("room") >= 1);
    assert!(!is_on_the_disk(stage, SECRET));
    assert_eq!(stage.archive.rewrite_now().expect("room"), 0);
    for _ in 0..2 {
        let after = stage.inbox(1);
        for (one, other) in before.iter().zip(&after) {
            let is_gone = one.record.body == SECRET;
            assert_eq!(other.record.kind == RecordKind::Gone(GoneReason::Erased), is_gone);
            assert_eq!(one.record.body == other.record.body, !is_gone);
            assert_eq!(
                (one.seq, one.record.server_id, one.record.conv_seq),
                (other.seq, other.record.server_id, other.record.conv_seq)
            );
        }
        let again = stage.stored(secret(1));
        assert!(again.duplicate && again.record.server_id == first.record.server_id);
        stage.reopen();
        assert_eq!(stage.recovery.quarantined, 0);
    }
}

fn a_message_of_the_active_segment_leaves_the_disk_too(stage: &mut Stage) {
    fill(stage, 3);
    let receipt = stage.stored(secret(1));
    erase(stage, &receipt);
    assert_eq!(stage.archive.rewrite_now().expect("room"), 1);
    assert!(!is_on_the_disk(stage, SECRET));
    fill(stage, 3);
    assert_eq!(stage.archive.head(godwit_model::AccountNo(1)), 7);
    stage.reopen();
    assert_eq!(bodies(&stage.inbox(1))[3], "");
    assert!(!is_on_the_disk(stage, SECRET));
    if let Some(folder) = &stage.folder {
        let inspector = Inspector::open(folder.path()).expect("a folder");
        assert_eq!(inspector.verify(&mut |_, _| {}).expect("readable").damages, []);
    }
    // Without its index the rewritten segment is read again like any other.
    stage.archive.close();
    let names = stage.disk.list().expect("readable");
    for name in names
        .iter()
        .filter(|name| !name.starts_with("segment-") || !name.contains(".log"))
    {
        stage.disk.remove(name).expect("there");
    }
    stage.reopen();
    assert_eq!((stage.recovery.quarantined, stage.inbox(1).len()), (0, 7));
    assert_eq!(bodies(&stage.inbox(1))[3], "");
}

fn a_fan_out_goes_on_after_its_message_was_erased(stage: &mut Stage) {
    let receipt = stage.stored(keyed(message(1, 1..=3_000, SECRET), 1, 1));
    erase(stage, &receipt);
    stage.archive.rewrite_now().expect("room");
    stage.reopen();
    stage.until("the last recipient has its number", |stage| {
        stage.archive.head(godwit_model::AccountNo(3_000)) == 1
    });
    for account in [1, 1_500, 3_000] {
        let items = stage.inbox(account);
        assert_eq!(items[0].record.kind, RecordKind::Gone(GoneReason::Erased), "{account}");
    }
    assert!(!is_on_the_disk(stage, SECRET));
}

/// The power goes at every change of the disk that a rewriting makes.
#[test]
fn a_power_cut_during_a_rewriting_loses_no_mark_and_brings_no_content_back() {
    let mut cut = 1;
    loop {
        let disk = SimulatedDisk::new(cut);
        let stage = Stage::on(disk.clone());
        fill(&stage, 20);
        let receipt = stage.stored(secret(1));
        fill(&stage, 100);
        erase(&stage, &receipt);
        disk.cut_at_change(cut);
        let finished = stage.archive.rewrite_now().is_ok() && !disk.is_off();
        stage.archive.close();
        let mut found = Stage::on(disk.crash());
        for _ in 0..2 {
            assert_eq!(found.recovery.quarantined, 0, "cut at change {cut}");
            let items = found.inbox(1);
            assert_eq!(items.len(), 121);
            assert_eq!(
                items[20].record.kind,
                RecordKind::Gone(GoneReason::Erased),
                "cut at change {cut}"
            );
            assert!(found.stored(secret(1)).duplicate);
            found.archive.rewrite_now().expect("room");
            assert!(!is_on_the_disk(&found, SECRET), "cut at change {cut}");
            found.reopen();
        }
        if finished {
            break;
        }
        cut += 1;
    }
    assert!(cut > 4, "the rewriting changes the disk more than {cut} times");
}
