//! A vendor's token lives on one device at a time.

use godwit_model::{DeviceNo, Refusal};
use godwit_registry::Registration;

use crate::house::{House, assert_refused, fcm, registration};

#[tokio::test]
async fn a_push_token_registered_elsewhere_leaves_the_former_device() {
    let house = House::new().await;
    let with = |code: &str| Registration {
        push: Some(fcm("push-1")),
        ..registration(code)
    };
    let alice = house.register("alice", with("code-1")).await.unwrap().device.no;
    let bob = house.register("bob", with("code-2")).await.unwrap().device.no;
    assert_eq!(house.registry.push_token(alice).await.unwrap(), None);
    assert_eq!(house.registry.push_token(bob).await.unwrap(), Some(fcm("push-1")));
    house.registry.set_push_token(alice, fcm("push-1")).await.unwrap();
    assert_eq!(house.registry.push_token(alice).await.unwrap(), Some(fcm("push-1")));
    assert_eq!(house.registry.push_token(bob).await.unwrap(), None);
}

#[tokio::test]
async fn registering_again_without_a_push_token_keeps_it_and_with_one_replaces_it() {
    let house = House::new().await;
    let phone = house.phone("alice", "code-1").await.device.no;
    house.registry.set_push_token(phone, fcm("push-1")).await.unwrap();
    house.phone("alice", "code-1").await;
    assert_eq!(house.registry.push_token(phone).await.unwrap(), Some(fcm("push-1")));
    house
        .register(
            "alice",
            Registration {
                push: Some(fcm("push-2")),
                ..registration("code-1")
            },
        )
        .await
        .unwrap();
    assert_eq!(house.registry.push_token(phone).await.unwrap(), Some(fcm("push-2")));
    house.registry.remove_push_token(phone).await.unwrap();
    house.registry.remove_push_token(phone).await.unwrap();
    assert_eq!(house.registry.push_token(phone).await.unwrap(), None);
}

#[tokio::test]
async fn a_device_that_is_gone_takes_no_push_settings() {
    let house = House::new().await;
    let phone = house.phone("alice", "code-1").await.device.no;
    house.registry.set_push_enabled(phone, false).await.unwrap();
    house.registry.retire_device(phone).await.unwrap();
    for no in [phone, DeviceNo(999)] {
        assert_refused(
            house.registry.set_push_token(no, fcm("push-1")).await,
            Refusal::NotFound,
        );
        assert_refused(house.registry.set_push_enabled(no, true).await, Refusal::NotFound);
    }
}
