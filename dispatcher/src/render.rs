//! An inbox entry as JSON for one reader. Doors put it on the wire as it is.

use godwit_archive::{GoneReason, Item, Record, RecordKind};
use godwit_model::UserId;
use godwit_protocol::body::{FORM_HAS_PROPERTIES, FORM_TO_IS_READER};
use godwit_protocol::envelope::{self, Stamp};
use godwit_protocol::properties;

/// Writes one entry as the account of `reader` sees it.
pub fn item(item: &Item, reader: &UserId) -> String {
    record(&item.record, Some((reader, item.seq)))
}

/// Writes a message as an app sees it in its conversation: addressed to nobody in particular, without `seq`.
pub fn in_conversation(message: &Record) -> String {
    record(message, None)
}

/// The user properties that MQTT 5 readers of an entry get beside its JSON: name and value, in their order.
pub fn user_properties(item: &Item) -> Vec<(String, String)> {
    let record = &item.record;
    if record.kind != RecordKind::Message || record.form & FORM_HAS_PROPERTIES == 0 {
        return Vec::new();
    }
    std::str::from_utf8(&record.body).map_or_else(|_| Vec::new(), properties::of_body)
}

/// For MQTT 5 readers of an entry: whole seconds until its content expires, where it does. `now_ms` is asked only then.
pub fn expires_in_s(item: &Item, now_ms: impl FnOnce() -> u64) -> Option<u32> {
    let record = &item.record;
    let expires_at_ms = record.expires_at_ms.filter(|_| record.kind == RecordKind::Message)?;
    let left_s = expires_at_ms.saturating_sub(now_ms()).div_ceil(1_000);
    Some(u32::try_from(left_s).unwrap_or(u32::MAX))
}

/// Writes the notice that stands for an entry of `bytes` bytes, where the reader takes only smaller ones.
pub fn too_large(seq: u64, bytes: usize) -> String {
    envelope::render_too_large(seq, bytes)
}

/// Writes the entry for a range that is no longer kept.
pub fn gap(from: u64, to: u64) -> String {
    envelope::render_gap(from, to)
}

fn record(record: &Record, reader: Option<(&UserId, u64)>) -> String {
    let stamp = Stamp {
        server_id: record.server_id,
        server_time_ms: record.server_time_ms,
        conversation: record.conversation.map(|conversation| (conversation, record.conv_seq)),
    };
    let seq = reader.map(|(_, seq)| seq);
    let Ok(body) = std::str::from_utf8(&record.body) else {
        // Only this crate writes bodies, from strings; other bytes mean a damage the checksum missed.
        return envelope::render_gone("unreadable", seq, record.conv_seq);
    };
    match record.kind {
        RecordKind::Message => {
            let to = reader
                .filter(|_| record.form & FORM_TO_IS_READER != 0)
                .map(|(user, _)| user.as_str());
            envelope::render_message(body, to, seq, &stamp)
        }
        RecordKind::Refused => envelope::render_refused(body, seq.unwrap_or_default(), &stamp),
        RecordKind::Gone(reason) => envelope::render_gone(gone_word(reason), seq, record.conv_seq),
    }
}

/// What readers are told.
pub fn gone_word(reason: GoneReason) -> &'static str {
    match reason {
        GoneReason::Expired => "expired",
        GoneReason::Recalled => "recalled",
        GoneReason::Erased => "erased",
        GoneReason::Quarantined => "quarantined",
    }
}
