//! What a group is called, who may join it, and whether all of its members are muted.

use godwit_model::{GroupEvent, GroupNo, JoinPolicy};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;

use super::{group, live};
use crate::members;
use crate::number::{from_row, to_row};
use crate::untold_changes::owe;
use crate::{Error, Expected, MemberChange, Store, Terms};

/// What of a group is not its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// Its name for people.
    pub name: String,
    /// Who may join without being added.
    pub join_policy: JoinPolicy,
    /// Whether only admins and the owner write.
    pub muted: bool,
}

impl Store {
    /// Changes what a group is; nothing is changed, and nothing told, where it is so already.
    pub async fn set_group(
        &self,
        no: GroupNo,
        settings: &GroupSettings,
        expected: Expected,
        terms: &Terms,
    ) -> Result<MemberChange, Error> {
        self.write(|held| async move {
            let transaction = &*held;
            let Some(row) = live(no).one(transaction).await? else {
                return Ok(MemberChange::NoGroup);
            };
            let version = from_row(row.version)?;
            if !expected.holds(Some(version)) {
                return Ok(MemberChange::Differs);
            }
            if !members::still_are(transaction, no, &terms.relied_on).await? {
                return Ok(MemberChange::Changed);
            }
            let is_same = row.name == settings.name
                && row.join_policy == settings.join_policy.as_str()
                && row.muted == settings.muted;
            if is_same {
                return members::unchanged(transaction, no).await;
            }
            let change = group::ActiveModel {
                group_no: Set(row.group_no),
                name: Set(settings.name.clone()),
                join_policy: Set(settings.join_policy.as_str().to_owned()),
                muted: Set(settings.muted),
                version: Set(to_row(version + 1)),
                ..Default::default()
            };
            group::Entity::update(change).exec(transaction).await?;
            owe(transaction, no, terms, (GroupEvent::Changed, None), &[]).await?;
            Ok(MemberChange::Done {
                version: version + 1,
                changed: Vec::new(),
            })
        })
        .await
    }
}
