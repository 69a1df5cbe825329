//! Topic aliases: numbers of MQTT 5 that stand for topics while a connection lasts.

use crate::codec::{DecodeError, Publish};
use crate::session::Place;
use crate::session::topics::Topics;

/// Aliases a client may use. A client publishes to two topics, so that these are more than it needs.
pub(super) const ALIASES_MAX: u16 = 8;

/// What the client's aliases stand for: where a publication goes, which is all a topic is good for.
#[derive(Debug, Default)]
pub(super) struct Aliases([Option<Place>; ALIASES_MAX as usize]);

impl Aliases {
    /// Where a publication goes, by its topic or by its alias, which may be given a topic at the same time
    /// (OASIS MQTT 5.0, 3.3.4).
    pub(super) fn place(&mut self, topics: &Topics, publish: &Publish<'_>) -> Result<Place, DecodeError> {
        let Some(alias) = publish.properties.topic_alias else {
            return Ok(topics.place(publish.topic));
        };
        let slot = usize::from(alias).checked_sub(1).and_then(|at| self.0.get_mut(at));
        let slot = slot.ok_or(DecodeError::TopicAlias)?;
        if publish.topic.is_empty() {
            return slot.ok_or(DecodeError::Protocol("a topic alias that stands for nothing yet"));
        }
        let place = topics.place(publish.topic);
        *slot = Some(place);
        Ok(place)
    }
}

/// The alias of the inbox topic, towards a client that takes aliases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum InboxAlias {
    /// The client takes none.
    #[default]
    Unavailable,
    /// The next delivery tells the client.
    Untold,
    /// The client knows it.
    Told,
}

impl InboxAlias {
    const NUMBER: u16 = 1;

    pub(super) fn of(topic_alias_maximum: u16) -> Self {
        if topic_alias_maximum >= Self::NUMBER {
            Self::Untold
        } else {
            Self::Unavailable
        }
    }

    /// What stands for `topic` in the next delivery: its name, and its alias.
    pub(super) fn name(self, topic: &str) -> (&str, Option<u16>) {
        match self {
            Self::Unavailable => (topic, None),
            Self::Untold => (topic, Some(Self::NUMBER)),
            Self::Told => ("", Some(Self::NUMBER)),
        }
    }

    /// A delivery with it was sent.
    pub(super) fn sent(&mut self) {
        if *self == Self::Untold {
            *self = Self::Told;
        }
    }
}
