//! Broadcasts, the crowds they walk, and what is counted of them.

use godwit_model::{AccountNo, ConversationKey, DeviceNo, Role, TenantNo};
use godwit_store::{
    BroadcastCommand, BroadcastRecord, BroadcastState, ConversationState, CreateGroupOutcome, Crowd, Expected,
    LedgerLine, NewApp, NewBroadcast, NewGroup, NewMember, NewRoster, PageSent, PutRosterOutcome, RosterKind, Step,
    Store, Terms, Versioned,
};

use crate::people::{NOW_MS, accounts, device, made, tenant, user};

async fn new(store: &Store, tenant: TenantNo, id: &str) -> NewBroadcast {
    let app = NewApp {
        client_id: format!("gwa_{id}"),
        name: "app".to_owned(),
        secret_hash: "hash".to_owned(),
        scopes: String::new(),
    };
    let app = store.create_app(tenant, &app, NOW_MS).await.unwrap().unwrap();
    NewBroadcast {
        id: id.to_owned(),
        tenant,
        author: "ann".to_owned(),
        app: app.no,
        draft_id: format!("draft-{id}"),
        fingerprint: u128::MAX - 5,
        draft: "{}".to_owned(),
        lifetime_ms: Some(5),
        rate: Some(7),
        held: false,
        created_at_ms: NOW_MS,
        due_at_ms: NOW_MS + 5,
    }
}

async fn running(store: &Store, id: &str) -> BroadcastRecord {
    let tenant = tenant(store).await;
    let (kept, is_new) = store.keep_broadcast(&new(store, tenant, id).await).await.unwrap();
    assert!(is_new);
    step(store, kept.no, None, &Step::Estimated(3)).await;
    step(store, kept.no, None, &Step::Begin).await
}

async fn step(store: &Store, no: u64, sent: Option<&PageSent>, step: &Step) -> BroadcastRecord {
    let stepped = store.step_broadcast(no, sent, Some(step), NOW_MS + 9).await;
    stepped.unwrap().unwrap()
}

fn some(accounts: &[u64]) -> Vec<AccountNo> {
    accounts.iter().copied().map(AccountNo).collect()
}

pub(crate) async fn a_broadcast_is_kept_once_whoever_asks_first(store: Store) {
    let tenant = tenant(&store).await;
    let first = new(&store, tenant, "id0").await;
    let asks = (0..10).map(|at| {
        let new = NewBroadcast {
            id: format!("id{at}"),
            draft_id: "same".to_owned(),
            ..first.clone()
        };
        let store = store.clone();
        tokio::spawn(async move { store.keep_broadcast(&new).await.unwrap() })
    });
    let mut kept = Vec::new();
    for ask in asks.collect::<Vec<_>>() {
        kept.push(ask.await.unwrap());
    }
    assert_eq!(kept.iter().filter(|(_, is_new)| *is_new).count(), 1);
    let (one, _) = &kept[0];
    assert!(kept.iter().all(|(record, _)| record == one));
    let as_asked = NewBroadcast {
        id: one.asked.id.clone(),
        draft_id: "same".to_owned(),
        ..first
    };
    assert_eq!(
        (&one.asked, one.state, one.version),
        (&as_asked, BroadcastState::Created, 1)
    );
    let listed = store
        .broadcasts(tenant, Some(BroadcastState::Created), "", 9)
        .await
        .unwrap();
    assert_eq!(listed, std::slice::from_ref(one));
    assert!(
        store
            .broadcasts(tenant, Some(BroadcastState::Paused), "", 9)
            .await
            .unwrap()
            .is_empty()
    );
    let stranger = crate::people::tenant(&store).await;
    assert_eq!(store.broadcast(stranger, &one.asked.id).await.unwrap(), None);
}

pub(crate) async fn a_page_of_a_broadcast_is_frozen_before_it_is_sent(store: Store) {
    let record = running(&store, "b").await;
    assert_eq!(
        (record.state, record.estimate, record.began_at_ms, record.version),
        (BroadcastState::Running, Some(3), Some(NOW_MS + 9), 3)
    );
    let page = some(&[2, 5]);
    let frozen = step(&store, record.no, None, &Step::Freeze(page.clone())).await;
    assert_eq!(
        (frozen.page.as_ref(), frozen.pages, frozen.after),
        (Some(&page), 0, AccountNo(0))
    );
    assert_eq!(
        store.broadcasts_under_way().await.unwrap(),
        std::slice::from_ref(&frozen)
    );
    let sent = PageSent {
        server_id: "m1".to_owned(),
        accounts: page,
    };
    let next = step(&store, record.no, Some(&sent), &Step::Freeze(some(&[9]))).await;
    assert_eq!((next.pages, next.accounts, next.after), (1, 2, AccountNo(5)));
    assert_eq!(next.page, Some(some(&[9])));
    let last = PageSent {
        server_id: "m2".to_owned(),
        accounts: some(&[9]),
    };
    let done = step(&store, record.no, Some(&last), &Step::Finish).await;
    assert_eq!(
        (done.state, done.accounts, done.page.clone()),
        (BroadcastState::Finished, 3, None)
    );
    assert_eq!((done.done_at_ms, done.version), (Some(NOW_MS + 9), frozen.version + 1));
    assert_eq!(store.broadcast_pages(record.no, 0, 9).await.unwrap(), ["m1", "m2"]);
    assert_eq!(store.broadcast_pages(record.no, 1, 9).await.unwrap(), ["m2"]);
    assert!(store.broadcasts_under_way().await.unwrap().is_empty());
}

pub(crate) async fn a_broadcast_that_rests_or_is_over_freezes_no_page(store: Store) {
    let record = running(&store, "b").await;
    let of = (record.asked.tenant, "b");
    let tell = async |command, expected| {
        store
            .command_broadcast(of, command, expected, NOW_MS + 20)
            .await
            .unwrap()
    };
    assert_eq!(
        tell(BroadcastCommand::Pause, Expected::Version(99)).await,
        Some(Versioned::Differs)
    );
    step(&store, record.no, None, &Step::Freeze(some(&[1]))).await;
    let Some(Versioned::Done(paused)) = tell(BroadcastCommand::Pause, Expected::Version(record.version)).await else {
        unreachable!("it runs");
    };
    assert_eq!(
        (paused.state, paused.page.clone()),
        (BroadcastState::Paused, Some(some(&[1])))
    );
    let sent = PageSent {
        server_id: "m1".to_owned(),
        accounts: some(&[1]),
    };
    let rests = step(&store, record.no, Some(&sent), &Step::Freeze(some(&[2]))).await;
    assert_eq!(
        (rests.state, rests.page.clone(), rests.accounts),
        (BroadcastState::Paused, None, 1)
    );
    let not_again = step(&store, record.no, Some(&sent), &Step::Finish).await;
    assert_eq!(
        (not_again.accounts, not_again.state),
        (1, BroadcastState::Paused),
        "it is noted once"
    );
    let Some(Versioned::Done(runs)) = tell(BroadcastCommand::Resume, Expected::Any).await else {
        unreachable!("it rests");
    };
    assert_eq!(runs.state, BroadcastState::Running);
    let Some(Versioned::Done(over)) = tell(BroadcastCommand::Cancel, Expected::Any).await else {
        unreachable!("it runs");
    };
    assert_eq!(
        (over.state, over.done_at_ms),
        (BroadcastState::Cancelled, Some(NOW_MS + 20))
    );
    assert_eq!(
        tell(BroadcastCommand::Cancel, Expected::Any).await,
        Some(Versioned::Done(over.clone()))
    );
    assert_eq!(tell(BroadcastCommand::Resume, Expected::Any).await, None, "too late");
    let still = step(&store, record.no, None, &Step::Freeze(some(&[3]))).await;
    assert_eq!(still, over);
    let absent = store
        .command_broadcast((of.0, "none"), BroadcastCommand::Pause, Expected::Any, NOW_MS)
        .await
        .unwrap();
    assert_eq!(absent, Some(Versioned::Absent));
}

pub(crate) async fn a_crowd_is_walked_in_the_order_of_its_accounts(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    let people = accounts(&store, one, 7).await;
    accounts(&store, other, 2).await;
    let of = (one, RosterKind::Org);
    for (id, parent) in [("house", None), ("room", Some("house"))] {
        let roster = NewRoster {
            id: user(id),
            name: String::new(),
            parent: parent.map(user),
        };
        let put = store.put_roster(of, &roster, Expected::Any, NOW_MS).await.unwrap();
        assert!(matches!(put, PutRosterOutcome::Done(_, true)));
    }
    store
        .change_roster_members(of, &user("house"), &people[..2], &[])
        .await
        .unwrap();
    store
        .change_roster_members(of, &user("room"), &people[1..4], &[])
        .await
        .unwrap();
    let rosters = store
        .roster_and_below(one, RosterKind::Org, &user("house"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rosters.len(), 2);
    assert_eq!(
        store
            .roster_and_below(other, RosterKind::Org, &user("house"))
            .await
            .unwrap(),
        None
    );
    let group = NewGroup {
        tenant: one,
        id: "team".parse().unwrap(),
        name: "Team".to_owned(),
        members: [people[6], people[4]]
            .map(|account| NewMember {
                account,
                role: Role::Member,
            })
            .to_vec(),
    };
    let CreateGroupOutcome::Created(group) = store.create_group(&group, &Terms::at(NOW_MS)).await.unwrap() else {
        unreachable!("it is new");
    };
    store.remove_user(people[5], NOW_MS).await.unwrap();
    for (crowd, expected) in [
        (Crowd::Tenant(one), [&people[..5], &people[6..]].concat()),
        (Crowd::Roster(rosters[0]), people[..2].to_vec()),
        (Crowd::Roster(rosters[1]), people[1..4].to_vec()),
        (Crowd::Group(group), vec![people[4], people[6]]),
    ] {
        let (mut walked, mut after) = (Vec::new(), AccountNo(0));
        loop {
            let page = store.accounts_after(&crowd, after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = *last;
            walked.extend(page);
        }
        assert_eq!(walked, expected, "{crowd:?}");
    }
    assert_eq!(store.accounts_in_rosters(&rosters, &people).await.unwrap(), people[..4]);
}

pub(crate) async fn what_became_of_a_page_is_counted(store: Store) {
    let tenant = tenant(&store).await;
    let people = accounts(&store, tenant, 3).await;
    let phone = made(&store, &device(tenant, people[0], "code", "a")).await;
    let retired = made(&store, &device(tenant, people[1], "other", "b")).await;
    store.retire_device(retired, NOW_MS).await.unwrap();
    assert_eq!(store.devices_of_all(&people).await.unwrap(), [(people[0], phone)]);
    let talk = ConversationKey::broadcast(tenant, godwit_model::AppNo(1));
    for (account, read_up_to) in [(people[0], 4), (people[1], 3)] {
        let read = ConversationState {
            conversation: talk,
            read_up_to,
            unread: 0,
        };
        store.mark_read(account, &read, None).await.unwrap();
    }
    assert_eq!(store.count_readers(talk, 4, &people).await.unwrap(), 1);
    assert_eq!(store.count_readers(talk, 3, &people[1..]).await.unwrap(), 1);
    let line = |account, outcome: &str, attempt| LedgerLine {
        at_ms: NOW_MS,
        tenant,
        account,
        device: DeviceNo(1),
        server_id: "m1".to_owned(),
        outcome: outcome.to_owned(),
        attempt,
        ..LedgerLine::default()
    };
    let lines = [
        line(people[0], "retry", 1),
        line(people[0], "accepted", 2),
        line(people[0], "accepted", 3),
        line(people[1], "not_due", 0),
    ];
    store.write_push_ledger(&lines).await.unwrap();
    let mut outcomes = store.push_outcomes("m1").await.unwrap();
    outcomes.sort();
    assert_eq!(
        outcomes,
        [(people[0], "accepted".to_owned()), (people[0], "retry".to_owned())]
    );
}
