//! Tickets work once, for a time, and for the code they name.

use godwit_model::Refusal;
use godwit_registry::Proof;

use crate::house::{House, NOON_MS, TENANT, assert_refused, registration, user};

#[tokio::test]
async fn of_fifty_uses_at_once_exactly_one_wins() {
    let house = House::new().await;
    let ticket = house.ticket("alice").await;
    let uses = (0..50).map(|at| {
        let (registry, ticket) = (house.registry.clone(), ticket.clone());
        tokio::spawn(async move {
            registry
                .register_device(registration(&format!("code-{at}")), Proof::Ticket(ticket))
                .await
        })
    });
    let mut won = 0;
    for one in uses.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert_eq!(error.refusal(), Some(Refusal::TicketInvalid), "{error}"),
        }
    }
    assert_eq!(won, 1);
    let alice = house
        .registry
        .account_of_user(TENANT, &user("alice"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(house.registry.devices_of(alice.no).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_ticket_lives_to_its_last_millisecond_and_no_longer() {
    let house = House::new().await;
    for (late_ms, works) in [(9_999, true), (10_000, false)] {
        house.clock.set(NOON_MS);
        let issued = house
            .registry
            .issue_ticket(house.app(), &user("alice"), None, Some(10))
            .await
            .unwrap();
        assert_eq!(issued.expires_at_ms, NOON_MS + 10_000);
        house.clock.set(NOON_MS + late_ms);
        let result = house
            .registry
            .register_device(registration("code-1"), Proof::Ticket(issued.ticket))
            .await;
        if works {
            assert!(result.is_ok());
        } else {
            assert_refused(result, Refusal::TicketInvalid);
        }
    }
}

#[tokio::test]
async fn a_ticket_that_names_a_code_registers_no_other() {
    let house = House::new().await;
    let ticket = house.ticket_for("alice", "code-1").await;
    let wrong = house
        .registry
        .register_device(registration("code-2"), Proof::Ticket(ticket.clone()))
        .await;
    assert_refused(wrong, Refusal::TicketInvalid);
    let right = house
        .registry
        .register_device(registration("code-1"), Proof::Ticket(ticket))
        .await;
    assert_eq!(right.unwrap().device.account.user, user("alice"));
}

#[tokio::test]
async fn what_is_no_ticket_is_refused() {
    let house = House::new().await;
    let ticket = house.ticket("alice").await;
    for text in ["", "gwt_", &ticket.replace("gwt", "gwd"), &format!("{ticket} ")] {
        let result = house
            .registry
            .register_device(registration("code-1"), Proof::Ticket(text.to_owned()))
            .await;
        assert_refused(result, Refusal::TicketInvalid);
    }
}

#[tokio::test]
async fn the_life_of_a_ticket_has_bounds_and_a_default() {
    let house = House::new().await;
    for ttl_s in [0, 3_601, u64::MAX] {
        let result = house
            .registry
            .issue_ticket(house.app(), &user("alice"), None, Some(ttl_s))
            .await;
        assert_refused(result, Refusal::InvalidField);
    }
    let issued = house
        .registry
        .issue_ticket(house.app(), &user("alice"), None, None)
        .await
        .unwrap();
    assert_eq!(issued.expires_at_ms, NOON_MS + 300_000);
}

#[tokio::test]
async fn a_ticket_makes_the_account_once() {
    let house = House::new().await;
    assert_eq!(
        house.registry.account_of_user(TENANT, &user("alice")).await.unwrap(),
        None
    );
    house.ticket("alice").await;
    let alice = house
        .registry
        .account_of_user(TENANT, &user("alice"))
        .await
        .unwrap()
        .unwrap();
    house.ticket("alice").await;
    house.ticket("bob").await;
    let bob = house
        .registry
        .account_of_user(TENANT, &user("bob"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        house.registry.accounts_of_tenant(TENANT).await.unwrap(),
        [alice.no, bob.no]
    );
    assert_eq!(
        house.registry.account_by_id(&alice.account_id).await.unwrap(),
        Some(alice)
    );
    assert_eq!(house.registry.account_by_id("nobody").await.unwrap(), None);
}
