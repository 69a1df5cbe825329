//! What a push is to say, frozen when it was decided: kept with the job as JSON, without the message's content.

use godwit_model::{DeviceNo, Privacy};
use godwit_push::{Class, Kind, PushId};
use serde::{Deserialize, Serialize};

/// What a push is to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    pub(crate) kind: String,
    pub(crate) class: String,
    /// The entry it is about; 0 where it is about none.
    pub(crate) seq: u64,
    pub(crate) conv_seq: u64,
    pub(crate) server_id: String,
    pub(crate) privacy: String,
    /// After this it is of no use.
    pub(crate) not_after_ms: u64,
    /// The vendor did not like the words, or there are none.
    #[serde(default)]
    pub(crate) neutral: bool,
    /// It says that the message was taken back.
    #[serde(default)]
    pub(crate) recalled: bool,
}

impl Wanted {
    /// Takes back what is shown of a conversation, or of a call.
    pub(crate) fn withdrawal(conv_seq: u64) -> Self {
        Self {
            kind: kind_word(Kind::Withdraw).to_owned(),
            class: Class::System.as_str().to_owned(),
            seq: 0,
            conv_seq,
            server_id: String::new(),
            privacy: Privacy::Neutral.as_str().to_owned(),
            not_after_ms: u64::MAX,
            neutral: false,
            recalled: false,
        }
    }

    /// Tells a phone the account's unread count, and nothing else; `at_ms` makes each its own push.
    pub(crate) fn badge(at_ms: u64, not_after_ms: u64) -> Self {
        Self {
            kind: kind_word(Kind::Background).to_owned(),
            not_after_ms,
            ..Self::withdrawal(at_ms)
        }
    }

    /// Takes back a message that was taken back; where others of its conversation are unread, shows how many.
    pub(crate) fn recall((seq, conv_seq): (u64, u64), unread: u64, not_after_ms: u64) -> Self {
        let kind = if unread > 0 { Kind::Alert } else { Kind::Withdraw };
        Self {
            kind: kind_word(kind).to_owned(),
            seq,
            not_after_ms,
            neutral: true,
            recalled: unread == 0,
            ..Self::withdrawal(conv_seq)
        }
    }

    /// The same for a phone that nothing can be taken back from: other words in the place of those that are shown.
    pub(crate) fn recall_in_words(&self) -> Self {
        Self {
            kind: kind_word(Kind::Alert).to_owned(),
            ..self.clone()
        }
    }

    /// Whether it is sent although the device has the entry: it shows nothing that the device could have.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.kind(), Kind::Withdraw | Kind::Background)
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers become JSON")
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.kind.as_str() {
            "call" => Kind::Call,
            "background" => Kind::Background,
            "withdraw" => Kind::Withdraw,
            _ => Kind::Alert,
        }
    }

    pub(crate) fn class(&self) -> Class {
        let found = Class::ALL.into_iter().find(|class| class.as_str() == self.class);
        found.unwrap_or(Class::System)
    }

    pub(crate) fn privacy(&self) -> Privacy {
        self.privacy.parse().unwrap_or(Privacy::Neutral)
    }

    /// The same for every repeat, whoever makes it and whenever.
    pub(crate) fn id(&self, platform_id: &str, device: DeviceNo, lane: &str) -> PushId {
        let mut hasher = blake3::Hasher::new_derive_key("godwit push 2026 id of a push");
        for part in [platform_id.as_bytes(), lane.as_bytes(), self.kind.as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        for number in [device.0, self.seq, self.conv_seq] {
            hasher.update(&number.to_le_bytes());
        }
        uuid_of(&hasher)
    }
}

/// A UUID of version 8 (RFC 9562, 5.8), for vendors who look.
pub(super) fn uuid_of(hasher: &blake3::Hasher) -> PushId {
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    id[6] = (id[6] & 0x0f) | 0x80;
    id[8] = (id[8] & 0x3f) | 0x80;
    PushId(id)
}

/// As the ledger spells it.
pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Alert => "alert",
        Kind::Call => "call",
        Kind::Background => "background",
        Kind::Withdraw => "withdraw",
    }
}

/// The short stable key under which a phone keeps what belongs together: 24 of the characters all vendors take.
pub(crate) fn collapse_key(lane: &str) -> String {
    let hash = blake3::derive_key("godwit push 2026 collapse key", lane.as_bytes());
    hash.iter().take(12).fold(String::new(), |mut key, byte| {
        use std::fmt::Write as _;
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
        key
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_from_what_it_names() {
        let wanted = Wanted {
            kind: "alert".to_owned(),
            seq: 7,
            ..Wanted::withdrawal(3)
        };
        let id = |wanted: &Wanted, device| wanted.id("p", DeviceNo(device), "s-1-2");
        let repeated = Wanted::read(&wanted.text()).unwrap();
        assert_eq!(id(&wanted, 1), id(&repeated, 1));
        assert_ne!(id(&wanted, 1), id(&wanted, 2));
        assert_ne!(
            id(&wanted, 1),
            id(
                &Wanted {
                    seq: 8,
                    ..wanted.clone()
                },
                1
            )
        );
        let neutral = Wanted {
            neutral: true,
            ..wanted.clone()
        };
        assert_eq!(id(&wanted, 1), id(&neutral, 1), "other words are the same push");
        assert_eq!(collapse_key("s-1-2").len(), 24);
    }
}
