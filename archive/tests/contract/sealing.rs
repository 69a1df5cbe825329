//! Encryption at rest: no file has the text, a tenant without its key line is gone, and the old stays readable.

use std::fs;
use std::path::Path;

use godwit_archive::inspect::{Inspector, Selection};
use godwit_archive::{GoneReason, KeyRing, RecordKind, Sealing, Trouble};

use crate::stage::{Stage, bodies, message};

const SECRET: &[u8] = b"the heron flies at midnight";

fn holds(folder: &Path, text: &[u8]) -> bool {
    let mut entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    entries.any(|path| {
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = fs::read(&path).expect("readable");
        bytes.windows(text.len()).any(|part| part == text)
    })
}

fn folder(stage: &Stage) -> std::path::PathBuf {
    stage.folder.as_ref().expect("a real disk").path().to_owned()
}

/// Many enough for sealed segments and a checkpoint.
fn fill(stage: &Stage) {
    for n in 0..600 {
        let mut body = SECRET.to_vec();
        body.extend_from_slice(&[b'.'; 900]);
        // Conversation 5 is of tenant 2.
        stage.stored(message(if n % 2 == 0 { 5 } else { 1 }, [1 + n % 2], body));
    }
}

fn keys(stage: &Stage) -> Sealing {
    let ring = KeyRing::open(folder(stage).join("keys")).expect("a key file");
    Sealing {
        keys: Some(ring.into()),
        new_ones: true,
    }
}

#[test]
fn no_file_holds_the_text_and_every_reader_does() {
    let mut stage = Stage::sealed();
    fill(&stage);
    let heard = stage.deliveries();
    assert!(
        heard.iter().all(|delivery| delivery.record.body.starts_with(SECRET)),
        "listeners hear the text"
    );
    stage.archive.close();
    assert!(!holds(&folder(&stage), SECRET));
    stage.sealing = keys(&stage);
    stage.reopen();
    for account in [1, 2] {
        let inbox = bodies(&stage.inbox(account));
        assert!(inbox.len() == 300 && inbox.iter().all(|body| body.starts_with(SECRET)));
    }
    let open = Stage::real();
    fill(&open);
    assert!(
        holds(&folder(&open), SECRET),
        "without encryption the text is there, so the search is one"
    );
}

#[test]
fn without_its_key_line_a_tenant_reads_as_erased_and_is_named() {
    let mut stage = Stage::sealed();
    fill(&stage);
    stage.archive.close();
    let path = folder(&stage).join("keys");
    let text = fs::read_to_string(&path).expect("readable");
    let kept: Vec<_> = text.lines().filter(|line| !line.starts_with("2 ")).collect();
    assert!(kept.len() + 1 == text.lines().count());
    fs::write(&path, kept.join("\n") + "\n").expect("written");
    stage.sealing = keys(&stage);
    stage.reopen();
    let gone = stage.inbox(1);
    assert!(
        gone.iter()
            .all(|item| item.record.kind == RecordKind::Gone(GoneReason::Erased) && item.record.body.is_empty())
    );
    assert!(stage.inbox(2).iter().all(|item| item.record.body.starts_with(SECRET)));
    let inspector = Inspector::of_disk(stage.disk.clone()).with_keys(stage.sealing.keys.clone().expect("keys"));
    let found = inspector.verify(&mut |_, _| {}).expect("readable");
    let [unreadable] = found.unreadable[..] else {
        unreachable!("one tenant: {found:?}")
    };
    assert_eq!(
        (unreadable.tenant, unreadable.trouble, unreadable.messages),
        (2, Trouble::NoKey, 300)
    );
    assert!(found.is_sound(), "{found:?}");
}

#[test]
fn the_clear_stays_readable_when_it_is_switched_on_and_the_encrypted_when_it_is_switched_off() {
    let mut stage = Stage::sealed();
    let on = stage.sealing.clone();
    let clear = Sealing {
        new_ones: false,
        ..on.clone()
    };
    for sealing in [clear.clone(), on, clear] {
        stage.sealing = sealing;
        stage.reopen();
        stage.stored(message(1, [1], SECRET));
    }
    assert_eq!(bodies(&stage.inbox(1)), [SECRET; 3]);
    let inspector = Inspector::of_disk(stage.disk.clone()).with_keys(stage.sealing.keys.clone().expect("keys"));
    let export = |decrypt| {
        let mut lines = Vec::new();
        let selection = Selection {
            decrypt,
            ..Selection::default()
        };
        let damages = inspector.export(&selection, &mut |_, _| {}, &mut |exported| {
            lines.push((exported.sealed, exported.record.body == SECRET));
            Ok(())
        });
        assert_eq!(damages.expect("readable"), 0);
        lines
    };
    assert_eq!(export(false), [(false, true), (true, false), (false, true)]);
    assert_eq!(export(true), [(false, true); 3]);
}
