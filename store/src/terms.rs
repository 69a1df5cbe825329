//! What a change of a group rests on, and what has to be told of it.

use godwit_model::{AccountNo, Role};

/// The terms of a change: it is made only while what its caller relied on is so.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The time of the change.
    pub now_ms: u64,
    /// The roles the caller saw; `None` is no member.
    pub relied_on: Vec<(AccountNo, Option<Role>)>,
    /// What the members are told; `None` tells nobody.
    pub telling: Option<Telling>,
}

/// What is known of a message that tells of a change before the change is made.
#[derive(Clone, Debug)]
pub struct Telling {
    /// The message's id.
    pub message_id: String,
    /// Who makes the change, as members see it.
    pub by: String,
}

impl Terms {
    /// A change that relies on nothing, and of which nobody is told.
    pub fn at(now_ms: u64) -> Self {
        Self {
            now_ms,
            ..Self::default()
        }
    }
}
