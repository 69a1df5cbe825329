//! How a group looks to its members.

use godwit_registry::Group;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupView {
    group_id: String,
    name: String,
    conv: String,
    join_policy: &'static str,
    muted: bool,
    members: Vec<MemberView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MemberView {
    user_id: String,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_conv_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_until: Option<u64>,
}

impl From<&Group> for GroupView {
    fn from(group: &Group) -> Self {
        let member = |member: &godwit_registry::Member| MemberView {
            user_id: member.user.to_string(),
            role: member.role.as_str(),
            joined_conv_seq: member.joined_conv_seq,
            muted_until: member.muted_until_ms,
        };
        Self {
            group_id: group.id.to_string(),
            name: group.name.clone(),
            conv: godwit_model::ConversationKey::group(group.no).to_string(),
            join_policy: group.join_policy.as_str(),
            muted: group.muted,
            members: group.members.iter().map(member).collect(),
        }
    }
}
