//! The life of a group, from an app and from its members' devices.

use serde_json::{Value, json};

use crate::house::{Answer, House};

fn members(group: &Answer) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let list = group.json["members"].as_array().expect("members");
    let mut members: Vec<_> = list.iter().map(|of| (text(&of["userId"]), text(&of["role"]))).collect();
    members.sort();
    members
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(user, role)| ((*user).to_owned(), (*role).to_owned()))
        .collect()
}

#[tokio::test]
async fn an_app_keeps_a_group_from_its_birth_to_its_end() {
    let house = House::start().await;
    for user in ["alice", "bob", "carol"] {
        house.phone(user).await;
    }
    let new = json!({"groupId": "team", "name": "Team", "owner": "alice", "members": ["bob"]});
    let made = house.post(&house.token, "/v1/groups", &new).await.expect(201);
    assert_eq!(made.field("groupId"), "team");
    assert_eq!(members(&made), pairs(&[("alice", "owner"), ("bob", "member")]));
    assert_eq!(
        house.post(&house.token, "/v1/groups", &new).await.problem(),
        (409, "already_exists")
    );

    let added = house
        .post(
            &house.token,
            "/v1/groups/team/members",
            &json!({"members": ["carol", "bob"]}),
        )
        .await;
    assert_eq!(
        members(&added.expect(200)),
        pairs(&[("alice", "owner"), ("bob", "member"), ("carol", "member")])
    );
    let promoted = house
        .put(&house.token, "/v1/groups/team/roles/bob", &json!({"role": "owner"}))
        .await;
    assert_eq!(
        members(&promoted.expect(200)),
        pairs(&[("alice", "admin"), ("bob", "owner"), ("carol", "member")])
    );
    house
        .delete(&house.token, "/v1/groups/team/members/carol")
        .await
        .expect(204);
    house
        .delete(&house.token, "/v1/groups/team/members/carol")
        .await
        .expect(204);
    let read = house.get(&house.token, "/v1/groups/team").await.expect(200);
    assert_eq!(members(&read), pairs(&[("alice", "admin"), ("bob", "owner")]));

    let told = house
        .message(&json!({"to": "g:team", "type": "text", "content": {"text": "hi"}}))
        .await
        .expect(201);
    assert_eq!(
        (told.field("conv"), &told.json["accepted"]),
        (made.field("conv"), &json!(2))
    );
    house.delete(&house.token, "/v1/groups/team").await.expect(204);
    assert_eq!(
        house.get(&house.token, "/v1/groups/team").await.problem(),
        (404, "group_not_found")
    );
}

#[tokio::test]
async fn a_device_acts_as_its_user_in_groups() {
    let house = House::start().await;
    let (alice, bob) = (house.phone("alice").await, house.phone("bob").await);
    let carol = house.phone("carol").await;
    let made = house
        .post(&alice.token, "/v1/groups", &json!({"name": "Trip", "members": ["bob"]}))
        .await;
    let made = made.expect(201);
    assert_eq!(members(&made), pairs(&[("alice", "owner"), ("bob", "member")]));
    let path = format!("/v1/groups/{}", made.field("groupId"));
    let carol_in = json!({"members": ["carol"]});
    for (answer, expected) in [
        (house.get(&carol.token, &path).await, (403, "not_member")),
        (
            house.post(&carol.token, &format!("{path}/members"), &carol_in).await,
            (403, "not_member"),
        ),
        (
            house.post(&bob.token, &format!("{path}/members"), &carol_in).await,
            (403, "forbidden"),
        ),
        (house.delete(&bob.token, &path).await, (403, "forbidden")),
        (
            house.delete(&alice.token, &format!("{path}/members/alice")).await,
            (403, "forbidden"),
        ),
        (
            house
                .post(&bob.token, "/v1/groups", &json!({"name": "x", "owner": "alice"}))
                .await,
            (403, "not_yourself"),
        ),
    ] {
        assert_eq!(answer.problem(), expected, "{}", answer.text);
    }
    house.get(&bob.token, &path).await.expect(200);
    house
        .delete(&bob.token, &format!("{path}/members/bob"))
        .await
        .expect(204);
    assert_eq!(house.get(&bob.token, &path).await.problem(), (403, "not_member"));
    house.delete(&alice.token, &path).await.expect(204);
}

#[tokio::test]
async fn groups_name_only_what_exists_in_their_tenant() {
    let house = House::start().await;
    house.phone("alice").await;
    house
        .post(
            &house.token,
            "/v1/groups",
            &json!({"groupId": "team", "name": "T", "members": ["alice"]}),
        )
        .await
        .expect(201);
    let unknown = house
        .post(
            &house.token,
            "/v1/groups",
            &json!({"name": "U", "members": ["alice", "zed"]}),
        )
        .await;
    assert_eq!(unknown.problem(), (404, "user_not_found"));
    assert!(unknown.field("detail").contains("zed"), "{}", unknown.text);
    let stranger = house.stranger().await;
    assert_eq!(
        house.get(&stranger, "/v1/groups/team").await.problem(),
        (404, "group_not_found")
    );
    for (path, body, part) in [
        ("/v1/groups/team/roles/alice", json!({"role": "king"}), "`role`"),
        ("/v1/groups/a:b/roles/alice", json!({"role": "admin"}), "`groupId`"),
        ("/v1/groups/team/roles/all", json!({"role": "admin"}), "`userId`"),
    ] {
        let answer = house.put(&house.token, path, &body).await;
        assert_eq!(answer.problem(), (422, "invalid_field"), "{path}");
        assert!(answer.field("detail").contains(part), "{}", answer.text);
    }
}
