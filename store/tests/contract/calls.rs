//! Webhooks, what waits for them, events that are noted, and hooks.

use godwit_model::{ServerId, TenantNo};
use godwit_store::{
    Delivery, DeliveryState, Expected, HookSays, NewWebhook, SettledDelivery, Store, StoredEvent, Tried, Versioned,
    WebhookChange, WebhookProgress, WebhookRecord, WebhookSays,
};

use crate::people::{NOW_MS, tenant};

fn says(url: &str) -> WebhookSays {
    WebhookSays {
        url: url.to_owned(),
        kinds: "message.accepted".to_owned(),
        description: String::new(),
        enabled: true,
    }
}

fn new(tenant: TenantNo, id: &str) -> NewWebhook {
    NewWebhook {
        id: id.to_owned(),
        tenant,
        says: says("https://example.org/"),
        secret: vec![1],
        log_cursor: ServerId(u128::MAX - 7),
        event_cursor: 5,
        created_at_ms: NOW_MS,
    }
}

async fn made(store: &Store, tenant: TenantNo, id: &str) -> WebhookRecord {
    store.create_webhook(&new(tenant, id), 9).await.unwrap().unwrap()
}

fn delivery(id: &str) -> Delivery {
    Delivery {
        no: 0,
        event_id: id.to_owned(),
        kind: "message.accepted".to_owned(),
        server_id: Some(ServerId(u128::MAX - 1)),
        data: None,
        event_at_ms: NOW_MS,
        attempts: 1,
        first_at_ms: NOW_MS,
        next_at_ms: NOW_MS + 10,
        state: DeliveryState::Waiting,
        status: Some(500),
        detail: "no".to_owned(),
    }
}

fn tried(id: &str) -> Tried {
    Tried {
        no: 0,
        event_id: id.to_owned(),
        kind: "message.accepted".to_owned(),
        attempt: 1,
        at_ms: NOW_MS,
        outcome: "failed".to_owned(),
        status: None,
        detail: "no".to_owned(),
        latency_ms: 3,
    }
}

pub(crate) async fn a_webhook_is_kept_changed_and_removed(store: Store) {
    let tenant = tenant(&store).await;
    let webhook = made(&store, tenant, "w1").await;
    assert_eq!((webhook.made.clone(), webhook.version), (new(tenant, "w1"), 1));
    assert!(store.create_webhook(&new(tenant, "w2"), 1).await.unwrap().is_none());
    assert_eq!(store.webhook(tenant, "w1").await.unwrap().unwrap(), webhook);
    assert!(store.webhook(TenantNo(99), "w1").await.unwrap().is_none());
    let change = WebhookChange::Says(says("https://other.example.org/"));
    let differs = store
        .change_webhook(tenant, "w1", &change, Expected::Version(7))
        .await
        .unwrap();
    assert_eq!(differs, Versioned::Differs);
    let changed = store
        .change_webhook(tenant, "w1", &change, Expected::Version(1))
        .await
        .unwrap();
    assert!(matches!(changed, Versioned::Done(ref changed) if changed.version == 2 && changed.made.secret == [1]));
    let secret = WebhookChange::Secret(vec![2], NOW_MS + 5);
    let changed = store
        .change_webhook(tenant, "w1", &secret, Expected::Any)
        .await
        .unwrap();
    let Versioned::Done(changed) = changed else {
        unreachable!()
    };
    assert_eq!(
        (changed.made.secret, changed.former),
        (vec![2], Some((vec![1], NOW_MS + 5)))
    );
    store.disable_webhook(webhook.no, "gone").await.unwrap();
    let off = store.webhook(tenant, "w1").await.unwrap().unwrap();
    assert_eq!(
        (off.made.says.enabled, off.disabled_because.as_deref()),
        (false, Some("gone"))
    );
    let progress = WebhookProgress {
        parked: vec![delivery("e1")],
        tried: vec![tried("e1")],
        ..WebhookProgress::default()
    };
    assert!(store.advance_webhook(webhook.no, &progress).await.unwrap());
    let removed = store.remove_webhook(tenant, "w1", Expected::Any).await.unwrap();
    assert_eq!(removed, Versioned::Done(webhook.no));
    assert!(
        !store.advance_webhook(webhook.no, &progress).await.unwrap(),
        "it is gone"
    );
    assert!(store.every_webhook().await.unwrap().is_empty());
    assert_eq!(
        store.remove_webhook(tenant, "w1", Expected::Any).await.unwrap(),
        Versioned::Absent
    );
}

pub(crate) async fn a_round_with_a_webhook_is_one_change(store: Store) {
    let tenant = tenant(&store).await;
    let no = made(&store, tenant, "w1").await.no;
    let other = made(&store, tenant, "w2").await.no;
    let many: Vec<_> = (0..120).map(|at| delivery(&format!("e{at:03}"))).collect();
    let progress = WebhookProgress {
        log_cursor: Some(ServerId(77)),
        event_cursor: Some(8),
        parked: many.clone(),
        settled: Vec::new(),
        tried: (0..120).map(|at| tried(&format!("e{at:03}"))).collect(),
    };
    store.advance_webhook(no, &progress).await.unwrap();
    // Once more, as after a crash: what waits already stays as it is.
    store.advance_webhook(no, &progress).await.unwrap();
    let webhook = store.webhook(tenant, "w1").await.unwrap().unwrap();
    assert_eq!((webhook.made.log_cursor, webhook.made.event_cursor), (ServerId(77), 8));
    let waiting = store
        .webhook_deliveries(no, DeliveryState::Waiting, 0, 500)
        .await
        .unwrap();
    assert_eq!(waiting.len(), 120);
    let numbered = Delivery {
        no: waiting[0].no,
        ..many[0].clone()
    };
    assert_eq!(waiting[0], numbered);
    assert!(
        store
            .webhook_deliveries(other, DeliveryState::Waiting, 0, 5)
            .await
            .unwrap()
            .is_empty()
    );
    let again = Delivery {
        attempts: 2,
        next_at_ms: NOW_MS + 99,
        ..waiting[1].clone()
    };
    let settled = WebhookProgress {
        settled: vec![
            SettledDelivery::Done(waiting[0].no),
            SettledDelivery::Again(Box::new(again.clone())),
        ],
        ..WebhookProgress::default()
    };
    store.advance_webhook(no, &settled).await.unwrap();
    let left = store
        .webhook_deliveries(no, DeliveryState::Waiting, 0, 2)
        .await
        .unwrap();
    assert_eq!(left, [again, waiting[2].clone()]);
    store.hurry_webhook(no, NOW_MS + 1).await.unwrap();
    let left = store
        .webhook_deliveries(no, DeliveryState::Waiting, 0, 500)
        .await
        .unwrap();
    assert!(left.iter().all(|left| left.next_at_ms == NOW_MS + 1));
    let log = store.webhook_attempts(no, None, 2).await.unwrap();
    assert!(log[0].no > log[1].no);
    let older = store.webhook_attempts(no, Some(log[1].no), 500).await.unwrap();
    assert_eq!(older.len(), 238);
}

pub(crate) async fn dead_events_come_back_by_request(store: Store) {
    let tenant = tenant(&store).await;
    let no = made(&store, tenant, "w1").await.no;
    let dead = |id| Delivery {
        state: DeliveryState::Dead,
        ..delivery(id)
    };
    let progress = WebhookProgress {
        parked: vec![dead("e1"), dead("e2"), dead("e3")],
        tried: vec![tried("e1")],
        ..WebhookProgress::default()
    };
    store.advance_webhook(no, &progress).await.unwrap();
    let found = store.webhook_deliveries(no, DeliveryState::Dead, 0, 9).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(
        store
            .revive_deliveries(no, Some(&[found[1].no, 4_000]), NOW_MS + 3)
            .await
            .unwrap(),
        1
    );
    let waiting = store
        .webhook_deliveries(no, DeliveryState::Waiting, 0, 9)
        .await
        .unwrap();
    assert_eq!(
        (waiting[0].event_id.as_str(), waiting[0].attempts, waiting[0].next_at_ms),
        ("e2", 0, NOW_MS + 3)
    );
    assert_eq!(store.trim_webhooks(NOW_MS + 1, NOW_MS).await.unwrap(), 1, "the attempt");
    assert_eq!(store.revive_deliveries(no, None, NOW_MS).await.unwrap(), 2);
    store
        .advance_webhook(
            no,
            &WebhookProgress {
                parked: vec![dead("e4")],
                ..WebhookProgress::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(
        store.trim_webhooks(NOW_MS, NOW_MS + 11).await.unwrap(),
        1,
        "the dead one"
    );
}

pub(crate) async fn an_event_is_noted_once_and_numbers_ascend(store: Store) {
    let tenant = tenant(&store).await;
    let event = |id: &str, at_ms| StoredEvent {
        no: 0,
        id: id.to_owned(),
        tenant,
        kind: "receipt.read".to_owned(),
        at_ms,
        data: "{}".to_owned(),
    };
    assert_eq!(store.newest_event().await.unwrap(), 0);
    let newest = store.add_events(&[event("a", 1), event("b", 2)]).await.unwrap();
    assert_eq!(
        store.add_events(&[event("a", 9)]).await.unwrap(),
        newest,
        "it is there already"
    );
    let later = store.add_events(&[event("c", 3)]).await.unwrap();
    assert!(later > newest);
    let found = store.events_after(tenant, 0, 9).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(store.events_after(tenant, found[1].no, 9).await.unwrap(), found[2..]);
    assert!(store.events_after(TenantNo(99), 0, 9).await.unwrap().is_empty());
    assert_eq!(store.trim_events(99).await.unwrap(), 2, "the newest stays");
    assert_eq!(store.newest_event().await.unwrap(), later);
}

pub(crate) async fn a_hook_is_kept_as_it_was_said(store: Store) {
    let tenant = tenant(&store).await;
    let says = |url: &str| HookSays {
        url: url.to_owned(),
        time_limit_ms: 2_000,
        on_failure: "refuse".to_owned(),
        stale_ms: 0,
        enabled: true,
    };
    let key = (tenant, "before-send");
    let put = store
        .put_hook(key, &says("https://a/"), (&[1], NOW_MS), Expected::Absent)
        .await
        .unwrap();
    let Versioned::Done((hook, true)) = put else {
        unreachable!()
    };
    assert_eq!(
        (hook.says.clone(), hook.secret.as_slice(), hook.version),
        (says("https://a/"), &[1][..], 1)
    );
    let again = store
        .put_hook(key, &says("https://b/"), (&[9], NOW_MS), Expected::Absent)
        .await
        .unwrap();
    assert_eq!(again, Versioned::Differs);
    let again = store
        .put_hook(key, &says("https://b/"), (&[9], NOW_MS + 1), Expected::Version(1))
        .await
        .unwrap();
    let Versioned::Done((hook, false)) = again else {
        unreachable!()
    };
    assert_eq!(
        (hook.secret.as_slice(), hook.created_at_ms),
        (&[1][..], NOW_MS),
        "its secret stays"
    );
    let rotated = store.rotate_hook_secret(key, &[2], NOW_MS + 9).await.unwrap().unwrap();
    assert_eq!((rotated.secret, rotated.former), (vec![2], Some((vec![1], NOW_MS + 9))));
    assert_eq!(store.hooks(tenant).await.unwrap().len(), 1);
    assert_eq!(store.every_hook().await.unwrap().len(), 1);
    assert!(store.hooks(TenantNo(99)).await.unwrap().is_empty());
    assert_eq!(
        store
            .remove_hook(tenant, "before-send", Expected::Version(1))
            .await
            .unwrap(),
        Versioned::Differs
    );
    assert_eq!(
        store.remove_hook(tenant, "before-send", Expected::Any).await.unwrap(),
        Versioned::Done(())
    );
    assert_eq!(
        store.remove_hook(tenant, "before-send", Expected::Any).await.unwrap(),
        Versioned::Absent
    );
}
