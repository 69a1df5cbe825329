//! Members who may not write for a while.

use godwit_model::{AccountNo, GroupEvent, GroupNo};
use sea_orm::ActiveValue::Set;

use super::change::{accounts_of, done, update};
use super::{MemberChange, among, member, still_are};
use crate::groups::version_of;
use crate::number::to_row;
use crate::untold_changes::owe;
use crate::{Error, Store, Terms};

impl Store {
    /// Says until when members may not write; `None` lets them. Who is no member is passed over. `accounts` is sorted,
    /// each once.
    pub async fn mute_members(
        &self,
        no: GroupNo,
        accounts: &[AccountNo],
        until_ms: Option<u64>,
        terms: &Terms,
    ) -> Result<MemberChange, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(version) = version_of(transaction, no).await? else {
                return Ok(MemberChange::NoGroup);
            };
            if !still_are(transaction, no, &terms.relied_on).await? {
                return Ok(MemberChange::Changed);
            }
            let mut concerned = among(transaction, no, accounts).await?;
            concerned.retain(|member| member.muted_until_ms != until_ms);
            let change = member::ActiveModel {
                muted_until_ms: Set(until_ms.map(to_row)),
                ..Default::default()
            };
            let concerned = accounts_of(&concerned);
            update(transaction, no, &concerned, change).await?;
            let changed = among(transaction, no, &concerned).await?;
            if !changed.is_empty() {
                let event = match until_ms {
                    Some(_) => GroupEvent::MembersMuted,
                    None => GroupEvent::MembersUnmuted,
                };
                owe(transaction, no, terms, (event, None), &changed).await?;
            }
            done(transaction, no, version, changed).await
        })
        .await
    }
}
