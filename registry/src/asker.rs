//! Who asks for a change of a group: what the store checks again, and what the members are told.

use godwit_model::{AccountNo, Role};
use godwit_store::{Telling, Terms};

use crate::group::Group;

/// Who asks for a change of a group.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The account that was judged; `None` for an app.
    pub account: Option<AccountNo>,
    /// How members see who did it.
    pub name: String,
    /// The id of the message that will tell them.
    pub message_id: String,
}

impl Asker {
    /// The terms of a change that was permitted by the roles which the asker and these accounts have in `group`.
    pub(crate) fn terms(&self, now_ms: u64, group: &Group, concerned: &[AccountNo]) -> Terms {
        let role = |account: &AccountNo| -> (AccountNo, Option<Role>) {
            (*account, group.member(*account).map(|member| member.role))
        };
        let mut relied_on: Vec<_> = self.account.iter().chain(concerned).map(role).collect();
        relied_on.sort_unstable_by_key(|(account, _)| *account);
        relied_on.dedup();
        Terms {
            now_ms,
            relied_on,
            telling: Some(self.telling()),
        }
    }

    /// The terms of a change that relies on nothing.
    pub(crate) fn free_terms(&self, now_ms: u64) -> Terms {
        Terms {
            telling: Some(self.telling()),
            ..Terms::at(now_ms)
        }
    }

    fn telling(&self) -> Telling {
        Telling {
            message_id: self.message_id.clone(),
            by: self.name.clone(),
        }
    }
}
