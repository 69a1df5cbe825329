//! Groups: each call is one request of the protocol. They need a connection.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Client;
use crate::error::Error;

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// Its id; its address is `g:` and this.
    #[serde(rename = "groupId")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its conversation.
    pub conv: String,
    /// Its members.
    #[serde(default)]
    pub members: Vec<Member>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Member {
    /// The user.
    pub user_id: String,
    /// `owner`, `admin` or `member`.
    pub role: String,
}

#[derive(Deserialize)]
struct Groups {
    items: Vec<Group>,
}

impl Client {
    /// Makes a group; the caller is its owner. Without an id, the platform gives it one.
    pub async fn create_group(&self, name: &str, group_id: Option<&str>, members: &[&str]) -> Result<Group, Error> {
        let mut params = json!({ "name": name, "members": members });
        if let Some(group_id) = group_id {
            params["groupId"] = json!(group_id);
        }
        self.ask("group.create", params).await
    }

    /// A group the caller is a member of.
    pub async fn group(&self, group_id: &str) -> Result<Group, Error> {
        self.ask("group.get", json!({ "groupId": group_id })).await
    }

    /// The caller's groups.
    pub async fn groups(&self) -> Result<Vec<Group>, Error> {
        let groups: Groups = self.ask("group.list", json!({})).await?;
        Ok(groups.items)
    }

    /// Adds members. Who is one already stays as it is.
    pub async fn add_members(&self, group_id: &str, members: &[&str]) -> Result<Group, Error> {
        self.ask("group.addMembers", json!({ "groupId": group_id, "members": members }))
            .await
    }

    /// Removes members. Who is none is passed over.
    pub async fn remove_members(&self, group_id: &str, members: &[&str]) -> Result<Group, Error> {
        self.ask(
            "group.removeMembers",
            json!({ "groupId": group_id, "members": members }),
        )
        .await
    }

    /// Gives a member another role: `admin`, `member`, or `owner`, which makes the giver an admin.
    pub async fn change_role(&self, group_id: &str, user_id: &str, role: &str) -> Result<Group, Error> {
        let params = json!({ "groupId": group_id, "userId": user_id, "role": role });
        self.ask("group.changeRole", params).await
    }

    /// Leaves a group. The owner cannot.
    pub async fn leave_group(&self, group_id: &str) -> Result<(), Error> {
        let _: Value = self.ask("group.leave", json!({ "groupId": group_id })).await?;
        Ok(())
    }

    /// Dissolves a group. What was said stays where it was received.
    pub async fn dissolve_group(&self, group_id: &str) -> Result<(), Error> {
        let _: Value = self.ask("group.dissolve", json!({ "groupId": group_id })).await?;
        Ok(())
    }
}
