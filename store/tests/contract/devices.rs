//! Tickets, devices and push tokens.

use godwit_model::DeviceNo;
use godwit_store::{DeviceFacts, NewDevice, NewTicket, RegisterOutcome, Store, TicketRecord};

use crate::people::{NOW_MS, account, device, facts, keep_ticket, made, push, renewal, tenant};

/// Makes devices at once, and counts those that were made; the others must end as `loser`.
async fn race(store: &Store, devices: Vec<NewDevice>, loser: RegisterOutcome) -> usize {
    let tasks: Vec<_> = devices
        .into_iter()
        .map(|new| {
            let store = store.clone();
            tokio::spawn(async move { store.create_device(&new).await.unwrap() })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            RegisterOutcome::Done(_) => won += 1,
            other => assert_eq!(other, loser),
        }
    }
    won
}

pub(crate) async fn of_many_uses_of_a_ticket_one_wins(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let ticket = keep_ticket(&store, 1, ann).await;
    let with_ticket = |at| NewDevice {
        facts: facts(Some(ticket)),
        ..device(tenant, ann, &format!("code{at}"), &format!("device{at}"))
    };
    assert_eq!(
        race(&store, (0..20).map(with_ticket).collect(), RegisterOutcome::TicketSpent).await,
        1
    );
    assert_eq!(store.devices_of(ann).await.unwrap().len(), 1);
    assert_eq!(store.ticket(&ticket, NOW_MS).await.unwrap(), None);
}

pub(crate) async fn an_expired_ticket_is_as_good_as_none(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let ticket = keep_ticket(&store, 1, ann).await;
    assert!(store.ticket(&ticket, NOW_MS + 999).await.unwrap().is_some());
    assert_eq!(store.ticket(&ticket, NOW_MS + 1_000).await.unwrap(), None);
    let late = DeviceFacts {
        now_ms: NOW_MS + 1_000,
        ..facts(Some(ticket))
    };
    let new = NewDevice {
        facts: late,
        ..device(tenant, ann, "code", "a")
    };
    assert_eq!(store.create_device(&new).await.unwrap(), RegisterOutcome::TicketSpent);
    let says = TicketRecord {
        account: ann,
        unique_code: Some("c".to_owned()),
        expires_at_ms: NOW_MS + 9_000,
    };
    let next = NewTicket {
        app: None,
        hash: [2; 32],
        says: says.clone(),
    };
    store.keep_ticket(&next, NOW_MS + 1_000).await.unwrap();
    assert_eq!(
        store.ticket(&ticket, NOW_MS).await.unwrap(),
        None,
        "the expired one was forgotten"
    );
    assert_eq!(store.ticket(&next.hash, NOW_MS).await.unwrap(), Some(says));
}

pub(crate) async fn a_code_has_one_live_device_whoever_comes_first(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let devices = (0..20)
        .map(|at| device(tenant, ann, "code", &format!("device{at}")))
        .collect();
    assert_eq!(race(&store, devices, RegisterOutcome::Changed).await, 1);
    let live = store.devices_of(ann).await.unwrap();
    assert_eq!(live.len(), 1);
    assert!(live[0].first_of_account);
    assert_eq!(
        store.device_of_code(tenant, "code").await.unwrap().as_ref(),
        live.first()
    );
    let record = store.device_by_id(&live[0].device_id).await.unwrap();
    assert_eq!(record.as_ref(), live.first());
    assert_eq!(store.device_by_no(live[0].no).await.unwrap(), record);
    assert_eq!(record.unwrap().account.no, ann);
}

pub(crate) async fn a_replaced_device_is_retired_and_nothing_is_carried_over(store: Store) {
    let tenant = tenant(&store).await;
    let (ann, bob) = (
        account(&store, tenant, "ann").await,
        account(&store, tenant, "bob").await,
    );
    let old = made(&store, &device(tenant, ann, "code", "a")).await;
    store.set_push_tokens(old, &[push(1)], NOW_MS).await.unwrap();
    store.set_push_enabled(old, false, NOW_MS).await.unwrap();
    let new = made(
        &store,
        &NewDevice {
            replaces: Some(old),
            ..device(tenant, bob, "code", "b")
        },
    )
    .await;
    assert_ne!(new, old);
    assert_eq!(store.device_by_no(old).await.unwrap(), None);
    assert_eq!(store.push_token(old).await.unwrap(), None);
    let record = store.device_by_no(new).await.unwrap().unwrap();
    assert!(record.push_enabled && record.first_of_account);
    assert_eq!(store.push_token(new).await.unwrap(), None);
    let back = made(
        &store,
        &NewDevice {
            replaces: Some(new),
            ..device(tenant, ann, "code", "c")
        },
    )
    .await;
    assert!(
        !store.device_by_no(back).await.unwrap().unwrap().first_of_account,
        "the retired one was the first"
    );
}

pub(crate) async fn a_registration_on_old_news_changes_nothing(store: Store) {
    let tenant = tenant(&store).await;
    let (ann, bob) = (
        account(&store, tenant, "ann").await,
        account(&store, tenant, "bob").await,
    );
    let ticket = keep_ticket(&store, 1, bob).await;
    let live = made(&store, &device(tenant, ann, "code", "a")).await;
    let new = NewDevice {
        facts: facts(Some(ticket)),
        ..device(tenant, bob, "code", "b")
    };
    assert_eq!(store.create_device(&new).await.unwrap(), RegisterOutcome::Changed);
    let new = NewDevice {
        replaces: Some(DeviceNo(999)),
        ..new
    };
    assert_eq!(store.create_device(&new).await.unwrap(), RegisterOutcome::Changed);
    let full = NewDevice {
        replaces: Some(live),
        devices_max: 0,
        ..new
    };
    assert_eq!(store.create_device(&full).await.unwrap(), RegisterOutcome::TooMany);
    let mut foreign = renewal(live, bob, 9);
    foreign.facts = facts(Some(ticket));
    assert_eq!(store.renew_device(&foreign).await.unwrap(), RegisterOutcome::Changed);
    assert!(store.ticket(&ticket, NOW_MS).await.unwrap().is_some());
    let kept = store.device_by_no(live).await.unwrap().unwrap();
    assert_eq!((kept.account.no, kept.next_token_hash), (ann, None));
}

pub(crate) async fn a_next_token_takes_over_once(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let no = made(&store, &device(tenant, ann, "code", "a")).await;
    assert!(
        !store.promote_token(no, &[9; 32]).await.unwrap(),
        "there is no next token"
    );
    assert_eq!(
        store.renew_device(&renewal(no, ann, 9)).await.unwrap(),
        RegisterOutcome::Done(no)
    );
    let waiting = store.device_by_no(no).await.unwrap().unwrap();
    assert_eq!(
        (waiting.token_hash, waiting.next_token_hash),
        ([b'a'; 32], Some([9; 32]))
    );
    assert!(!store.promote_token(no, &[8; 32]).await.unwrap(), "not this one");
    assert!(store.promote_token(no, &[9; 32]).await.unwrap());
    assert!(!store.promote_token(no, &[9; 32]).await.unwrap());
    let after = store.device_by_no(no).await.unwrap().unwrap();
    assert_eq!((after.token_hash, after.next_token_hash), ([9; 32], None));
}

pub(crate) async fn a_push_token_lives_on_one_device(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let mut devices = Vec::new();
    for code in ["a", "b", "c"] {
        devices.push(made(&store, &device(tenant, ann, code, code)).await);
    }
    for token in [1, 2] {
        assert!(store.set_push_tokens(devices[0], &[push(token)], NOW_MS).await.unwrap());
        let kept = store.push_token(devices[0]).await.unwrap().unwrap();
        assert_eq!((kept.token_hash, kept.sealed_token), ([token; 32], vec![token; 40]));
    }
    let tasks: Vec<_> = devices
        .iter()
        .map(|no| {
            let (store, no) = (store.clone(), *no);
            tokio::spawn(async move { store.set_push_tokens(no, &[push(2)], NOW_MS).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    let mut holders = 0;
    for no in &devices {
        holders += usize::from(store.push_token(*no).await.unwrap().is_some());
    }
    assert_eq!(holders, 1);
    store.remove_push_token(devices[0]).await.unwrap();
    assert_eq!(store.push_token(devices[0]).await.unwrap(), None);
    assert!(!store.set_push_tokens(DeviceNo(999), &[push(3)], NOW_MS).await.unwrap());
}

pub(crate) async fn a_retired_device_is_absent(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let no = made(&store, &device(tenant, ann, "code", "a")).await;
    let record = store.device_by_no(no).await.unwrap();
    assert_eq!(store.retire_device(no, NOW_MS).await.unwrap(), record);
    assert_eq!(store.retire_device(no, NOW_MS).await.unwrap(), None);
    assert_eq!(store.device_by_no(no).await.unwrap(), None);
    assert_eq!(store.device_by_id("a").await.unwrap(), None);
    assert_eq!(store.device_of_code(tenant, "code").await.unwrap(), None);
    assert!(store.devices_of(ann).await.unwrap().is_empty());
    assert!(!store.set_push_tokens(no, &[push(1)], NOW_MS).await.unwrap());
    assert!(!store.set_push_enabled(no, true, NOW_MS).await.unwrap());
    assert_eq!(
        store.renew_device(&renewal(no, ann, 9)).await.unwrap(),
        RegisterOutcome::Changed
    );
    let next = made(&store, &device(tenant, ann, "code", "b")).await;
    assert!(next > no, "numbers are not used again");
}
