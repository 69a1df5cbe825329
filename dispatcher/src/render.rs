//! An inbox entry as JSON for one reader. Doors put it on the wire as it is.

use godwit_archive::{GoneReason, Item, Record, RecordKind};
use godwit_model::UserId;
use godwit_protocol::body::FORM_TO_IS_READER;
use godwit_protocol::envelope::{self, Stamp};

/// Writes one entry as the account of `reader` sees it.
pub fn item(item: &Item, reader: &UserId) -> String {
    record(&item.record, Some((reader, item.seq)))
}

/// Writes a message as an app sees it in its conversation: addressed to nobody in particular, without `seq`.
pub fn in_conversation(message: &Record) -> String {
    record(message, None)
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
