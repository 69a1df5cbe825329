//! Which drafts are on the way: the one owner of resending. A machine without I/O; what it forgets is on the disk.
//!
//! One draft per address is on the way at a time. So a draft that the platform cannot take now holds back those behind
//! it and is never overtaken; addresses do not wait for each other.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::store::Waiting;

/// How long an address waits after the platform said "later".
const HELD: Duration = Duration::from_secs(2);

/// Drafts on the way over one connection.
#[derive(Debug)]
pub(crate) struct OnTheWay {
    /// Most at a time.
    window: usize,
    /// Address of each draft on the way, by id.
    drafts: HashMap<String, String>,
    /// Addresses that wait, and until when.
    held: HashMap<String, Instant>,
}

impl OnTheWay {
    /// Nothing is on the way: a connection begins.
    pub(crate) fn new(window: usize) -> Self {
        Self {
            window: window.max(1),
            drafts: HashMap::new(),
            held: HashMap::new(),
        }
    }

    /// Which of the oldest drafts of each address go out now. They are on the way from here on.
    pub(crate) fn choose(&mut self, heads: Vec<Waiting>, now: Instant) -> Vec<Waiting> {
        self.held.retain(|_, until| *until > now);
        let mut chosen = Vec::new();
        for head in heads {
            if self.drafts.len() >= self.window {
                break;
            }
            let busy = self.held.contains_key(&head.address) || self.drafts.values().any(|one| *one == head.address);
            if !busy {
                self.drafts.insert(head.id.clone(), head.address.clone());
                chosen.push(head);
            }
        }
        chosen
    }

    /// A draft is settled, or stored by the platform: the next one to its address may go.
    pub(crate) fn settled(&mut self, id: &str) {
        self.drafts.remove(id);
    }

    /// The platform cannot take a draft now: it goes out again after a while, before those behind it.
    pub(crate) fn later(&mut self, id: &str, now: Instant) {
        if let Some(address) = self.drafts.remove(id) {
            self.held.insert(address, now + HELD);
        }
    }

    /// When the first address that waits may go on.
    pub(crate) fn wakes(&self) -> Option<Instant> {
        self.held.values().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(id: &str, address: &str) -> Waiting {
        Waiting {
            id: id.to_owned(),
            address: address.to_owned(),
            draft: String::new(),
        }
    }

    fn ids(chosen: &[Waiting]) -> Vec<&str> {
        chosen.iter().map(|one| one.id.as_str()).collect()
    }

    #[test]
    fn one_draft_of_an_address_is_on_the_way_at_a_time() {
        let now = Instant::now();
        let mut on_the_way = OnTheWay::new(8);
        let heads = vec![head("1", "bob"), head("2", "g:team")];
        assert_eq!(ids(&on_the_way.choose(heads.clone(), now)), ["1", "2"]);
        assert!(on_the_way.choose(heads, now).is_empty());
        on_the_way.settled("1");
        assert_eq!(
            ids(&on_the_way.choose(vec![head("3", "bob"), head("2", "g:team")], now)),
            ["3"]
        );
    }

    #[test]
    fn no_more_than_the_window_is_on_the_way() {
        let mut on_the_way = OnTheWay::new(2);
        let heads = vec![head("1", "a"), head("2", "b"), head("3", "c")];
        assert_eq!(on_the_way.choose(heads, Instant::now()).len(), 2);
    }

    #[test]
    fn what_was_put_off_is_not_overtaken_by_what_is_behind_it() {
        let now = Instant::now();
        let mut on_the_way = OnTheWay::new(8);
        on_the_way.choose(vec![head("1", "bob")], now);
        on_the_way.later("1", now);
        // The table still names the same draft as the oldest of its address.
        assert!(on_the_way.choose(vec![head("1", "bob")], now).is_empty());
        let wakes = on_the_way.wakes().expect("it waits");
        assert_eq!(ids(&on_the_way.choose(vec![head("1", "bob")], wakes)), ["1"]);
    }
}
