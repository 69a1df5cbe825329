//! Groups and members.

use godwit_model::{AccountNo, GroupNo, Role, TenantNo};
use godwit_store::{CreateGroupOutcome, MemberChange, MemberRecord, NewGroup, NewMember, Store};

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

async fn made(store: &Store, new: &NewGroup) -> GroupNo {
    match store.create_group(new, NOW_MS).await.unwrap() {
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
        store.create_group(&new, NOW_MS).await.unwrap(),
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
    let (version, added) = done(store.add_members(no, &all, 1_001, NOW_MS).await.unwrap());
    assert_eq!((version, added.len()), (2, 401));
    let (version, nobody) = done(store.add_members(no, &all, 1_001, NOW_MS).await.unwrap());
    assert_eq!(
        (version, nobody.len()),
        (2, 0),
        "all are members already, and the group is full"
    );
    let (version, removed) = done(store.remove_members(no, &all[..700], NOW_MS).await.unwrap());
    assert_eq!((version, removed.len()), (3, 700));
    let left = store.group(no).await.unwrap().unwrap().members;
    assert_eq!(left.iter().map(|member| member.account).collect::<Vec<_>>(), all[700..]);
    let too_many = store.add_members(no, &all, 1_000, NOW_MS).await.unwrap();
    assert_eq!(too_many, MemberChange::TooMany { would_be: 1_001 });
}

pub(crate) async fn changes_of_one_group_at_once_are_all_kept(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 10).await;
    let no = made(&store, &new_group(tenant, "team", &[])).await;
    let tasks = all.iter().map(|account| {
        let (store, account) = (store.clone(), *account);
        tokio::spawn(async move { done(store.add_members(no, &[account], 100, NOW_MS).await.unwrap()).0 })
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
    let (version, changed) = done(store.change_role(no, all[0], Role::Owner).await.unwrap());
    assert_eq!((version, changed.len()), (2, 1));
    let tasks = all[1..].iter().map(|account| {
        let (store, account) = (store.clone(), *account);
        tokio::spawn(async move { done(store.change_role(no, account, Role::Owner).await.unwrap()).1.len() })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap(), 2, "the new owner and the former one");
    }
    let members = store.group(no).await.unwrap().unwrap().members;
    let count = |role| members.iter().filter(|member| member.role == role).count();
    assert_eq!((count(Role::Owner), count(Role::Admin), count(Role::Member)), (1, 5, 0));
    assert_eq!(
        store.change_role(no, AccountNo(999), Role::Admin).await.unwrap(),
        MemberChange::NoMember
    );
    assert_eq!(
        store.change_role(GroupNo(999), all[0], Role::Admin).await.unwrap(),
        MemberChange::NoGroup
    );
}

pub(crate) async fn the_numbers_of_joins_and_leaves_are_kept(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 2).await;
    let no = made(&store, &new_group(tenant, "team", &all)).await;
    let (version, noted) = done(store.note_membership_seq(no, &all[..1], 5, true).await.unwrap());
    assert_eq!((version, noted.len(), noted[0].joined_conv_seq), (2, 1, Some(5)));
    let (_, removed) = done(store.remove_members(no, &all[..1], NOW_MS).await.unwrap());
    assert_eq!(removed[0].joined_conv_seq, Some(5), "as it was");
    let (version, nobody) = done(store.note_membership_seq(no, &all[..1], 6, false).await.unwrap());
    assert_eq!((version, nobody.len()), (3, 0), "nothing that members see");
    let (version, nobody) = done(store.note_membership_seq(no, &all[..1], 7, true).await.unwrap());
    assert_eq!((version, nobody.len()), (3, 0), "who left does not join by this");
    let (_, again) = done(store.add_members(no, &all[..1], 10, NOW_MS).await.unwrap());
    assert_eq!(again[0].joined_conv_seq, None);
}

pub(crate) async fn a_dissolved_group_frees_its_id(store: Store) {
    let tenant = tenant(&store).await;
    let all = accounts(&store, tenant, 2).await;
    let new = new_group(tenant, "team", &all);
    let no = made(&store, &new).await;
    assert!(store.dissolve_group(no, NOW_MS).await.unwrap());
    assert!(!store.dissolve_group(no, NOW_MS).await.unwrap());
    assert_eq!(store.group(no).await.unwrap(), None);
    assert!(store.groups_of(all[0]).await.unwrap().is_empty());
    assert_eq!(
        store.add_members(no, &all, 10, NOW_MS).await.unwrap(),
        MemberChange::NoGroup
    );
    let next = made(&store, &new).await;
    assert!(next > no, "numbers are not used again");
    assert_eq!(store.group_no(tenant, &new.id).await.unwrap(), Some(next));
    assert_eq!(store.groups_of(all[1]).await.unwrap(), [next]);
}
