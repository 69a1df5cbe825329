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

fn text(to: &str) -> Value {
    json!({"to": to, "type": "text", "content": {"text": "hi"}})
}

#[tokio::test]
async fn a_group_is_changed_under_a_condition_and_listed() {
    let house = House::start().await;
    for user in ["alice", "bob"] {
        house.phone(user).await;
    }
    let stranger = house.stranger().await;
    for id in ["b", "a"] {
        let new = json!({"groupId": id, "name": id, "owner": "alice", "members": ["bob"]});
        house.post(&house.token, "/v1/groups", &new).await.expect(201);
    }
    let read = house.get(&house.token, "/v1/groups/a").await.expect(200);
    assert_eq!(
        (read.field("joinPolicy"), &read.json["muted"]),
        ("invited".to_owned(), &json!(false))
    );
    let tag = read.header("etag").to_owned();
    let change = json!({"name": "Open A", "joinPolicy": "open"});
    let put = |tag: String| {
        let request = house
            .request(reqwest::Method::PUT, "/v1/groups/a")
            .bearer_auth(&house.token);
        crate::house::send(request.header("if-match", tag).json(&change))
    };
    let changed = put(tag.clone()).await.expect(200);
    assert_eq!(
        (changed.field("name"), changed.field("joinPolicy")),
        ("Open A".to_owned(), "open".to_owned())
    );
    assert_eq!(put(tag).await.problem(), (412, "precondition_failed"));
    let page = house.get(&house.token, "/v1/groups?limit=1").await.expect(200);
    assert_eq!(page.json["items"][0]["groupId"], "a");
    assert_eq!(page.json["items"][0]["memberCount"], 2);
    let next = house.get(&house.token, &page.field("next")).await.expect(200);
    assert_eq!(
        (&next.json["items"][0]["groupId"], next.json.get("next")),
        (&json!("b"), None)
    );
    let theirs = house.get(&stranger, "/v1/groups").await.expect(200);
    assert_eq!(theirs.json, json!({"items": []}));
}

#[tokio::test]
async fn an_open_group_is_joined_and_an_invited_one_is_not() {
    let house = House::start().await;
    let (alice, bob) = (house.phone("alice").await, house.phone("bob").await);
    let new = json!({"groupId": "team", "name": "Team"});
    house.post(&alice.token, "/v1/groups", &new).await.expect(201);
    let join = "/v1/groups/team/join";
    assert_eq!(
        house.post(&bob.token, join, &json!({})).await.problem(),
        (403, "forbidden")
    );
    assert_eq!(
        house.post(&house.token, join, &json!({})).await.problem(),
        (403, "forbidden")
    );
    let open = json!({"joinPolicy": "open"});
    assert_eq!(
        house.put(&bob.token, "/v1/groups/team", &open).await.problem(),
        (403, "not_member")
    );
    house.put(&alice.token, "/v1/groups/team", &open).await.expect(200);
    let joined = house.post(&bob.token, join, &json!({})).await.expect(200);
    assert_eq!(members(&joined), pairs(&[("alice", "owner"), ("bob", "member")]));
    house.post(&bob.token, join, &json!({})).await.expect(200);
    let own = house.get(&bob.token, "/v1/groups").await.expect(200);
    assert_eq!(own.json["items"][0]["groupId"], "team");
    let unread = house
        .put(&alice.token, "/v1/groups/team", &json!({"joinPolicy": "closed"}))
        .await;
    assert_eq!(unread.problem(), (422, "invalid_field"));
}

#[tokio::test]
async fn who_is_muted_reads_and_does_not_write() {
    let house = House::start().await;
    for user in ["alice", "bob"] {
        house.phone(user).await;
    }
    let new = json!({"groupId": "team", "name": "Team", "owner": "alice", "members": ["bob"]});
    house.post(&house.token, "/v1/groups", &new).await.expect(201);
    let say = |from: &str| {
        let mut body = text("g:team");
        body["from"] = json!(from);
        let house = &house;
        async move { house.message(&body).await }
    };
    say("bob").await.expect(201);
    let until = crate::house::NOW_MS + 60_000;
    house
        .put(&house.token, "/v1/groups/team/mutes/bob", &json!({"until": until}))
        .await
        .expect(204);
    assert_eq!(say("bob").await.problem(), (403, "muted"));
    say("alice").await.expect(201);
    house.clock.set(until);
    say("bob").await.expect(201);
    let later = json!({"until": until + 60_000});
    house
        .put(&house.token, "/v1/groups/team/mutes/bob", &later)
        .await
        .expect(204);
    house
        .delete(&house.token, "/v1/groups/team/mutes/bob")
        .await
        .expect(204);
    say("bob").await.expect(201);
    house
        .put(&house.token, "/v1/groups/team", &json!({"muted": true}))
        .await
        .expect(200);
    assert_eq!(say("bob").await.problem(), (403, "muted"));
    say("alice").await.expect(201);
}

#[tokio::test]
async fn members_and_roles_change_many_at_once() {
    let house = House::start().await;
    let users: Vec<_> = (0..1_200).map(|at| json!({"userId": format!("u{at:04}")})).collect();
    house
        .post(&house.token, "/v1/users/batch", &json!({ "users": users }))
        .await
        .expect(200);
    let names: Vec<_> = users.iter().map(|user| user["userId"].clone()).collect();
    let new = json!({"groupId": "all-of-us", "name": "All", "owner": "u0000", "members": names});
    house.post(&house.token, "/v1/groups", &new).await.expect(201);
    let roles = json!({"roles": [
        {"userId": "u0001", "role": "admin"}, {"userId": "nobody", "role": "admin"},
        {"userId": "u0000", "role": "member"}, {"userId": "u0002", "role": "admin"},
    ]});
    let given = house
        .put(&house.token, "/v1/groups/all-of-us/roles", &roles)
        .await
        .expect(200);
    assert_eq!(
        given.json["items"],
        json!([
            {"userId": "u0001", "done": true}, {"userId": "nobody", "done": false, "code": "user_not_found"},
            {"userId": "u0000", "done": false, "code": "forbidden"}, {"userId": "u0002", "done": true},
        ])
    );
    let moved = house
        .put(&house.token, "/v1/groups/all-of-us/owner", &json!({"userId": "u0001"}))
        .await;
    moved.expect(200);
    let first = house
        .get(&house.token, "/v1/groups/all-of-us/members?limit=2")
        .await
        .expect(200);
    let shown: Vec<_> = first.json["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|of| of["role"].clone())
        .collect();
    assert_eq!(shown, [json!("admin"), json!("owner")]);
    let leaving = json!({"members": names[600..].to_vec()});
    house
        .post(&house.token, "/v1/groups/all-of-us/members/remove", &leaving)
        .await
        .expect(204);
    let (mut path, mut seen) = ("/v1/groups/all-of-us/members?limit=250".to_owned(), Vec::new());
    loop {
        let page = house.get(&house.token, &path).await.expect(200);
        seen.extend(page.json["items"].as_array().expect("items").clone());
        match page.json["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 600);
    assert!(seen.is_sorted_by_key(|member| member["userId"].as_str().expect("text").to_owned()));
}

#[tokio::test]
async fn a_member_reads_of_a_group_what_was_said_while_it_was_one() {
    let house = House::start().await;
    let bob = house.phone("bob").await;
    house.phone("alice").await;
    let new = json!({"groupId": "team", "name": "Team", "owner": "alice"});
    house.post(&house.token, "/v1/groups", &new).await.expect(201);
    let say = |words: &str| {
        let body = json!({"from": "alice", "to": "g:team", "type": "text", "content": {"text": words}});
        let house = &house;
        async move { house.message(&body).await.expect(201) }
    };
    let in_or_out = |is_in: bool| {
        let house = &house;
        async move {
            if is_in {
                let bob = json!({"members": ["bob"]});
                house
                    .post(&house.token, "/v1/groups/team/members", &bob)
                    .await
                    .expect(200);
            } else {
                house
                    .delete(&house.token, "/v1/groups/team/members/bob")
                    .await
                    .expect(204);
            }
        }
    };
    say("before").await;
    in_or_out(true).await;
    say("while").await;
    in_or_out(false).await;
    say("between").await;
    in_or_out(true).await;
    say("again").await;
    let path = format!("/v1/accounts/{}/history?target=team@qun&after=0", bob.account);
    for token in [&bob.token, &house.token] {
        let read = house.get(token, &path).await.expect(200);
        let words: Vec<_> = read.json["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter_map(|entry| entry["content"]["text"].as_str())
            .collect();
        assert_eq!(words, ["while", "again"]);
    }
    let without = house
        .get(&bob.token, &format!("/v1/accounts/{}/history", bob.account))
        .await;
    assert_eq!(without.problem(), (422, "invalid_field"));
}
