//! `godwit archive stats`: what is stored, in figures.

use godwit_archive::inspect::Stats;
use serde::Serialize;

use super::{Bar, Looked, unreadable};
use crate::console::{print, print_json};
use crate::failure::Failure;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    segments: u64,
    bytes: u64,
    cold_segments: u64,
    cold_bytes: u64,
    cold_unread: u64,
    messages: u64,
    refusals: u64,
    gone: u64,
    body_bytes: u64,
    numbers: u64,
    accounts: u64,
    conversations: u64,
    devices: u64,
    fanouts: u64,
    marks: u64,
    oldest: Option<u64>,
    newest: Option<u64>,
    indexes: u64,
    index_bytes: u64,
    quarantined: u64,
    memory_bytes: u64,
}

impl From<Stats> for Shown {
    fn from(stats: Stats) -> Self {
        Self {
            segments: stats.segments,
            bytes: stats.bytes,
            cold_segments: stats.cold_segments,
            cold_bytes: stats.cold_bytes,
            cold_unread: stats.cold_unread,
            messages: stats.messages,
            refusals: stats.refusals,
            gone: stats.gone,
            body_bytes: stats.body_bytes,
            numbers: stats.numbers,
            accounts: stats.accounts,
            conversations: stats.conversations,
            devices: stats.devices,
            fanouts: stats.fanouts,
            marks: stats.marks,
            oldest: stats.oldest_ms,
            newest: stats.newest_ms,
            indexes: stats.indexes,
            index_bytes: stats.index_bytes,
            quarantined: stats.quarantined,
            memory_bytes: stats.memory_bytes,
        }
    }
}

/// Prints the figures.
pub(crate) fn stats(looked: &Looked, json: bool) -> Result<(), Failure> {
    let stats = {
        let bar = Bar::new("adding up");
        looked.inspector.stats(&mut |done, total| bar.moved(done, total))
    };
    let stats = stats.map_err(|error| unreadable(&error))?;
    if json {
        print_json(&Shown::from(stats));
    } else {
        print(&text(&stats));
    }
    Ok(())
}

fn text(stats: &Stats) -> String {
    let time = |time: Option<u64>| time.map_or_else(|| "none".to_owned(), |time| format!("{time} ms since 1970"));
    let rows = [
        ("segments", stats.segments.to_string()),
        ("bytes", stats.bytes.to_string()),
        (
            "in the store",
            format!("{} segments of {} bytes", stats.cold_segments, stats.cold_bytes),
        ),
        ("messages", stats.messages.to_string()),
        ("refusals", stats.refusals.to_string()),
        ("gone", stats.gone.to_string()),
        ("inbox numbers", stats.numbers.to_string()),
        ("accounts", stats.accounts.to_string()),
        ("conversations", stats.conversations.to_string()),
        ("devices", stats.devices.to_string()),
        ("marks", stats.marks.to_string()),
        ("oldest", time(stats.oldest_ms)),
        ("newest", time(stats.newest_ms)),
        ("indexes", format!("{} of {} bytes", stats.indexes, stats.index_bytes)),
        ("quarantined", stats.quarantined.to_string()),
        ("memory", format!("about {} bytes when open", stats.memory_bytes)),
    ];
    let lines: Vec<_> = rows.iter().map(|(name, value)| format!("{name:<15}{value}")).collect();
    let mut text = lines.join("\n") + "\n";
    if stats.cold_unread > 0 {
        let unread = stats.cold_unread;
        let plainly =
            format!("not read: {unread} segments in the store: no store is configured ([cold]); figures lack them\n");
        text.push_str(&plainly);
    }
    text
}
