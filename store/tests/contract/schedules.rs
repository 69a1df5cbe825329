//! Messages that wait for their time.

use godwit_model::{AccountNo, TenantNo};
use godwit_store::{Expected, NewSchedule, ScheduleChange, ScheduleState, SchedulesOf, Store, Versioned};

use crate::people::{NOW_MS, tenant};

fn new(tenant: TenantNo, id: &str, due_at_ms: u64) -> NewSchedule {
    NewSchedule {
        id: id.to_owned(),
        tenant,
        author: "ann".to_owned(),
        app: None,
        account: Some(AccountNo(7)),
        device_id: Some("d1".to_owned()),
        draft_id: format!("draft-{id}"),
        fingerprint: u128::MAX - 5,
        draft: "{}".to_owned(),
        lifetime_ms: Some(5),
        created_at_ms: NOW_MS,
        due_at_ms,
    }
}

pub(crate) async fn a_schedule_is_kept_once_whoever_asks_first(store: Store) {
    let tenant = tenant(&store).await;
    let asks = (0..10).map(|at| {
        let (store, id) = (store.clone(), format!("id{at}"));
        let new = NewSchedule {
            draft_id: "same".to_owned(),
            ..new(tenant, &id, NOW_MS + at)
        };
        tokio::spawn(async move { store.keep_schedule(&new, 99).await.unwrap().unwrap() })
    });
    let mut kept = Vec::new();
    for ask in asks.collect::<Vec<_>>() {
        kept.push(ask.await.unwrap());
    }
    assert_eq!(kept.iter().filter(|(_, is_new)| *is_new).count(), 1);
    let first = kept[0].0.clone();
    assert!(kept.iter().all(|(record, _)| *record == first));
    assert_eq!(
        (first.asked.fingerprint, first.state, first.version),
        (u128::MAX - 5, ScheduleState::Pending, 1)
    );
    let of_bob = NewSchedule {
        draft_id: "same".to_owned(),
        author: "bob".to_owned(),
        ..new(tenant, "other", NOW_MS)
    };
    assert!(
        store.keep_schedule(&of_bob, 1).await.unwrap().unwrap().1,
        "another author's is another one"
    );
}

pub(crate) async fn what_is_due_is_claimed_in_the_order_of_its_time(store: Store) {
    let tenant = tenant(&store).await;
    assert_eq!(store.next_schedule_due_ms().await.unwrap(), None);
    for (id, due_ms) in [
        ("c", NOW_MS + 3),
        ("a", NOW_MS + 1),
        ("b", NOW_MS + 2),
        ("z", NOW_MS + 99),
    ] {
        store
            .keep_schedule(&new(tenant, id, due_ms), 99)
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(store.next_schedule_due_ms().await.unwrap(), Some(NOW_MS + 1));
    assert!(store.claim_schedules(NOW_MS, 10).await.unwrap().is_empty());
    let ids = |claimed: Vec<godwit_store::ScheduleRecord>| -> Vec<String> {
        claimed.into_iter().map(|record| record.asked.id).collect()
    };
    assert_eq!(ids(store.claim_schedules(NOW_MS + 50, 2).await.unwrap()), ["a", "b"]);
    assert_eq!(
        ids(store.claim_schedules(NOW_MS + 50, 2).await.unwrap()),
        ["c"],
        "the others are taken"
    );
    assert_eq!(store.next_schedule_due_ms().await.unwrap(), Some(NOW_MS + 99));
    assert_eq!(store.release_schedules().await.unwrap(), 3);
    let again = store.claim_schedules(NOW_MS + 50, 10).await.unwrap();
    let settled = [
        (again[0].no, Ok("server".to_owned())),
        (again[1].no, Err("user_not_found".to_owned())),
    ];
    store.settle_schedules(&settled, NOW_MS + 60).await.unwrap();
    let of = async |state| {
        let which = SchedulesOf {
            tenant,
            account: Some(AccountNo(7)),
            state: Some(state),
        };
        store.schedules(&which, "", 10).await.unwrap()
    };
    let sent = of(ScheduleState::Sent).await;
    assert_eq!((sent.len(), sent[0].server_id.as_deref()), (1, Some("server")));
    assert_eq!(
        of(ScheduleState::Refused).await[0].code.as_deref(),
        Some("user_not_found")
    );
    assert_eq!(of(ScheduleState::Sending).await.len(), 1);
    assert_eq!(store.trim_schedules(NOW_MS + 60).await.unwrap(), 0);
    assert_eq!(store.trim_schedules(NOW_MS + 61).await.unwrap(), 2);
    assert_eq!(of(ScheduleState::Sent).await.len(), 0);
    assert_eq!(of(ScheduleState::Pending).await.len(), 1, "what waits is not forgotten");
}

pub(crate) async fn only_what_waits_is_changed_or_cancelled(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    for id in ["a", "b"] {
        store
            .keep_schedule(&new(one, id, NOW_MS + 10), 99)
            .await
            .unwrap()
            .unwrap();
    }
    let later = ScheduleChange::Change {
        due_at_ms: NOW_MS + 500,
        draft: "[]".to_owned(),
    };
    let cancel = ScheduleChange::Cancel(NOW_MS);
    let change = async |id: &str, change: &ScheduleChange, expected| {
        store.change_schedule(one, id, change, expected).await.unwrap()
    };
    let Some(Versioned::Done(changed)) = change("a", &later, Expected::Version(1)).await else {
        unreachable!("it waits");
    };
    assert_eq!(
        (changed.asked.due_at_ms, &*changed.asked.draft, changed.version),
        (NOW_MS + 500, "[]", 2)
    );
    assert_eq!(
        change("a", &later, Expected::Version(1)).await,
        Some(Versioned::Differs)
    );
    assert_eq!(change("none", &later, Expected::Any).await, Some(Versioned::Absent));
    let theirs = store.change_schedule(other, "a", &cancel, Expected::Any).await.unwrap();
    assert_eq!(theirs, Some(Versioned::Absent));
    store.claim_schedules(NOW_MS + 10, 10).await.unwrap();
    assert_eq!(change("b", &cancel, Expected::Any).await, None, "it is being sent");
    assert!(matches!(
        change("a", &cancel, Expected::Any).await,
        Some(Versioned::Done(_))
    ));
    assert_eq!(change("a", &later, Expected::Any).await, None, "it is cancelled");
    assert!(store.claim_schedules(NOW_MS + 900, 10).await.unwrap().is_empty());
}

pub(crate) async fn an_author_has_so_many_that_wait_and_no_more(store: Store) {
    let tenant = tenant(&store).await;
    store
        .keep_schedule(&new(tenant, "a", NOW_MS + 1), 2)
        .await
        .unwrap()
        .unwrap();
    let (second, _) = store
        .keep_schedule(&new(tenant, "b", NOW_MS + 2), 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store.keep_schedule(&new(tenant, "c", NOW_MS + 3), 2).await.unwrap(),
        None
    );
    let (same, is_new) = store
        .keep_schedule(&new(tenant, "b", NOW_MS + 9), 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((same, is_new), (second.clone(), false), "one that is there is found");
    let page = store.unsent_drafts(0, 1).await.unwrap();
    let rest = store.unsent_drafts(page[0].no, 9).await.unwrap();
    let names = [&page[0], &rest[0]].map(|draft| (draft.author.as_str(), draft.draft_id.as_str()));
    assert_eq!((names, rest.len()), ([("ann", "draft-a"), ("ann", "draft-b")], 1));
    store.claim_schedules(NOW_MS + 1, 9).await.unwrap();
    store
        .keep_schedule(&new(tenant, "c", NOW_MS + 3), 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(store.unsent_drafts(0, 9).await.unwrap().len(), 3, "one is being sent");
    for (draft, there) in [("draft-a", true), ("draft-z", false)] {
        assert_eq!(store.has_schedule_of_draft(tenant, "ann", draft).await.unwrap(), there);
    }
    assert!(!store.has_schedule_of_draft(tenant, "bob", "draft-a").await.unwrap());
}

pub(crate) async fn what_belongs_to_a_suspended_tenant_waits(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    for (tenant, id) in [(one, "a"), (other, "b")] {
        store
            .keep_schedule(&new(tenant, id, NOW_MS + 1), 9)
            .await
            .unwrap()
            .unwrap();
    }
    let suspend = async |suspended| {
        let done = store
            .suspend_tenant(one, suspended, Expected::Any, NOW_MS)
            .await
            .unwrap();
        let Versioned::Done(tenant) = done else {
            unreachable!("it is there")
        };
        tenant
    };
    let suspended = suspend(true).await;
    assert_eq!((suspended.suspended_at_ms, suspended.version), (Some(NOW_MS), 2));
    assert_eq!(suspend(true).await, suspended, "it is so already");
    let differs = store
        .suspend_tenant(one, false, Expected::Version(1), NOW_MS)
        .await
        .unwrap();
    assert_eq!(differs, Versioned::Differs);
    let ids = |claimed: Vec<godwit_store::ScheduleRecord>| -> Vec<String> {
        claimed.into_iter().map(|record| record.asked.id).collect()
    };
    assert_eq!(ids(store.claim_schedules(NOW_MS + 9, 9).await.unwrap()), ["b"]);
    assert_eq!(store.next_schedule_due_ms().await.unwrap(), None);
    assert_eq!(suspend(false).await.suspended_at_ms, None);
    assert_eq!(store.next_schedule_due_ms().await.unwrap(), Some(NOW_MS + 1));
    assert_eq!(ids(store.claim_schedules(NOW_MS + 9, 9).await.unwrap()), ["a"]);
}
