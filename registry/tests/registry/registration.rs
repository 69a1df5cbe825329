//! Who keeps a device, who may take one over, and what is carried over: nothing.

use godwit_model::Refusal;
use godwit_registry::{Proof, Registration};

use crate::house::{House, TENANT, assert_refused, cheap, fcm, registration, user};

#[tokio::test]
async fn starting_the_app_again_keeps_the_device() {
    let house = House::new().await;
    let first = house.phone("alice", "code-1").await;
    assert!(first.created && first.device.first_of_account);
    let by_ticket = house.phone("alice", "code-1").await;
    let proof = Proof::DeviceToken(by_ticket.device_token.clone());
    let by_token = house
        .registry
        .register_device(registration("code-1"), proof)
        .await
        .unwrap();
    for again in [&by_ticket, &by_token] {
        assert_eq!(
            (again.device.no, &again.device.device_id),
            (first.device.no, &first.device.device_id)
        );
        assert!(!again.created && again.retired.is_empty() && again.device.first_of_account);
    }
    assert_ne!(by_ticket.device_token, first.device_token);
    assert_ne!(by_token.device_token, by_ticket.device_token);
    assert_eq!(first.device.device_id.len(), 26);
    assert!(
        first
            .device_token
            .starts_with(&format!("gwd_{}_", first.device.device_id))
    );
}

#[tokio::test]
async fn the_older_token_stops_when_the_new_one_is_first_used() {
    let house = House::new().await;
    let old = house.phone("alice", "code-1").await.device_token;
    let new = house.phone("alice", "code-1").await.device_token;
    assert!(house.is_good(&old).await, "the new one was not used yet");
    assert!(house.is_good(&new).await);
    assert!(!house.is_good(&old).await);
    assert!(house.is_good(&new).await);
}

#[tokio::test]
async fn a_fresh_token_that_was_never_used_gives_way_to_the_next_one() {
    let house = House::new().await;
    let first = house.phone("alice", "code-1").await.device_token;
    let lost = house.phone("alice", "code-1").await.device_token;
    let last = house.phone("alice", "code-1").await.device_token;
    assert!(!house.is_good(&lost).await);
    assert!(house.is_good(&first).await);
    assert!(house.is_good(&last).await);
    assert!(!house.is_good(&first).await);
}

#[tokio::test]
async fn first_used_by_many_at_once_the_new_token_is_good_for_all_of_them() {
    let house = House::new().await;
    house.phone("alice", "code-1").await;
    let new = house.phone("alice", "code-1").await.device_token;
    let all = (0..20).map(|_| {
        let (registry, token) = (house.registry.clone(), new.clone());
        tokio::spawn(async move { registry.authenticate_device_token(&token).await.is_ok() })
    });
    for one in all.collect::<Vec<_>>() {
        assert!(one.await.unwrap());
    }
}

#[tokio::test]
async fn another_user_does_not_get_the_device_without_proof() {
    let house = House::new().await;
    let push = Some(fcm("push-1"));
    let alice = house
        .register(
            "alice",
            Registration {
                push: push.clone(),
                ..registration("code-1")
            },
        )
        .await
        .unwrap();
    let other = house.phone("carol", "code-2").await.device_token;
    let attempts = [
        registration("code-1"),
        Registration {
            push: Some(fcm("push-2")),
            ..registration("code-1")
        },
        Registration {
            previous_token: Some("gwd_x_y".to_owned()),
            ..registration("code-1")
        },
        Registration {
            previous_token: Some(other.clone()),
            ..registration("code-1")
        },
        Registration {
            previous_token: Some(forged(&alice.device_token)),
            ..registration("code-1")
        },
    ];
    for attempt in attempts {
        assert_refused(house.register("bob", attempt).await, Refusal::DeviceOwned);
    }
    assert!(house.is_good(&alice.device_token).await);
    let kept = house.registry.push_token(alice.device.no).await.unwrap();
    assert_eq!(kept, push, "a refused registration moves no push token either");
}

#[tokio::test]
async fn a_refused_registration_leaves_the_ticket_good() {
    let house = House::new().await;
    house.phone("alice", "code-1").await;
    let ticket = house.ticket("bob").await;
    let refused = house
        .registry
        .register_device(registration("code-1"), Proof::Ticket(ticket.clone()))
        .await;
    assert_refused(refused, Refusal::DeviceOwned);
    assert!(
        house
            .registry
            .register_device(registration("code-2"), Proof::Ticket(ticket))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn each_proof_moves_the_code_to_a_new_record_and_retires_the_old_one() {
    for proof in [
        "former token",
        "fresh former token",
        "push token",
        "ticket that names the code",
    ] {
        let house = House::new().await;
        house.phone("bob", "bobs-own").await;
        let start = Registration {
            push: Some(fcm("push-1")),
            ..registration("code-1")
        };
        let old = house.register("alice", start).await.unwrap();
        let fresh = house.phone("alice", "code-1").await.device_token;
        let mut moving = registration("code-1");
        let mut ticket = house.ticket("bob").await;
        match proof {
            "former token" => moving.previous_token = Some(old.device_token.clone()),
            "fresh former token" => moving.previous_token = Some(fresh.clone()),
            "push token" => moving.push = Some(fcm("push-1")),
            _ => ticket = house.ticket_for("bob", "code-1").await,
        }
        let new = house
            .registry
            .register_device(moving, Proof::Ticket(ticket))
            .await
            .unwrap();
        assert!(new.created, "{proof}");
        assert_eq!(new.retired, [old.device.no], "{proof}");
        assert_ne!(new.device.device_id, old.device.device_id, "{proof}");
        assert_eq!(new.device.account.user, user("bob"), "{proof}");
        assert!(!new.device.first_of_account, "{proof}");
        assert!(
            !house.is_good(&old.device_token).await && !house.is_good(&fresh).await,
            "{proof}"
        );
        assert!(house.is_good(&new.device_token).await, "{proof}");
        let gone = house.registry.device(TENANT, &old.device.device_id).await.unwrap();
        assert_eq!(gone, None, "{proof}");
        assert_eq!(house.registry.push_token(old.device.no).await.unwrap(), None, "{proof}");
    }
}

#[tokio::test]
async fn a_device_that_comes_home_is_a_new_record_again() {
    let house = House::new().await;
    let alice = house.phone("alice", "code-1").await;
    let ticket = house.ticket_for("bob", "code-1").await;
    let bob = house
        .registry
        .register_device(registration("code-1"), Proof::Ticket(ticket))
        .await
        .unwrap();
    let back = Registration {
        previous_token: Some(bob.device_token.clone()),
        ..registration("code-1")
    };
    let home = house.register("alice", back).await.unwrap();
    assert_ne!(home.device.no, alice.device.no);
    assert_eq!(home.retired, [bob.device.no]);
    assert!(!home.device.first_of_account);
}

#[tokio::test]
async fn a_device_token_renews_its_own_code_only() {
    let house = House::new().await;
    let alice = house.phone("alice", "code-1").await;
    let proof = Proof::DeviceToken(alice.device_token.clone());
    assert_refused(
        house.registry.register_device(registration("code-2"), proof).await,
        Refusal::Forbidden,
    );
    let proof = Proof::DeviceToken(forged(&alice.device_token));
    assert_refused(
        house.registry.register_device(registration("code-1"), proof).await,
        Refusal::Unauthenticated,
    );
}

#[tokio::test]
async fn the_same_code_is_free_in_another_tenant() {
    let house = House::new().await;
    let alice = house.phone("alice", "code-1").await;
    let tenant = house.registry.create_tenant("second").await.unwrap();
    let app = house.registry.create_app(tenant, "app", &[]).await.unwrap().app;
    let ticket = house
        .registry
        .issue_ticket(&app, &user("alice"), None, None)
        .await
        .unwrap()
        .ticket;
    let other = house
        .registry
        .register_device(registration("code-1"), Proof::Ticket(ticket))
        .await
        .unwrap();
    assert_ne!(other.device.account.no, alice.device.account.no);
    assert_eq!(
        house.registry.device(tenant, &alice.device.device_id).await.unwrap(),
        None
    );
    assert!(house.is_good(&alice.device_token).await && house.is_good(&other.device_token).await);
}

#[tokio::test]
async fn one_code_registered_by_many_at_once_is_one_device() {
    let house = House::new().await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let (registry, ticket) = (house.registry.clone(), house.ticket("alice").await);
        tasks.push(tokio::spawn(async move {
            registry
                .register_device(registration("code-1"), Proof::Ticket(ticket))
                .await
                .unwrap()
        }));
    }
    let mut created = 0;
    let mut numbers = Vec::new();
    for task in tasks {
        let registered = task.await.unwrap();
        created += usize::from(registered.created);
        numbers.push(registered.device.no);
    }
    numbers.dedup();
    assert_eq!((created, numbers.len()), (1, 1));
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_devices() {
    let house = House::with(godwit_registry::Settings {
        devices_per_account_max: 2,
        ..cheap()
    })
    .await;
    let first = house.phone("alice", "code-1").await;
    let second = house.phone("alice", "code-2").await;
    assert!(first.device.first_of_account && !second.device.first_of_account);
    assert_refused(
        house.register("alice", registration("code-3")).await,
        Refusal::Forbidden,
    );
    house.registry.retire_device(first.device.no).await.unwrap();
    assert!(house.register("alice", registration("code-3")).await.is_ok());
}

#[tokio::test]
async fn fields_outside_their_rules_are_refused() {
    let house = House::new().await;
    let long = "x".repeat(256);
    for bad in [
        registration(""),
        registration(&long),
        registration("a\0b"),
        Registration {
            model: long.clone(),
            ..registration("code")
        },
        Registration {
            app_version: "1\n2".to_owned(),
            ..registration("code")
        },
        Registration {
            language: Some(long.clone()),
            ..registration("code")
        },
        Registration {
            push: Some(fcm("")),
            ..registration("code")
        },
    ] {
        assert_refused(house.register("alice", bad).await, Refusal::InvalidField);
    }
}

/// A token of the same device with another secret.
fn forged(token: &str) -> String {
    let last = if token.ends_with('A') { 'B' } else { 'A' };
    let mut forged = token.to_owned();
    forged.pop();
    forged.push(last);
    forged
}
