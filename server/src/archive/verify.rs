//! `godwit archive verify`: reads everything, and names each damage with whom it hits.

use std::fmt::Write;

use godwit_archive::inspect::{Damage, Verification};
use serde::Serialize;

use super::{Bar, Looked, unreadable};
use crate::console::{print, print_json};
use crate::failure::{Exit, Failure};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verdict<'a> {
    sound: bool,
    files: u64,
    bytes: u64,
    frames: u64,
    blocks: u64,
    damages: Vec<Shown<'a>>,
    /// Segments in the store that were not read.
    cold_unread: u64,
    /// Encrypted messages that no key opens.
    unreadable: Vec<Unreadable>,
    more: u64,
}

#[derive(Serialize)]
struct Shown<'a> {
    file: &'a str,
    offset: u64,
    length: u64,
    kind: &'a str,
    /// Whose numbers it hits.
    hits: Vec<Hit>,
    more: u64,
    certain: bool,
}

#[derive(Serialize)]
struct Unreadable {
    tenant: u32,
    reason: &'static str,
    messages: u64,
}

#[derive(Serialize)]
struct Hit {
    account: u64,
    first: u64,
    last: u64,
}

/// Verifies, prints what was found, and fails if there is damage.
pub(crate) fn verify(looked: &Looked, json: bool) -> Result<(), Failure> {
    let found = {
        let bar = Bar::new("verifying");
        looked.inspector.verify(&mut |done, total| bar.moved(done, total))
    };
    let found = found.map_err(|error| unreadable(&error))?;
    if json {
        print_json(&verdict(&found));
    } else {
        print(&text(&found));
    }
    if let (true, Some(trouble)) = (found.is_sound(), &found.cold_trouble) {
        let what = format!("{} segments in the store were not read: {trouble}", found.cold_unread);
        return Err(Failure::new("GW-A015", what, "is it running, and is [cold] right?").with_exit(Exit::Unreachable));
    }
    if found.is_sound() {
        return Ok(());
    }
    let count = found.damages.len() as u64 + found.more;
    Err(Failure::new(
        "GW-A012",
        format!("{count} damages in {}", looked.folder.display()),
        "indexes are built again by a restart; messages come back only from a backup: godwit restore",
    ))
}

fn verdict(found: &Verification) -> Verdict<'_> {
    Verdict {
        sound: found.is_sound(),
        files: found.files,
        bytes: found.bytes,
        frames: found.frames,
        blocks: found.blocks,
        damages: found.damages.iter().map(shown).collect(),
        cold_unread: found.cold_unread,
        unreadable: found.unreadable.iter().map(shown_unreadable).collect(),
        more: found.more,
    }
}

fn shown_unreadable(found: &godwit_archive::inspect::Unreadable) -> Unreadable {
    Unreadable {
        tenant: found.tenant,
        reason: found.trouble.word(),
        messages: found.messages,
    }
}

fn shown(damage: &Damage) -> Shown<'_> {
    let hits = damage.hits.accounts.iter().map(|hit| Hit {
        account: hit.account.0,
        first: hit.first,
        last: hit.last,
    });
    Shown {
        file: &damage.file,
        offset: damage.offset,
        length: damage.length,
        kind: damage.kind.word(),
        hits: hits.collect(),
        more: damage.hits.more,
        certain: damage.hits.certain,
    }
}

fn text(found: &Verification) -> String {
    let mut text = String::new();
    for damage in &found.damages {
        let (file, offset, length) = (&damage.file, damage.offset, damage.length);
        let (kind, sentence) = (damage.kind.word(), damage.kind.sentence());
        writeln!(text, "{file} at {offset} ({length} bytes): {sentence}  [{kind}]")
            .expect("a String takes every write");
        for hit in &damage.hits.accounts {
            let sure = if damage.hits.certain { "" } else { " (perhaps)" };
            writeln!(text, "  account {} seq {}..={}{sure}", hit.account, hit.first, hit.last)
                .expect("a String takes every write");
        }
        if damage.hits.more > 0 {
            writeln!(text, "  and {} accounts more", damage.hits.more).expect("a String takes every write");
        }
    }
    for Unreadable {
        tenant,
        reason,
        messages,
    } in found.unreadable.iter().map(shown_unreadable)
    {
        writeln!(
            text,
            "tenant {tenant}: {messages} encrypted messages that no key opens  [{reason}]"
        )
        .expect("a String takes every write");
    }
    if found.cold_unread > 0 {
        let why = found
            .cold_trouble
            .as_deref()
            .unwrap_or("no store is configured ([cold])");
        writeln!(text, "not read: {} segments in the store: {why}", found.cold_unread)
            .expect("a String takes every write");
    }
    let verdict = if found.is_sound() { "sound" } else { "damaged" };
    writeln!(
        text,
        "{verdict}: {} files, {} bytes, {} frames, {} index blocks read",
        found.files, found.bytes, found.frames, found.blocks
    )
    .expect("a String takes every write");
    text
}
