//! What is in memory never shows what was true before a change that has returned.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use godwit_model::Role;
use godwit_registry::{NewGroup, Registry};
use tokio::sync::Barrier;

use crate::house::{House, TENANT, asker, registration, user};

const READERS: usize = 4;

/// Readers that keep what is asked for in memory all the time.
struct Readers {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Readers {
    /// Returns when every reader has read once.
    async fn start<F>(registry: &Registry, read: impl Fn(Registry) -> F + Clone + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send,
    {
        let stop = Arc::new(AtomicBool::new(false));
        let begun = Arc::new(Barrier::new(READERS + 1));
        let reader = |_| {
            let (stop, begun) = (Arc::clone(&stop), Arc::clone(&begun));
            let (registry, read) = (registry.clone(), read.clone());
            tokio::spawn(async move {
                read(registry.clone()).await;
                begun.wait().await;
                while !stop.load(Ordering::Relaxed) {
                    read(registry.clone()).await;
                    tokio::task::yield_now().await;
                }
            })
        };
        let tasks = (0..READERS).map(reader).collect();
        begun.wait().await;
        Self { stop, tasks }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_retired_device_is_never_seen_while_others_read_it() {
    let house = House::new().await;
    for round in 0..30 {
        let phone = house.phone("alice", &format!("code-{round}")).await;
        let token = phone.device_token.clone();
        let readers = Readers::start(&house.registry, move |registry| {
            let token = token.clone();
            async move {
                let _ = registry.authenticate_device_token(&token).await;
            }
        })
        .await;
        house.registry.retire_device(phone.device.no).await.unwrap();
        assert!(!house.is_good(&phone.device_token).await, "round {round}");
        assert_eq!(
            house.registry.device(TENANT, &phone.device.device_id).await.unwrap(),
            None,
            "round {round}"
        );
        readers.stop().await;
        assert!(
            !house.is_good(&phone.device_token).await,
            "round {round}, after the readers"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_took_over_stays_while_others_show_the_former_one() {
    let house = House::new().await;
    let mut old = house.phone("alice", "code-1").await.device_token;
    for round in 0..30 {
        let former = old.clone();
        let readers = Readers::start(&house.registry, move |registry| {
            let former = former.clone();
            async move {
                let _ = registry.authenticate_device_token(&former).await;
            }
        })
        .await;
        let new = house
            .register("alice", registration("code-1"))
            .await
            .unwrap()
            .device_token;
        assert!(house.is_good(&new).await, "round {round}");
        assert!(!house.is_good(&old).await, "round {round}");
        readers.stop().await;
        assert!(
            house.is_good(&new).await && !house.is_good(&old).await,
            "round {round}, after the readers"
        );
        old = new;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_of_a_group_is_seen_by_whoever_made_it() {
    let house = House::new().await;
    let users = house.users("user", 6).await;
    let new = NewGroup {
        id: None,
        name: "busy".to_owned(),
        owner: None,
        members: vec![users[0].clone()],
    };
    let group = house.registry.create_group(TENANT, new, &asker()).await.unwrap();
    let (no, id) = (group.no, group.id.clone());
    let readers = Readers::start(&house.registry, move |registry| {
        let id = id.clone();
        async move {
            registry.group(TENANT, &id).await.unwrap().unwrap();
        }
    })
    .await;
    let changers = users[1..].iter().cloned().map(|who| {
        let (registry, group) = (house.registry.clone(), Arc::clone(&group));
        tokio::spawn(async move {
            for round in 0..20 {
                let added = registry
                    .add_members(&group, std::slice::from_ref(&who), &asker())
                    .await
                    .unwrap();
                assert_eq!(added.changed.len(), 1, "round {round}");
                let seen = registry.group_by_no(no).await.unwrap().unwrap();
                let account = added.changed[0].account;
                assert!(seen.member(account).is_some(), "round {round}");
                registry.change_role(&group, &who, Role::Admin, &asker()).await.unwrap();
                let seen = registry.group_by_no(no).await.unwrap().unwrap();
                assert_eq!(seen.member(account).unwrap().role, Role::Admin, "round {round}");
                let untold = registry.untold_changes(Some(no)).await.unwrap();
                let joined = untold
                    .into_iter()
                    .rfind(|change| change.accounts == [account] && change.role.is_none());
                registry.change_told(joined.unwrap(), round + 1).await.unwrap();
                let seen = registry.group_by_no(no).await.unwrap().unwrap();
                assert_eq!(seen.member(account).unwrap().joined_conv_seq, Some(round + 1));
                registry
                    .remove_members(&seen, std::slice::from_ref(&who), &asker())
                    .await
                    .unwrap();
                let seen = registry.group_by_no(no).await.unwrap().unwrap();
                assert!(seen.member(account).is_none(), "round {round}");
            }
        })
    });
    for changer in changers.collect::<Vec<_>>() {
        changer.await.unwrap();
    }
    readers.stop().await;
    let last = house.registry.group_by_no(no).await.unwrap().unwrap();
    assert_eq!(
        last.members
            .iter()
            .map(|member| member.user.clone())
            .collect::<Vec<_>>(),
        [user("user0")]
    );
}

#[tokio::test]
async fn a_change_whose_caller_goes_away_is_still_seen_by_the_next() {
    let house = House::new().await;
    let users = house.users("user", 40).await;
    let new = NewGroup {
        id: None,
        name: "group".to_owned(),
        owner: None,
        members: vec![users[0].clone()],
    };
    let group = house.registry.create_group(TENANT, new, &asker()).await.unwrap();
    for (at, who) in users[1..].iter().enumerate() {
        let asker = asker();
        let change = house.registry.add_members(&group, std::slice::from_ref(who), &asker);
        // Polls the change a few times, then drops it.
        tokio::select! {
            biased;
            _ = change => {}
            () = async { for _ in 0..at { tokio::task::yield_now().await } } => {}
        }
        // The next change of the same group waits for the one that goes on alone, then both must be in memory.
        house
            .registry
            .change_role(
                &group,
                &users[0],
                if at % 2 == 0 { Role::Admin } else { Role::Member },
                &asker,
            )
            .await
            .unwrap();
        let seen = house.registry.group_by_no(group.no).await.unwrap().unwrap();
        let again = house.registry.add_members(&group, &[], &asker).await.unwrap().group;
        assert_eq!(seen, again);
    }
    let everybody = house.registry.add_members(&group, &users, &asker()).await.unwrap();
    assert_eq!(everybody.group.members.len(), 40);
}
