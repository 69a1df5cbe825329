//! Groups and members.

use godwit_model::{AccountNo, GroupEvent, GroupNo, JoinPolicy, Role, TenantNo};
use godwit_store::{
    CreateGroupOutcome, DissolveOutcome, Expected, GroupSettings, JoinAsked, MemberChange, MemberRecord, NewGroup,
    NewMember, Store, Telling, Terms, UntoldChange,
};

use crate::people::{NOW_MS, account, accounts, tenant};

fn new_group(tenant: TenantNo, id: &str, members: &[AccountNo]) -> NewGroup {
    let member = |account: &AccountNo| NewMember {
        account: *account,
        role: Role::Member,
    };
    NewGroup {
        tenant,
        id: id.parse().unwrap(),
        name: "Group".to_owned(),
        members: members.iter().map(member).collect(),
    }
}

fn at() -> Terms {
    Terms::at(NOW_MS)
}

/// A change that is told.
fn told(message_id: &str) -> Terms {
    let telling = Telling {
        message_id: message_id.to_owned(),
        by: "ann".to_owned(),
    };
    Terms {
        telling: Some(telling),
        ..at()
    }
}

async fn untold(store: &Store, no: GroupNo) -> Vec<UntoldChange> {
    store.untold_changes(Some(no)).await.unwrap()
}

async fn made(store: &Store, new: &NewGroup) -> GroupNo {
    match store.create_group(new, &at()).await.unwrap() {
        CreateGroupOutcome::Created(no) => no,
        CreateGroupOutcome::AlreadyExists => unreachable!("the id is taken"),
    }
}

#[track_caller]
fn done(change: MemberChange) -> (u64, Vec<MemberRecord>) {
    match change {
        MemberChange::Done { version, changed } => (version, changed),
        other => unreachable!("the change was refused: {other:?}"),
    }
}

pub(crate) async fn a_group_is_read_as_it_was_made(store: Store) {
    let tenant = tenant(&store).await;
    let (ann, bob) = (
        account(&store, tenant, "ann").await,
        account(&store, tenant, "bob").await,
    );
    let mut new = new_group(tenant, "team", &[bob, ann]);
    new.members[0].role = Role::Owner;
    let no = made(&store, &new).await;
    let group = store.group(no).await.unwrap().unwrap();
    assert_eq!(
        (group.no, group.tenant, group.id.as_str(), group.version),
        (no, tenant, "team", 1)
    );
    assert_eq!((&*group.name, group.created_at_ms), ("Group", NOW_MS));
    let members: Vec<_> = group
        .members
        .iter()
        .map(|m| (m.account, m.user.as_str(), m.role))
        .collect();
    assert_eq!(members, [(ann, "ann", Role::Member), (bob, "bob", Role::Owner)]);
    assert_eq!(store.group_no(tenant, &group.id).await.unwrap(), Some(no));
    assert_eq!(store.groups_of(ann).await.unwrap(), [no]);
    assert_eq!(
        store.create_group(&new, &at()).await.unwrap(),
        CreateGroupOutcome::AlreadyExists
    );
    let empty = made(&store, &new_group(tenant, "empty", &[])).await;
    assert!(store.group(empty).await.unwrap().unwrap().members.is_empty());
    assert_eq!(store.group(GroupNo(999)).await.unwrap(), None);
    assert_eq!(store.group_no(tenant, &"none".parse().unwrap()).await.unwrap(), None);
    assert!(store.groups_of(AccountNo(999)).await.unwrap().is_empty());
}

pub(crate) async fn a_group_of_several_chunks_changes_whole(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 1_001).await;
    let no = made(&store, &new_group(tenant, "big", &all[..600])).await;
    let (version, added) = done(store.add_members(no, &all, 1_001, &at()).await.unwrap());
    assert_eq!((version, added.len()), (2, 401));
    let (version, nobody) = done(store.add_members(no, &all, 1_001, &at()).await.unwrap());
    assert_eq!(
        (version, nobody.len()),
        (2, 0),
        "all are members already, and the group is full"
    );
    let (version, removed) = done(store.remove_members(no, &all[..700], &at()).await.unwrap());
    assert_eq!((version, removed.len()), (3, 700));
    let left = store.group(no).await.unwrap().unwrap().members;
    assert_eq!(left.iter().map(|member| member.account).collect::<Vec<_>>(), all[700..]);
    let too_many = store.add_members(no, &all, 1_000, &at()).await.unwrap();
    assert_eq!(too_many, MemberChange::TooMany { would_be: 1_001 });
}

pub(crate) async fn changes_of_one_group_at_once_are_all_kept(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 10).await;
    let no = made(&store, &new_group(tenant, "team", &[])).await;
    let tasks = all.iter().map(|account| {
        let (store, account) = (store.clone(), *account);
        tokio::spawn(async move { done(store.add_members(no, &[account], 100, &at()).await.unwrap()).0 })
    });
    let mut versions = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        versions.push(task.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(
        versions,
        (2..=11).collect::<Vec<_>>(),
        "each change has a version of its own"
    );
    let group = store.group(no).await.unwrap().unwrap();
    assert_eq!((group.version, group.members.len()), (11, 10));
}

pub(crate) async fn a_group_has_one_owner_whoever_gives_it_away(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 6).await;
    let no = made(&store, &new_group(tenant, "team", &all)).await;
    let (version, changed) = done(store.change_role(no, all[0], Role::Owner, &at()).await.unwrap());
    assert_eq!((version, changed.len()), (2, 1));
    let tasks = all[1..].iter().map(|account| {
        let (store, account) = (store.clone(), *account);
        tokio::spawn(async move {
            done(store.change_role(no, account, Role::Owner, &at()).await.unwrap())
                .1
                .len()
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap(), 2, "the new owner and the former one");
    }
    let members = store.group(no).await.unwrap().unwrap().members;
    let count = |role| members.iter().filter(|member| member.role == role).count();
    assert_eq!((count(Role::Owner), count(Role::Admin), count(Role::Member)), (1, 5, 0));
    assert_eq!(
        store.change_role(no, AccountNo(999), Role::Admin, &at()).await.unwrap(),
        MemberChange::NoMember
    );
    assert_eq!(
        store
            .change_role(GroupNo(999), all[0], Role::Admin, &at())
            .await
            .unwrap(),
        MemberChange::NoGroup
    );
}

pub(crate) async fn the_numbers_of_joins_and_leaves_are_kept(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 2).await;
    let no = made(&store, &new_group(tenant, "team", &[])).await;
    assert!(
        untold(&store, no).await.is_empty(),
        "a group of nobody is told to nobody"
    );
    done(store.add_members(no, &all, 10, &told("m1")).await.unwrap());
    let joined = untold(&store, no).await.remove(0);
    assert_eq!((joined.event, &joined.accounts), (GroupEvent::Joined, &all));
    assert_eq!((&*joined.by, &*joined.message_id), ("ann", "m1"));
    let (version, noted) = done(store.change_told(&joined, 5).await.unwrap());
    assert_eq!((version, noted.len(), noted[0].joined_conv_seq), (3, 2, Some(5)));
    let (version, nobody) = done(store.change_told(&joined, 9).await.unwrap());
    assert_eq!((version, nobody.len()), (3, 0), "it is told once");

    let (_, removed) = done(store.remove_members(no, &all[..1], &told("m2")).await.unwrap());
    assert_eq!(removed[0].joined_conv_seq, Some(5), "as it was");
    let left = untold(&store, no).await.remove(0);
    assert_eq!((left.event, left.users.len()), (GroupEvent::Left, 1));
    let (version, nobody) = done(store.change_told(&left, 6).await.unwrap());
    assert_eq!((version, nobody.len()), (4, 0), "nothing that members see");
    let (_, again) = done(store.add_members(no, &all[..1], 10, &at()).await.unwrap());
    assert_eq!(again[0].joined_conv_seq, None);
    assert!(store.untold_changes(None).await.unwrap().is_empty());
}

pub(crate) async fn a_change_is_owed_to_the_members_until_it_is_told(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 3).await;
    let new = new_group(tenant, "team", &all[..2]);
    let CreateGroupOutcome::Created(no) = store.create_group(&new, &told("m1")).await.unwrap() else {
        unreachable!("the id is free")
    };
    done(store.change_role(no, all[0], Role::Owner, &told("m2")).await.unwrap());
    done(store.add_members(no, &all[..2], 10, &told("m3")).await.unwrap());
    assert_eq!(
        store.dissolve_group(no, &told("m4")).await.unwrap(),
        DissolveOutcome::Dissolved
    );
    let owed = untold(&store, no).await;
    let events: Vec<_> = owed.iter().map(|change| (change.event, &*change.message_id)).collect();
    assert_eq!(
        events,
        [
            (GroupEvent::Created, "m1"),
            (GroupEvent::RoleChanged, "m2"),
            (GroupEvent::Dissolved, "m4")
        ],
        "what changed nothing is not told"
    );
    assert_eq!((owed[1].role, owed[1].users.len()), (Some(Role::Owner), 1));
    let ended = store.group_ever(no).await.unwrap().unwrap();
    assert_eq!(ended.members.len(), 2, "those it had are told of its end");
    for change in &owed {
        assert_eq!(store.change_told(change, 1).await.unwrap(), MemberChange::NoGroup);
    }
    assert!(untold(&store, no).await.is_empty());
}

pub(crate) async fn a_change_is_made_only_while_what_it_relied_on_is_so(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 3).await;
    let no = made(&store, &new_group(tenant, "team", &all[..2])).await;
    done(store.change_role(no, all[0], Role::Owner, &at()).await.unwrap());
    let relying = |account: AccountNo, role: Option<Role>| Terms {
        relied_on: vec![(account, role)],
        ..told("m")
    };
    for wrong in [
        relying(all[0], Some(Role::Admin)),
        relying(all[1], None),
        relying(all[2], Some(Role::Member)),
    ] {
        assert_eq!(
            store.add_members(no, &all, 10, &wrong).await.unwrap(),
            MemberChange::Changed
        );
        assert_eq!(
            store.remove_members(no, &all[1..], &wrong).await.unwrap(),
            MemberChange::Changed
        );
        assert_eq!(
            store.change_role(no, all[1], Role::Admin, &wrong).await.unwrap(),
            MemberChange::Changed
        );
        assert_eq!(
            store.dissolve_group(no, &wrong).await.unwrap(),
            DissolveOutcome::Changed
        );
    }
    assert_eq!(
        store.remove_members(no, &all[..1], &at()).await.unwrap(),
        MemberChange::OwnerStays
    );
    assert_eq!(
        store.change_role(no, all[0], Role::Member, &at()).await.unwrap(),
        MemberChange::OwnerStays
    );
    assert_eq!(
        store.group(no).await.unwrap().unwrap().version,
        2,
        "nothing of it was made"
    );
    assert!(untold(&store, no).await.is_empty());
    let right = relying(all[2], None);
    assert_eq!(done(store.add_members(no, &all, 10, &right).await.unwrap()).1.len(), 1);
}

pub(crate) async fn a_dissolved_group_frees_its_id(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 2).await;
    let new = new_group(tenant, "team", &all);
    let no = made(&store, &new).await;
    assert_eq!(
        store.dissolve_group(no, &at()).await.unwrap(),
        DissolveOutcome::Dissolved
    );
    assert_eq!(store.dissolve_group(no, &at()).await.unwrap(), DissolveOutcome::NoGroup);
    assert_eq!(store.group(no).await.unwrap(), None);
    assert!(store.groups_of(all[0]).await.unwrap().is_empty());
    assert_eq!(
        store.add_members(no, &all, 10, &at()).await.unwrap(),
        MemberChange::NoGroup
    );
    let next = made(&store, &new).await;
    assert!(next > no, "numbers are not used again");
    assert_eq!(store.group_no(tenant, &new.id).await.unwrap(), Some(next));
    assert_eq!(store.groups_of(all[1]).await.unwrap(), [next]);
}

pub(crate) async fn a_group_is_set_as_it_is_expected(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let no = made(&store, &new_group(tenant, "team", &[ann])).await;
    let settings = GroupSettings {
        name: "Other".to_owned(),
        join_policy: JoinPolicy::Open,
        muted: true,
    };
    let set = async |expected| store.set_group(no, &settings, expected, &told("m1")).await.unwrap();
    assert_eq!(set(Expected::Version(2)).await, MemberChange::Differs);
    assert_eq!(done(set(Expected::Version(1)).await).0, 2);
    assert_eq!(done(set(Expected::Any).await).0, 2, "it is so already");
    let group = store.group(no).await.unwrap().unwrap();
    assert_eq!(
        (&*group.name, group.join_policy, group.muted, group.version),
        ("Other", JoinPolicy::Open, true, 2)
    );
    let owed = untold(&store, no).await;
    assert_eq!(
        owed.iter().map(|change| change.event).collect::<Vec<_>>(),
        [GroupEvent::Changed]
    );
    store.change_told(&owed[0], 7).await.unwrap();
    assert!(untold(&store, no).await.is_empty());
    let absent = store
        .set_group(GroupNo(99), &settings, Expected::Any, &at())
        .await
        .unwrap();
    assert_eq!(absent, MemberChange::NoGroup);
}

pub(crate) async fn a_muted_member_stays_muted_when_it_comes_back(store: Store) {
    let tenant = tenant(&store).await;
    let people = accounts(&store, tenant, 3).await;
    let no = made(&store, &new_group(tenant, "team", &people[..2])).await;
    let until = Some(NOW_MS + 60_000);
    let (version, changed) = done(store.mute_members(no, &people, until, &told("m1")).await.unwrap());
    assert_eq!((version, changed.len()), (2, 2), "who is no member is passed over");
    assert_eq!(changed[0].muted_until_ms, until);
    let again = done(store.mute_members(no, &people, until, &told("m2")).await.unwrap());
    assert_eq!((again.0, again.1.len()), (2, 0));
    store.remove_members(no, &people[..1], &at()).await.unwrap();
    store.add_members(no, &people[..1], 10, &at()).await.unwrap();
    let group = store.group(no).await.unwrap().unwrap();
    assert!(group.members.iter().all(|member| member.muted_until_ms == until));
    done(store.mute_members(no, &people[..1], None, &told("m3")).await.unwrap());
    assert_eq!(store.group(no).await.unwrap().unwrap().members[0].muted_until_ms, None);
    let events: Vec<_> = untold(&store, no).await.iter().map(|change| change.event).collect();
    assert_eq!(events, [GroupEvent::MembersMuted, GroupEvent::MembersUnmuted]);
}

pub(crate) async fn groups_are_listed_with_the_number_of_their_members(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    let people = accounts(&store, one, 3).await;
    made(&store, &new_group(one, "b", &people)).await;
    made(&store, &new_group(one, "a", &[])).await;
    let gone = made(&store, &new_group(one, "c", &people)).await;
    let left = made(&store, &new_group(one, "d", &people)).await;
    store.dissolve_group(gone, &at()).await.unwrap();
    store.remove_members(left, &people[..1], &at()).await.unwrap();
    let lines = |lines: Vec<godwit_store::GroupLine>| -> Vec<(String, u64)> {
        lines
            .into_iter()
            .map(|line| (line.id.to_string(), line.members))
            .collect()
    };
    let all = lines(store.groups(one, "", 10).await.unwrap());
    assert_eq!(all, [("a".to_owned(), 0), ("b".to_owned(), 3), ("d".to_owned(), 2)]);
    assert_eq!(lines(store.groups(one, "a", 1).await.unwrap()), [("b".to_owned(), 3)]);
    assert!(store.groups(other, "", 10).await.unwrap().is_empty());
}

pub(crate) async fn who_asks_to_join_is_kept_until_it_is_answered(store: Store) {
    let tenant = tenant(&store).await;
    let people = accounts(&store, tenant, 5).await;
    let no = made(&store, &new_group(tenant, "team", &people[..1])).await;
    let ask = async |at: usize, most| store.ask_to_join(no, people[at], most, NOW_MS + 7).await.unwrap();
    assert_eq!(ask(2, 2).await, JoinAsked::Kept(true));
    assert_eq!(ask(1, 2).await, JoinAsked::Kept(true));
    assert_eq!(ask(1, 2).await, JoinAsked::Kept(false));
    assert_eq!(ask(3, 2).await, JoinAsked::TooMany);
    assert_eq!(ask(3, 9).await, JoinAsked::Kept(true));
    assert_eq!(ask(4, 9).await, JoinAsked::Kept(true));
    let of = async |after: &str, limit| -> Vec<String> {
        let found = store.join_requests(no, after, limit).await.unwrap();
        assert!(found.iter().all(|request| request.asked_at_ms == NOW_MS + 7));
        found.into_iter().map(|request| request.user.to_string()).collect()
    };
    assert_eq!(of("", 2).await, ["user1", "user2"]);
    assert_eq!(of("user2", 9).await, ["user3", "user4"]);
    store.add_members(no, &people[1..2], 9, &at()).await.unwrap();
    assert!(store.forget_join_request(no, people[2]).await.unwrap());
    assert!(!store.forget_join_request(no, people[2]).await.unwrap());
    store.remove_user(people[3], NOW_MS).await.unwrap();
    assert_eq!(of("", 9).await, ["user4"]);
    assert!(store.asks_to_join(no, people[4]).await.unwrap() && !store.asks_to_join(no, people[1]).await.unwrap());
    store.dissolve_group(no, &at()).await.unwrap();
    assert!(of("", 9).await.is_empty());
    assert_eq!(ask(2, 9).await, JoinAsked::NoGroup);
}
