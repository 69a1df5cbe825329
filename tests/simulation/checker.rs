//! The independent judge of what a server knows after the power came back.

use std::collections::{BTreeMap, HashMap};

use kit::App;
use serde_json::Value;

use crate::workload::Acknowledged;
use crate::world::{USERS, World, user};

/// Every account's inbox, read by its own device; waits until fan-outs that were cut have gone on to their end.
pub(crate) async fn inboxes(world: &World, app: &App, acknowledged: &[Acknowledged]) -> HashMap<String, Vec<Value>> {
    let mut inboxes = HashMap::new();
    for device in &world.devices {
        let inbox = kit::wait_for("the fan-outs to end", async || {
            let inbox = app.inbox(device).await;
            let has = |draft: &&Acknowledged| inbox.iter().any(|item| item["id"] == *draft.id);
            acknowledged
                .iter()
                .filter(|draft| draft.to == "all")
                .all(|draft| has(&draft))
                .then_some(inbox)
        })
        .await;
        inboxes.insert(device.user.clone(), inbox);
    }
    inboxes
}

pub(crate) fn judge(seed: u64, inboxes: &HashMap<String, Vec<Value>>, acknowledged: &[Acknowledged]) {
    let mut conversations: BTreeMap<&str, BTreeMap<u64, &str>> = BTreeMap::new();
    for (user, inbox) in inboxes {
        for (item, expected) in inbox.iter().zip(1..) {
            assert_eq!(
                item["seq"].as_u64(),
                Some(expected),
                "seed {seed}: the inbox of {user} has a gap"
            );
            assert!(item.get("gone").is_none(), "seed {seed}: {item}");
            let (Some(conversation), Some(id)) = (item["conv"].as_str(), item["serverId"].as_str()) else {
                continue;
            };
            let number = item["convSeq"].as_u64().expect("a convSeq");
            let known = conversations
                .entry(conversation)
                .or_default()
                .entry(number)
                .or_insert(id);
            assert_eq!(
                *known, id,
                "seed {seed}: two messages under number {number} of {conversation}"
            );
        }
    }
    for (conversation, numbers) in &conversations {
        let numbers: Vec<u64> = numbers.keys().copied().collect();
        let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, expected, "seed {seed}: {conversation} has a gap");
    }
    for draft in acknowledged {
        for reader in readers(draft) {
            let count = inboxes[&reader].iter().filter(|item| is_of(item, draft)).count();
            assert_eq!(count, 1, "seed {seed}: {draft:?} in the inbox of {reader}");
        }
    }
}

fn readers(draft: &Acknowledged) -> Vec<String> {
    let mut readers = match draft.to.as_str() {
        "all" => (0..USERS).map(user).collect(),
        "g:team" => (0..3).map(user).collect(),
        "nobody" => vec![draft.from.clone()],
        peer => vec![draft.from.clone(), peer.to_owned()],
    };
    readers.sort_unstable();
    readers.dedup();
    readers
}

fn is_of(item: &Value, draft: &Acknowledged) -> bool {
    let id = if draft.to == "nobody" {
        &item["refused"]["id"]
    } else {
        &item["id"]
    };
    *id == *draft.id
}
