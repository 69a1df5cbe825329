//! The life of a group and its members.

use godwit_model::{GroupNo, Refusal, Role};
use godwit_registry::{Asker, Change, Error, Group, NewGroup, Settings};

use crate::house::{House, TENANT, asker, assert_refused, cheap, user};

fn new_group(id: &str, owner: Option<&str>, members: &[&str]) -> NewGroup {
    NewGroup {
        id: Some(id.parse().unwrap()),
        name: "Team".to_owned(),
        owner: owner.map(user),
        members: members.iter().map(|name| user(name)).collect(),
    }
}

fn roles(group: &Group) -> Vec<(&str, Role)> {
    let mut roles: Vec<_> = group
        .members
        .iter()
        .map(|member| (member.user.as_str(), member.role))
        .collect();
    roles.sort_unstable();
    roles
}

fn names(change: &Change) -> Vec<&str> {
    change.changed.iter().map(|member| member.user.as_str()).collect()
}

async fn house_with_people() -> House {
    let house = House::new().await;
    for name in ["ann", "bob", "cid", "dan"] {
        house.ticket(name).await;
    }
    house
}

#[tokio::test]
async fn a_group_is_read_as_it_was_made() {
    let house = house_with_people().await;
    let made = house
        .registry
        .create_group(TENANT, new_group("team", Some("ann"), &["bob", "ann", "bob"]), &asker())
        .await
        .unwrap();
    assert_eq!(roles(&made), [("ann", Role::Owner), ("bob", Role::Member)]);
    assert!(made.members.is_sorted_by_key(|member| member.account));
    assert_eq!(house.registry.group(TENANT, &made.id).await.unwrap().unwrap(), made);
    assert_eq!(house.registry.group_by_no(made.no).await.unwrap().unwrap(), made);
    let ann = house
        .registry
        .account_of_user(TENANT, &user("ann"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(made.member(ann.no).unwrap().user, user("ann"));
    assert_eq!(house.registry.groups_of(ann.no).await.unwrap(), [made]);
    assert_eq!(
        house.registry.group(TENANT, &"none".parse().unwrap()).await.unwrap(),
        None
    );
    assert_eq!(house.registry.group_by_no(GroupNo(99)).await.unwrap(), None);
}

#[tokio::test]
async fn the_platform_chooses_an_id_and_an_owner_is_optional() {
    let house = house_with_people().await;
    let new = NewGroup {
        id: None,
        ..new_group("x", None, &["ann"])
    };
    let made = house.registry.create_group(TENANT, new, &asker()).await.unwrap();
    assert_eq!(roles(&made), [("ann", Role::Member)]);
    assert_eq!(house.registry.group(TENANT, &made.id).await.unwrap(), Some(made));
}

#[tokio::test]
async fn an_id_that_is_taken_and_users_that_do_not_exist_are_refused() {
    let house = house_with_people().await;
    house
        .registry
        .create_group(TENANT, new_group("team", None, &["ann"]), &asker())
        .await
        .unwrap();
    let again = house
        .registry
        .create_group(TENANT, new_group("team", None, &["bob"]), &asker())
        .await;
    assert_refused(again, Refusal::AlreadyExists);
    let strangers: Vec<_> = (0..12).map(|at| format!("stranger{at}")).collect();
    let mut all: Vec<_> = strangers.iter().map(String::as_str).collect();
    all.push("ann");
    let error = house
        .registry
        .create_group(TENANT, new_group("other", None, &all), &asker())
        .await
        .unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::UserNotFound));
    let text = error.to_string();
    assert!(
        text.contains("12 unknown: stranger0, ") && text.contains("stranger9, …"),
        "{text}"
    );
    assert!(!text.contains("stranger10") && !text.contains("ann"), "{text}");
    assert_eq!(
        house.registry.group(TENANT, &"other".parse().unwrap()).await.unwrap(),
        None
    );
    assert_refused(
        house
            .registry
            .create_group(TENANT, new_group("third", Some("nobody"), &[]), &asker())
            .await,
        Refusal::UserNotFound,
    );
}

#[tokio::test]
async fn members_come_and_go_and_come_back() {
    let house = house_with_people().await;
    let registry = &house.registry;
    let group = registry
        .create_group(TENANT, new_group("team", Some("ann"), &["bob"]), &asker())
        .await
        .unwrap();
    let added = registry
        .add_members(&group, &[user("bob"), user("cid"), user("dan")], &asker())
        .await
        .unwrap();
    assert_eq!(
        names(&added),
        ["cid", "dan"],
        "a member already is no error and no change"
    );
    assert_eq!(added.group.members.len(), 4);
    let removed = registry
        .remove_members(&added.group, &[user("bob"), user("cid")], &asker())
        .await
        .unwrap();
    assert_eq!(names(&removed), ["bob", "cid"]);
    assert_eq!(roles(&removed.group), [("ann", Role::Owner), ("dan", Role::Member)]);
    let nothing = registry
        .remove_members(&removed.group, &[user("bob")], &asker())
        .await
        .unwrap();
    assert!(nothing.changed.is_empty());
    assert_eq!(nothing.group, removed.group);
    let back = registry.add_members(&group, &[user("bob")], &asker()).await.unwrap();
    assert_eq!(
        roles(&back.group),
        [("ann", Role::Owner), ("bob", Role::Member), ("dan", Role::Member)]
    );
    assert_eq!(registry.group(TENANT, &group.id).await.unwrap().unwrap(), back.group);
    assert_refused(
        registry.add_members(&group, &[user("nobody")], &asker()).await,
        Refusal::UserNotFound,
    );
}

#[tokio::test]
async fn giving_the_ownership_makes_the_former_owner_an_admin() {
    let house = house_with_people().await;
    let registry = &house.registry;
    let group = registry
        .create_group(TENANT, new_group("team", Some("ann"), &["bob", "cid"]), &asker())
        .await
        .unwrap();
    let given = registry
        .change_role(&group, &user("bob"), Role::Owner, &asker())
        .await
        .unwrap();
    assert_eq!(names(&given), ["ann", "bob"]);
    assert_eq!(
        roles(&given.group),
        [("ann", Role::Admin), ("bob", Role::Owner), ("cid", Role::Member)]
    );
    let same = registry
        .change_role(&group, &user("bob"), Role::Owner, &asker())
        .await
        .unwrap();
    assert!(same.changed.is_empty());
    assert_eq!(same.group, given.group);
    assert_refused(
        registry.change_role(&group, &user("dan"), Role::Admin, &asker()).await,
        Refusal::TargetNotMember,
    );
    assert_refused(
        registry
            .change_role(&group, &user("nobody"), Role::Admin, &asker())
            .await,
        Refusal::UserNotFound,
    );
}

#[tokio::test]
async fn the_number_of_a_join_is_kept_until_the_member_leaves() {
    let house = house_with_people().await;
    let registry = &house.registry;
    let group = registry
        .create_group(TENANT, new_group("team", None, &["ann", "bob"]), &asker())
        .await
        .unwrap();
    let (ann, bob) = (group.members[0].account, group.members[1].account);
    let made = registry.untold_changes(Some(group.no)).await.unwrap().remove(0);
    assert_eq!(made.accounts, [ann, bob]);
    registry.change_told(made, 5).await.unwrap();
    let noted = registry.group_by_no(group.no).await.unwrap().unwrap();
    assert_eq!(noted.member(ann).unwrap().joined_conv_seq, Some(5));
    assert_eq!(noted.member(bob).unwrap().joined_conv_seq, Some(5));
    let left = registry.remove_members(&noted, &[user("ann")], &asker()).await.unwrap();
    assert_eq!(left.changed[0].joined_conv_seq, Some(5));
    let told = registry.untold_changes(Some(group.no)).await.unwrap().remove(0);
    registry.change_told(told, 6).await.unwrap();
    let back = registry.add_members(&group, &[user("ann")], &asker()).await.unwrap();
    assert_eq!(back.changed[0].joined_conv_seq, None, "a new membership");
}

#[tokio::test]
async fn a_dissolved_group_is_gone_and_its_id_makes_another_group() {
    let house = house_with_people().await;
    let registry = &house.registry;
    let group = registry
        .create_group(TENANT, new_group("team", None, &["ann"]), &asker())
        .await
        .unwrap();
    let ann = group.members[0].account;
    registry.group(TENANT, &group.id).await.unwrap().unwrap();
    registry.dissolve_group(&group, &asker()).await.unwrap();
    assert_eq!(registry.group(TENANT, &group.id).await.unwrap(), None);
    assert_eq!(registry.group_by_no(group.no).await.unwrap(), None);
    assert!(registry.groups_of(ann).await.unwrap().is_empty());
    assert_refused(registry.dissolve_group(&group, &asker()).await, Refusal::GroupNotFound);
    assert_refused(
        registry.add_members(&group, &[user("bob")], &asker()).await,
        Refusal::GroupNotFound,
    );
    let next = registry
        .create_group(TENANT, new_group("team", None, &["bob"]), &asker())
        .await
        .unwrap();
    assert_ne!(next.no, group.no);
    assert_eq!(registry.group(TENANT, &group.id).await.unwrap(), Some(next));
}

#[tokio::test]
async fn a_group_has_a_bounded_number_of_members() {
    let house = House::with(Settings {
        group_members_max: 3,
        ..cheap()
    })
    .await;
    let users = house.users("user", 4).await;
    let new = |members: &[_]| NewGroup {
        id: None,
        name: "big".to_owned(),
        owner: None,
        members: members.to_vec(),
    };
    assert_refused(
        house.registry.create_group(TENANT, new(&users), &asker()).await,
        Refusal::TooLarge,
    );
    let group = house
        .registry
        .create_group(TENANT, new(&users[..2]), &asker())
        .await
        .unwrap();
    assert_refused(
        house.registry.add_members(&group, &users[2..], &asker()).await,
        Refusal::TooLarge,
    );
    let full = house
        .registry
        .add_members(&group, &users[..3], &asker())
        .await
        .unwrap()
        .group;
    assert_eq!(full.members.len(), 3);
    assert!(
        house
            .registry
            .add_members(&full, &users[..3], &asker())
            .await
            .unwrap()
            .changed
            .is_empty(),
        "full, but no more"
    );
}

#[tokio::test]
async fn a_group_of_several_chunks_has_all_its_members() {
    let house = House::new().await;
    let users = house.users("user", 1_201).await;
    let new = NewGroup {
        id: None,
        name: "big".to_owned(),
        owner: Some(users[1_200].clone()),
        members: users.clone(),
    };
    let group = house.registry.create_group(TENANT, new, &asker()).await.unwrap();
    assert_eq!(group.members.len(), 1_201);
    let removed = house
        .registry
        .remove_members(&group, &users[..600], &asker())
        .await
        .unwrap();
    assert_eq!((removed.changed.len(), removed.group.members.len()), (600, 601));
    let added = house
        .registry
        .add_members(&group, &users[..599], &asker())
        .await
        .unwrap();
    assert_eq!((added.changed.len(), added.group.members.len()), (599, 1_200));
    assert!(added.group.members.is_sorted_by_key(|member| member.account));
}

#[tokio::test]
async fn a_change_that_was_permitted_by_what_is_past_is_judged_anew() {
    let house = house_with_people().await;
    let registry = &house.registry;
    let new = new_group("team", Some("ann"), &["bob", "cid"]);
    let group = registry.create_group(TENANT, new, &asker()).await.unwrap();
    let account = |name: &str| {
        group
            .members
            .iter()
            .find(|member| member.user == user(name))
            .unwrap()
            .account
    };
    let ann = Asker {
        account: Some(account("ann")),
        ..asker()
    };
    let given = registry
        .change_role(&group, &user("bob"), Role::Owner, &ann)
        .await
        .unwrap();
    for stale in [
        registry.change_role(&group, &user("cid"), Role::Owner, &ann).await,
        registry.add_members(&group, &[user("dan")], &ann).await,
        registry.remove_members(&group, &[user("bob")], &asker()).await,
    ] {
        assert!(matches!(stale, Err(Error::Changed)), "{stale:?}");
    }
    assert!(matches!(
        registry.dissolve_group(&group, &ann).await,
        Err(Error::Changed)
    ));
    assert_refused(
        registry.remove_members(&given.group, &[user("bob")], &asker()).await,
        Refusal::Forbidden,
    );
    assert_refused(
        registry
            .change_role(&given.group, &user("bob"), Role::Member, &asker())
            .await,
        Refusal::Forbidden,
    );
    let now = registry.group_by_no(group.no).await.unwrap().unwrap();
    assert_eq!(now, given.group, "nothing of it was made");
}

/// Whoever wins, there is exactly one owner: ownership moves while the one who gets it is removed, or leaves.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_never_loses_its_owner_to_a_race() {
    let house = house_with_people().await;
    for round in 0..30 {
        let new = new_group(&format!("team{round}"), Some("ann"), &["bob", "cid"]);
        let group = house.registry.create_group(TENANT, new, &asker()).await.unwrap();
        let (giver, remover) = (house.registry.clone(), house.registry.clone());
        let (to_give, to_remove) = (group.clone(), group.clone());
        let gives = tokio::spawn(async move { giver.change_role(&to_give, &user("bob"), Role::Owner, &asker()).await });
        let removes = tokio::spawn(async move { remover.remove_members(&to_remove, &[user("bob")], &asker()).await });
        let (given, removed) = (gives.await.unwrap().is_ok(), removes.await.unwrap().is_ok());
        assert!(given != removed, "round {round}: {given} {removed}");
        let now = house.registry.group_by_no(group.no).await.unwrap().unwrap();
        let owners: Vec<_> = now.members.iter().filter(|member| member.role == Role::Owner).collect();
        assert_eq!(owners.len(), 1, "round {round}");
    }
}
