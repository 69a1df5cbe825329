//! What a message belongs to: the key under which `conv_seq` is counted.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::hexadecimal;
use crate::id::{AccountNo, AppNo, GroupNo, TenantNo};

/// One conversation, computed from who takes part, so that no table has to be asked.
///
/// Layout, high to low: 8 bits kind, 60 bits `a`, 60 bits `b`. Text: a letter and two hexadecimal numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationKey(pub u128);

/// The kinds of conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationKind {
    /// Two accounts (or one with itself).
    Single,
    /// A group.
    Group,
    /// An app with one account.
    App,
    /// An app with many: lists, tags, orgs, everyone.
    Broadcast,
}

impl ConversationKind {
    const ALL: [Self; 4] = [Self::Single, Self::Group, Self::App, Self::Broadcast];

    fn letter(self) -> char {
        match self {
            Self::Single => 's',
            Self::Group => 'g',
            Self::App => 'a',
            Self::Broadcast => 'b',
        }
    }
}

const HALF: u32 = 60;
const MASK: u128 = (1 << HALF) - 1;

impl ConversationKey {
    fn new(kind: ConversationKind, a: u64, b: u64) -> Self {
        let kind = kind as u128 + 1;
        Self(kind << (2 * HALF) | (u128::from(a) & MASK) << HALF | u128::from(b) & MASK)
    }

    /// The conversation of two accounts, the same whoever asks.
    pub fn single(one: AccountNo, other: AccountNo) -> Self {
        Self::new(ConversationKind::Single, one.0.min(other.0), one.0.max(other.0))
    }

    /// The conversation of a group.
    pub fn group(group: GroupNo) -> Self {
        Self::new(ConversationKind::Group, 0, group.0)
    }

    /// The conversation of an app with one account.
    pub fn app(app: AppNo, account: AccountNo) -> Self {
        Self::new(ConversationKind::App, app.0, account.0)
    }

    /// What an app says to many at once.
    pub fn broadcast(tenant: TenantNo, app: AppNo) -> Self {
        Self::new(ConversationKind::Broadcast, u64::from(tenant.0), app.0)
    }

    /// Which kind this is; `None` for bits no constructor makes.
    pub fn kind(self) -> Option<ConversationKind> {
        let kind = (self.0 >> (2 * HALF)) as usize;
        ConversationKind::ALL.get(kind.checked_sub(1)?).copied()
    }

    /// The group's number, if this is a group's conversation.
    pub fn group_no(self) -> Option<GroupNo> {
        (self.kind() == Some(ConversationKind::Group)).then_some(GroupNo(self.halves().1))
    }

    fn halves(self) -> (u64, u64) {
        // Both are masked to 60 bits, so the casts lose nothing.
        (((self.0 >> HALF) & MASK) as u64, (self.0 & MASK) as u64)
    }
}

impl fmt::Display for ConversationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = self.kind().map_or('x', ConversationKind::letter);
        let (a, b) = self.halves();
        f.write_char(letter)?;
        for half in [a, b] {
            f.write_char('-')?;
            f.write_str(hexadecimal::short(half, &mut [0; 16]))?;
        }
        Ok(())
    }
}

/// The text is not the name of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a conversation: expected a `conv` value as the platform gave it")]
pub struct MalformedConversation;

impl FromStr for ConversationKey {
    type Err = MalformedConversation;

    fn from_str(text: &str) -> Result<Self, MalformedConversation> {
        let mut parts = text.split('-');
        let (Some(letter), Some(a), Some(b), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(MalformedConversation);
        };
        let kind = ConversationKind::ALL
            .into_iter()
            .find(|kind| letter.len() == 1 && letter.starts_with(kind.letter()))
            .ok_or(MalformedConversation)?;
        let half = |text: &str| {
            let value = u64::from_str_radix(text, 16).ok().filter(|v| u128::from(*v) <= MASK);
            value.ok_or(MalformedConversation)
        };
        Ok(Self::new(kind, half(a)?, half(b)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_conversation_is_the_same_from_both_sides() {
        let (a, b) = (AccountNo(7), AccountNo(9));
        assert_eq!(ConversationKey::single(a, b), ConversationKey::single(b, a));
        assert_ne!(ConversationKey::single(a, b), ConversationKey::app(AppNo(7), b));
    }

    #[test]
    fn text_reads_back() {
        for key in [
            ConversationKey::single(AccountNo(1), AccountNo(255)),
            ConversationKey::group(GroupNo(12)),
            ConversationKey::app(AppNo(3), AccountNo(4)),
            ConversationKey::broadcast(TenantNo(1), AppNo(3)),
        ] {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for bad in ["", "s", "s-1", "q-1-2", "s-1-2-3", "s-x-1", "s-1fffffffffffffff-1"] {
            assert_eq!(bad.parse::<ConversationKey>(), Err(MalformedConversation), "{bad}");
        }
    }
}
