//! Chance against the table: deliveries in any order, pages, lost connections, restarts.

use proptest::prelude::*;

use super::*;
use crate::outbox::OnTheWay;

/// What happens next.
#[derive(Clone, Debug)]
enum Move {
    /// The app hands a draft over.
    Send(u8),
    /// What the outbox chooses reaches the platform.
    Publish,
    /// The oldest answer reaches the device: taken, or not now.
    Answer(bool),
    /// So many entries from a number on are delivered, perhaps again, perhaps too early.
    Deliver(u8, u8),
    /// A page behind the cursor comes.
    Page,
    /// The connection is lost, with everything on the way.
    Lose,
    /// The process dies.
    Restart,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (0..3_u8).prop_map(Move::Send),
        4 => Just(Move::Publish),
        4 => (0..8_u8).prop_map(|n| Move::Answer(n > 0)),
        4 => (0..12_u8, 1..6_u8).prop_map(|(from, count)| Move::Deliver(from, count)),
        1 => Just(Move::Page),
        1 => Just(Move::Lose),
        1 => Just(Move::Restart),
    ];
    prop::collection::vec(one, 1..60)
}

/// A platform that keeps each draft once and numbers it.
#[derive(Default)]
struct Platform {
    inbox: Vec<Value>,
}

impl Platform {
    fn take(&mut self, id: &str, address: &str) {
        if !self.inbox.iter().any(|entry| entry["id"] == id) {
            let seq = self.inbox.len() as u64 + 1;
            let mut entry = message(seq, ME, id);
            entry["to"] = json!(address);
            entry["conv"] = json!(format!("s-{address}"));
            self.inbox.push(entry);
        }
    }
}

struct World {
    table: Table,
    platform: Platform,
    on_the_way: OnTheWay,
    /// Drafts the platform has seen over this connection and not answered.
    unanswered: Vec<String>,
    sent: Vec<(String, String)>,
    now: std::time::Instant,
}

impl World {
    fn new() -> Self {
        Self {
            table: Table::new(),
            platform: Platform::default(),
            on_the_way: OnTheWay::new(4),
            unanswered: Vec::new(),
            sent: Vec::new(),
            now: std::time::Instant::now(),
        }
    }

    fn play(&mut self, one: &Move) {
        match one {
            Move::Send(to) => {
                let (id, address) = (format!("m{}", self.sent.len()), format!("user{to}"));
                self.table.send(&id, &address);
                self.sent.push((id, address));
            }
            Move::Publish => self.publish(),
            Move::Answer(taken) => self.answer(*taken),
            Move::Deliver(from, count) => {
                let entries = self
                    .platform
                    .inbox
                    .iter()
                    .skip(usize::from(*from))
                    .take(usize::from(*count));
                let delivered = entries.map(entry).collect();
                self.table.apply(&Batch {
                    delivered,
                    ..Batch::default()
                });
            }
            Move::Page => self.page(),
            Move::Lose => self.lose(),
            Move::Restart => {
                self.lose();
                self.table.reopen();
            }
        }
        self.check();
    }

    fn publish(&mut self) {
        let heads = self.table.store.heads(self.table.account.no).expect("read");
        for waiting in self.on_the_way.choose(heads, self.now) {
            self.unanswered.push(waiting.id);
        }
    }

    fn answer(&mut self, taken: bool) {
        if self.unanswered.is_empty() {
            return;
        }
        let id = self.unanswered.remove(0);
        if !taken {
            self.on_the_way.later(&id, self.now);
            self.now += Duration::from_secs(1);
            return;
        }
        let (_, address) = self
            .sent
            .iter()
            .find(|(sent, _)| *sent == id)
            .expect("it was sent")
            .clone();
        self.platform.take(&id, &address);
        let decided = vec![(id.clone(), Decision::Sent)];
        self.table.apply(&Batch {
            decided,
            ..Batch::default()
        });
        self.on_the_way.settled(&id);
    }

    /// The platform may have taken what it did not get to answer.
    fn lose(&mut self) {
        for (at, id) in std::mem::take(&mut self.unanswered).into_iter().enumerate() {
            if at % 2 == 0 {
                let (_, address) = self
                    .sent
                    .iter()
                    .find(|(sent, _)| *sent == id)
                    .expect("it was sent")
                    .clone();
                self.platform.take(&id, &address);
            }
        }
        self.on_the_way = OnTheWay::new(4);
    }

    fn page(&mut self) {
        let after = self.table.store.cursor(self.table.account.no).expect("read");
        let items = self.platform.inbox.iter().skip(usize::try_from(after).expect("small"));
        let page = Page {
            after,
            items: items.take(3).map(entry).collect(),
            head: self.platform.inbox.len() as u64,
            floor: 1,
        };
        self.table.apply(&Batch {
            page: Some(page),
            ..Batch::default()
        });
    }

    /// The cursor is the end of the contiguous prefix, and the table holds nothing twice and nothing invented.
    fn check(&self) {
        let seqs = self.table.seqs();
        let prefix = seqs
            .iter()
            .zip(1..)
            .take_while(|(seq, expected)| **seq == *expected)
            .count() as u64;
        assert_eq!(
            self.table.store.cursor(self.table.account.no).expect("read"),
            prefix,
            "{seqs:?}"
        );
        assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
        assert!(seqs.len() <= self.platform.inbox.len());
    }

    /// Peace comes: everything is answered and delivered.
    fn settle(&mut self) {
        self.lose();
        for _ in 0..=self.sent.len() {
            self.now += Duration::from_secs(10);
            self.publish();
            while !self.unanswered.is_empty() {
                self.answer(true);
            }
        }
        for _ in 0..=self.sent.len() {
            self.page();
        }
    }

    fn check_the_end(&self) {
        let count = self.sent.len() as u64;
        assert_eq!(
            self.table.seqs(),
            (1..=count).collect::<Vec<_>>(),
            "each once, in order"
        );
        assert!(
            self.table
                .store
                .unsettled(self.table.account.no, None)
                .expect("read")
                .is_empty()
        );
        for address in (0..3).map(|to| format!("user{to}")) {
            let sent: Vec<_> = self
                .sent
                .iter()
                .filter(|(_, to)| *to == address)
                .map(|(id, _)| id.as_str())
                .collect();
            let kept: Vec<_> = self
                .platform
                .inbox
                .iter()
                .filter(|entry| entry["to"] == address.as_str())
                .map(|entry| entry["id"].as_str().expect("an id"))
                .collect();
            assert_eq!(kept, sent, "the order of {address}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_draft_becomes_one_message_in_order_and_the_table_equals_the_inbox(moves in moves()) {
        let mut world = World::new();
        for one in &moves {
            world.play(one);
        }
        world.settle();
        world.check_the_end();
    }
}
