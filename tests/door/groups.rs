//! Changes of groups, asked for by somebody who does not stay for the answer.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use godwit_dispatcher::history::Window;
use godwit_dispatcher::{GroupActor, Sender};
use godwit_registry::{Device, NewGroup};

use crate::house::House;

/// Lets a future be polled so many times and drops it then; whether it was done by that.
async fn dropped_after<T>(polls: usize, change: impl Future<Output = T>) -> bool {
    let mut change = pin!(change);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        left -= 1;
        match change.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn device(house: &House, user: &str) -> Arc<Device> {
    let phone = house.phone(user, "1").await;
    house
        .registry
        .authenticate_device(&phone.account, &phone.token, None)
        .await
        .unwrap()
}

/// How many entries of a device's inbox tell of this event.
async fn told(house: &House, device: &Device, event: &str) -> usize {
    let page = house
        .dispatcher
        .inbox(&device.account, None, Window::default())
        .await
        .unwrap();
    let event = format!(r#""event":"{event}""#);
    page.items
        .iter()
        .filter(|(_, entry)| entry.get().contains(&event))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn members_hear_of_a_change_whose_author_left_at_any_moment() {
    let house = House::new().await;
    let ann = device(&house, "ann").await;
    let bob = device(&house, "bob").await;
    let actor: GroupActor = Sender::Device(Arc::clone(&ann));
    let mut left_early = true;
    let mut groups = 0;
    while left_early {
        groups += 1;
        let new = NewGroup {
            id: Some(format!("group-{groups}").parse().unwrap()),
            name: "those who stay".to_owned(),
            owner: None,
            members: vec![bob.account.user.clone()],
        };
        let id = new.id.clone().unwrap();
        let creating = Box::pin(house.dispatcher.create_group(&actor, new));
        left_early = !dropped_after(groups, creating).await;
        // A change that was dropped before it reached the registry may not have happened; half of one may not.
        let mut looks = 0;
        while told(&house, &bob, "created").await < groups {
            looks += 1;
            let made = house.registry.group(ann.account.tenant, &id).await.unwrap().is_some();
            assert!(looks < 4_000, "group {groups} was not told; in the registry: {made}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(groups > 1, "the author always stayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_joined_while_another_still_was_a_member_hears_that_it_left() {
    const ROUNDS: usize = 60;
    let house = House::new().await;
    let ann = device(&house, "ann").await;
    let bob = device(&house, "bob").await;
    let cat = device(&house, "cat").await;
    let actor: GroupActor = Sender::Device(Arc::clone(&ann));
    let (stays, leaves) = ([cat.account.user.clone()], [bob.account.user.clone()]);
    let mut to_be_told = 0;
    for round in 0..ROUNDS {
        let new = NewGroup {
            id: Some(format!("group-{round}").parse().unwrap()),
            name: "coming and going".to_owned(),
            owner: None,
            members: leaves.to_vec(),
        };
        let group = house.dispatcher.create_group(&actor, new).await.unwrap();
        let (joined, left) = tokio::join!(
            house.dispatcher.add_members(&actor, &group.id, &stays),
            house.dispatcher.remove_members(&actor, &group.id, &leaves),
        );
        left.unwrap();
        let both_were_in = joined.unwrap().member(bob.account.no).is_some();
        let window = Window {
            limit: Some(2),
            ..Window::default()
        };
        let page = house.dispatcher.inbox(&cat.account, None, window).await.unwrap();
        let of_this_group = format!(r#""groupId":"{}""#, group.id);
        let heard = page
            .items
            .iter()
            .any(|(_, entry)| entry.get().contains(&of_this_group) && entry.get().contains(r#""event":"left""#));
        assert!(heard || !both_were_in, "round {round}: the new member was not told");
        to_be_told += usize::from(both_were_in);
    }
    assert!(to_be_told > 0, "the changes never met");
}
