//! Whether a device that has not acknowledged an entry is owed a push for it: pure rules over stored facts.

use godwit_archive::Record;
use godwit_model::conversation::ConversationKind;
use godwit_model::{AccountNo, Mute, PushClass, PushWishes, UserId};
use godwit_push::{Class, Kind};

use super::settings::PushSettings;
use crate::message_facts::MessageFacts;
use crate::zones;

/// What is known of the reader.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) account: AccountNo,
    pub(crate) user: &'a UserId,
    pub(crate) wishes: &'a PushWishes,
    pub(crate) conversation_mute: Option<Mute>,
    pub(crate) sender_mute: Option<Mute>,
}

/// Why nothing is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The content is gone.
    Gone,
    /// The type never pushes.
    QuietType,
    /// It is for the app rather than for eyes.
    Background,
    /// The reader wrote it.
    OwnMessage,
    /// The sender asked for no push.
    SenderOff,
    /// It was of no use any more.
    TooOld,
    SenderMuted,
    ConversationMuted,
    QuietHours,
    /// The device gave no sign of life for so long that its vendor reaches it no more.
    Idle,
}

impl Reason {
    /// As the ledger and metrics spell it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Gone => "message_gone",
            Self::QuietType => "quiet_type",
            Self::Background => "background",
            Self::OwnMessage => "own_message",
            Self::SenderOff => "sender_off",
            Self::TooOld => "too_old",
            Self::SenderMuted => "sender_muted",
            Self::ConversationMuted => "conversation_muted",
            Self::QuietHours => "quiet_hours",
            Self::Idle => "idle",
        }
    }
}

/// What an entry owes to a device that has not acknowledged it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Debt {
    Push {
        kind: Kind,
        class: Class,
        priority: i32,
        not_after_ms: u64,
    },
    /// Ends the ringing of a call.
    StopRinging,
    /// A message was taken back: what shows it goes.
    TakeBack {
        conv_seq: u64,
    },
    None(Reason),
}

/// Decides. The push class of the type comes first: what rings does so although it is for the background.
pub(crate) fn decide(
    record: &Record,
    facts: Option<&MessageFacts>,
    reader: &Reader<'_>,
    (settings, now_ms): (&PushSettings, u64),
) -> Debt {
    let Some(facts) = facts else {
        return Debt::None(Reason::Gone);
    };
    if let Some(conv_seq) = facts.withdrawn() {
        return Debt::TakeBack { conv_seq };
    }
    match facts.class {
        PushClass::StopRinging => return Debt::StopRinging,
        PushClass::Quiet => return Debt::None(Reason::QuietType),
        PushClass::Notify if facts.is_background => return Debt::None(Reason::Background),
        PushClass::Notify | PushClass::Ring => {}
    }
    let rings = facts.class == PushClass::Ring;
    let not_after_ms = not_after(record, facts, rings, settings);
    let is_mention = facts.mentions(reader.user);
    match hindrance(record, facts, reader, (now_ms, rings, is_mention)) {
        Some(reason) => Debt::None(reason),
        None if now_ms >= not_after_ms => Debt::None(Reason::TooOld),
        None => {
            let class = class(record, facts, is_mention);
            Debt::Push {
                kind: if rings { Kind::Call } else { Kind::Alert },
                class,
                priority: priority(class),
                not_after_ms,
            }
        }
    }
}

fn hindrance(
    record: &Record,
    facts: &MessageFacts,
    reader: &Reader<'_>,
    (now_ms, rings, is_mention): (u64, bool, bool),
) -> Option<Reason> {
    let holds = |mute: Option<Mute>| mute.filter(|mute| mute.holds(now_ms));
    if record.sender == reader.account {
        return Some(Reason::OwnMessage);
    }
    if facts.options.off && !rings {
        return Some(Reason::SenderOff);
    }
    if holds(reader.sender_mute).is_some_and(|mute| !(mute.mentions && is_mention)) {
        return Some(Reason::SenderMuted);
    }
    if holds(reader.conversation_mute).is_some_and(|mute| !(rings || mute.mentions && is_mention)) {
        return Some(Reason::ConversationMuted);
    }
    let quiet = reader.wishes.quiet.as_ref();
    let quiet = quiet.filter(|quiet| zones::is_quiet(quiet, now_ms));
    let passes = |quiet: &godwit_model::QuietHours| {
        if rings {
            quiet.calls
        } else {
            quiet.mentions && is_mention
        }
    };
    quiet.is_some_and(|quiet| !passes(quiet)).then_some(Reason::QuietHours)
}

fn not_after(record: &Record, facts: &MessageFacts, rings: bool, settings: &PushSettings) -> u64 {
    let ours_ms = if rings { settings.call_ms } else { settings.message_ms };
    let theirs_ms = facts
        .options
        .ttl_seconds
        .map_or(u64::MAX, |seconds| seconds.saturating_mul(1_000));
    let not_after_ms = record.server_time_ms.saturating_add(ours_ms.min(theirs_ms));
    not_after_ms.min(record.expires_at_ms.unwrap_or(u64::MAX))
}

fn class(record: &Record, facts: &MessageFacts, is_mention: bool) -> Class {
    let conversation = record.conversation.and_then(godwit_model::ConversationKey::kind);
    match conversation {
        _ if facts.class == PushClass::Ring => Class::Call,
        _ if facts.options.marketing && facts.is_from_app => Class::Marketing,
        Some(ConversationKind::Group) if is_mention => Class::Mention,
        Some(ConversationKind::Group) => Class::Group,
        Some(ConversationKind::Single) => Class::Chat,
        Some(ConversationKind::App | ConversationKind::Broadcast) | None => Class::System,
    }
}

fn priority(class: Class) -> i32 {
    match class {
        Class::Call => 5,
        Class::Mention => 4,
        Class::Chat => 3,
        Class::System => 2,
        Class::Group => 1,
        Class::Marketing => 0,
    }
}

#[cfg(test)]
mod tests;
