//! The table against what a platform, a network and a battery can do to it, without a network.

mod chance;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::message::{Message, OutgoingState};
use crate::profile::{Account, Addresses, Profile};
use crate::wire::Entry;

pub(super) const ME: &str = "alice";

/// A table in a folder of its own.
pub(super) struct Table {
    folder: TempDir,
    pub(super) store: Store,
    pub(super) account: Account,
}

impl Table {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("table.db")).expect("a new table");
        store.unique_code("code").expect("made");
        let account = store.register(&registered("acc", 0)).expect("registered");
        Self { folder, store, account }
    }

    /// Closes the file and opens it again.
    pub(super) fn reopen(&mut self) {
        self.store = Store::open(&self.folder.path().join("table.db")).expect("the same table");
    }

    pub(super) fn apply(&self, batch: &Batch) -> Applied {
        self.store.apply(self.account.no, ME, batch).expect("kept")
    }

    fn deliver(&self, entries: &[Value]) -> Applied {
        self.apply(&Batch {
            delivered: entries.iter().map(entry).collect(),
            ..Batch::default()
        })
    }

    pub(super) fn seqs(&self) -> Vec<u64> {
        let bodies = self.store.bodies(self.account.no, 0, 500).expect("read");
        bodies.into_iter().map(|(seq, _)| seq).collect()
    }

    fn send(&self, id: &str, address: &str) {
        let waiting = Waiting {
            id: id.to_owned(),
            address: address.to_owned(),
            draft: json!({"id": id, "to": address, "type": 0, "content": {"text": id}}).to_string(),
        };
        self.store.enqueue(self.account.no, &waiting, 7).expect("queued");
    }

    fn state(&self, id: &str) -> Option<OutgoingState> {
        let outgoing = self.store.outgoing(self.account.no, id).expect("read");
        outgoing.map(|outgoing| outgoing.state)
    }
}

fn registered(account: &str, begins_behind: u64) -> Registered {
    Registered {
        profile: Profile {
            account: account.to_owned(),
            user_id: ME.to_owned(),
            tenant_no: "1".to_owned(),
            device_id: "d".to_owned(),
        },
        token: "t".to_owned(),
        addresses: Addresses::default(),
        begins_behind,
    }
}

pub(super) fn entry(json: &Value) -> Entry {
    Entry::read(json.to_string().as_bytes(), ME).expect("an entry")
}

pub(super) fn message(seq: u64, from: &str, id: &str) -> Value {
    let to = if from == ME { "bob" } else { ME };
    json!({"id": id, "from": from, "to": to, "type": 0, "content": {"text": id}, "seq": seq,
        "serverId": format!("s-{id}"), "serverTime": 1000 + seq, "conv": "s-1-2", "convSeq": seq, "ext": {"color": "red"}})
}

#[test]
fn an_entry_is_kept_once_and_as_it_came() {
    let mut table = Table::new();
    let applied = table.deliver(&[message(1, "bob", "a"), message(2, "bob", "b")]);
    assert_eq!((applied.cursor, applied.stored.len()), (2, 2));
    let again = table.deliver(&[message(2, "bob", "b"), message(1, "bob", "a")]);
    assert_eq!((again.cursor, again.stored.len()), (2, 0), "a repeat is nothing new");
    table.reopen();
    let bodies = table.store.bodies(table.account.no, 0, 10).expect("read");
    let kept: Vec<Value> = bodies
        .iter()
        .map(|(_, body)| serde_json::from_str(body).expect("JSON"))
        .collect();
    assert_eq!(kept, [message(1, "bob", "a"), message(2, "bob", "b")]);
}

#[test]
fn the_cursor_waits_for_what_is_missing_and_then_passes_what_came_early() {
    let table = Table::new();
    assert_eq!(
        table
            .deliver(&[message(1, "bob", "a"), message(3, "bob", "c"), message(4, "bob", "d")])
            .cursor,
        1
    );
    assert_eq!(table.deliver(&[message(2, "bob", "b")]).cursor, 4);
    assert_eq!(table.seqs(), [1, 2, 3, 4]);
}

#[test]
fn a_page_tells_what_is_no_longer_kept() {
    let table = Table::new();
    table.deliver(&[message(1, "bob", "a")]);
    let applied = table.apply(&Batch {
        page: Some(Page {
            after: 1,
            items: vec![entry(&message(6, "bob", "f")), entry(&message(7, "bob", "g"))],
            head: 9,
            floor: 6,
        }),
        ..Batch::default()
    });
    assert_eq!(applied.cursor, 7);
    assert!(
        matches!(applied.stored[0], Stored::Gap { from: 2, to: 5 }),
        "{:?}",
        applied.stored
    );
}

#[test]
fn a_gap_entry_moves_the_cursor_over_what_is_gone() {
    let table = Table::new();
    table.deliver(&[message(1, "bob", "a")]);
    let applied = table.deliver(&[json!({"seq": 5, "gap": {"from": 2, "to": 5}}), message(6, "bob", "f")]);
    assert_eq!(applied.cursor, 6);
    assert!(matches!(applied.stored[0], Stored::Gap { from: 2, to: 5 }));
    assert_eq!(table.seqs(), [1, 6]);
}

#[test]
fn a_withdrawn_message_leaves_its_place() {
    let table = Table::new();
    table.deliver(&[message(1, "bob", "secret")]);
    let notice = json!({"id": "n", "from": "bob", "to": ME, "type": "withdrawn", "seq": 2, "serverId": "s-n",
        "conv": "s-1-2", "convSeq": 2, "isBackground": true,
        "content": {"serverId": "s-secret", "conv": "s-1-2", "convSeq": 1, "reason": "recalled"}});
    let applied = table.deliver(&[notice]);
    assert!(
        applied
            .stored
            .iter()
            .any(|one| matches!(one, Stored::Gone { seq: 1, .. })),
        "{:?}",
        applied.stored
    );
    let bodies = table.store.bodies(table.account.no, 0, 1).expect("read");
    assert_eq!(
        serde_json::from_str::<Value>(&bodies[0].1).expect("JSON"),
        json!({"seq": 1, "gone": "recalled"})
    );
    let rows = table
        .store
        .messages(table.account.no, "s-1-2", u64::MAX, 10)
        .expect("read");
    let shown: Vec<_> = rows.into_iter().filter_map(|row| Message::of(row, ME)).collect();
    assert_eq!(
        (shown[0].gone.as_deref(), shown[0].sender.as_str()),
        (Some("recalled"), "bob")
    );
}

#[test]
fn a_tombstone_takes_the_place_of_a_message() {
    let table = Table::new();
    table.deliver(&[message(1, "bob", "a")]);
    table.deliver(&[json!({"seq": 1, "gone": "erased"})]);
    let bodies = table.store.bodies(table.account.no, 0, 1).expect("read");
    assert!(!bodies[0].1.contains("text"), "{bodies:?}");
}

#[test]
fn the_same_message_under_two_numbers_is_shown_once() {
    let table = Table::new();
    let mut again = message(2, "bob", "a");
    table.deliver(&[message(1, "bob", "a"), again.clone()]);
    again["seq"] = json!(3);
    again["serverId"] = json!("another");
    table.deliver(&[again]);
    assert_eq!(table.seqs(), [1, 2, 3], "the table is the inbox");
    let shown = table
        .store
        .messages(table.account.no, "s-1-2", u64::MAX, 10)
        .expect("read");
    assert_eq!(shown.len(), 1);
    assert_eq!(table.store.conversations(table.account.no).expect("read")[0].unread, 1);
}

#[test]
fn a_draft_is_settled_by_its_own_entry() {
    let table = Table::new();
    table.send("r1", "bob");
    assert_eq!(table.state("r1"), Some(OutgoingState::Queued));
    let sent = Batch {
        decided: vec![("r1".to_owned(), Decision::Sent)],
        ..Batch::default()
    };
    table.apply(&sent);
    assert_eq!(table.state("r1"), Some(OutgoingState::Sent));
    assert!(
        table.store.heads(table.account.no).expect("read").is_empty(),
        "it is not sent again"
    );
    let applied = table.deliver(&[message(1, ME, "r1")]);
    assert_eq!(table.state("r1"), None);
    let accepted = applied.stored.iter().any(|one| {
        matches!(one, Stored::Outgoing(outgoing) if matches!(outgoing.state, OutgoingState::Accepted { seq: 1, .. }))
    });
    assert!(accepted, "{:?}", applied.stored);
    assert!(
        table.apply(&sent).stored.is_empty(),
        "a late acknowledgement changes nothing"
    );
}

#[test]
fn a_refusal_settles_a_draft_by_either_way_and_stays() {
    let table = Table::new();
    table.send("r1", "bob");
    table.send("r2", "bob");
    let refused = Decision::Refused {
        code: "user_not_found".to_owned(),
        detail: "d".to_owned(),
    };
    table.apply(&Batch {
        decided: vec![("r1".to_owned(), refused), ("r2".to_owned(), Decision::Sent)],
        ..Batch::default()
    });
    table.deliver(&[json!({"refused": {"id": "r2", "code": "not_member", "detail": "d"}, "seq": 1, "serverId": "x"})]);
    for (id, expected) in [("r1", "user_not_found"), ("r2", "not_member")] {
        assert!(
            matches!(table.state(id), Some(OutgoingState::Refused { code, .. }) if code == expected),
            "{id}"
        );
    }
    assert!(table.store.discard(table.account.no, "r1").expect("dropped").is_some());
    assert_eq!(table.state("r1"), None);
}

#[test]
fn unread_counts_what_others_wrote_for_eyes_until_it_is_read() {
    let table = Table::new();
    let mut background = message(3, "bob", "c");
    background["isBackground"] = json!(true);
    table.deliver(&[
        message(1, "bob", "a"),
        message(2, ME, "b"),
        background,
        message(4, "bob", "d"),
    ]);
    let list = |table: &Table| table.store.conversations(table.account.no).expect("read");
    let listed = list(&table);
    assert_eq!(
        (listed[0].unread, listed[0].last_seq, listed[0].address.as_str()),
        (2, 4, "bob")
    );
    table.store.mark_read(table.account.no, "s-1-2", 3).expect("marked");
    assert_eq!(list(&table)[0].unread, 1);
}

#[test]
fn registering_again_keeps_the_cursor_and_a_deregistered_table_keeps_its_messages() {
    let mut table = Table::new();
    table.deliver(&[message(1, "bob", "a")]);
    table.account = table.store.register(&registered("acc", 0)).expect("registered");
    assert_eq!(table.store.cursor(table.account.no).expect("read"), 1);
    let other = table.store.register(&registered("other", 40)).expect("registered");
    assert_eq!(table.store.cursor(other.no).expect("read"), 40);
    table.store.deregister(other.no).expect("deregistered");
    table.reopen();
    assert_eq!(table.store.account().expect("read"), None);
    assert_eq!(table.seqs(), [1]);
}
