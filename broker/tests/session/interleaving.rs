//! Whatever the order of publications, answers, deliveries and acknowledgements: the promises hold.

use std::collections::{BTreeMap, VecDeque};

use godwit_broker::codec::{QoS, Version};
use godwit_broker::session::{Answer, Delivered, Limits};
use godwit_model::Refusal;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::client::{Asked, Pair};
use crate::packets::{Connect, Seen, draft, puback, pubrel};

const PUBLICATIONS: usize = 4;
const DELIVERIES: u16 = 3;

#[derive(Clone, Debug)]
enum Act {
    Publish(u8),
    Answer(Index, bool),
    Deliver,
    Acknowledge(Index),
    Release(Index),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Act::Publish),
        3 => (any::<Index>(), any::<bool>()).prop_map(|(which, yes)| Act::Answer(which, yes)),
        2 => Just(Act::Deliver),
        2 => any::<Index>().prop_map(Act::Acknowledge),
        2 => any::<Index>().prop_map(Act::Release),
    ]
}

/// A client that keeps the rules, a platform that answers in any order, and what both have seen.
struct World {
    pair: Pair,
    next_id: u16,
    next_seq: u64,
    /// QoS 1 and 2 publications without an acknowledgement, in the order sent.
    unacknowledged: VecDeque<(u16, u8)>,
    /// QoS 2 ids the client may release.
    releasable: Vec<u16>,
    /// Tickets the platform still owes an answer.
    open_tickets: Vec<u64>,
    /// Packet id → number, of deliveries the client has not acknowledged.
    held: BTreeMap<u16, u64>,
    delivered: Vec<u64>,
}

impl World {
    fn new(version: Version) -> Self {
        let limits = Limits {
            publications_max: u16::try_from(PUBLICATIONS).expect("small"),
            deliveries_max: DELIVERIES,
            ..Limits::default()
        };
        Self {
            pair: Pair::subscribed(version, limits, &Connect::default(), 1),
            next_id: 1,
            next_seq: 65_530,
            unacknowledged: VecDeque::new(),
            releasable: Vec::new(),
            open_tickets: Vec::new(),
            held: BTreeMap::new(),
            delivered: Vec::new(),
        }
    }

    fn act(&mut self, act: &Act) {
        match act {
            Act::Publish(bits) => self.publish(*bits),
            Act::Answer(which, yes) => self.answer(*which, *yes),
            Act::Deliver => self.deliver(),
            Act::Acknowledge(which) => self.acknowledge(*which),
            Act::Release(which) => self.release(*which),
        }
        let asked = self.pair.pump();
        self.note(asked);
        self.look();
    }

    fn publish(&mut self, bits: u8) {
        let in_flight = self.unacknowledged.len() + self.releasable.len();
        if self.pair.version == Version::V5 && bits > 0 && in_flight >= PUBLICATIONS {
            return;
        }
        let qos = QoS::from_bits(bits).expect("0 to 2");
        let asked = self.pair.send(&draft(self.pair.version, qos, self.next_id));
        if bits > 0 {
            self.unacknowledged.push_back((self.next_id, bits));
        }
        self.next_id += 1;
        self.note(asked);
    }

    fn note(&mut self, asked: Vec<Asked>) {
        for request in asked {
            match request {
                Asked::Publish { ticket, .. } => self.open_tickets.push(ticket),
                Asked::Delivered(seq) => self.delivered.push(seq),
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    fn answer(&mut self, which: Index, yes: bool) {
        if !self.open_tickets.is_empty() {
            let ticket = self.open_tickets.remove(which.index(self.open_tickets.len()));
            let answer = if yes {
                Answer::Accepted
            } else {
                Answer::Refused(Refusal::Forbidden.into())
            };
            self.pair.answer(ticket, answer);
        }
    }

    fn deliver(&mut self) {
        let room = self.pair.session.room();
        let held = usize::from(DELIVERIES) - self.held.len();
        // Acknowledgements that were not read yet still take a place.
        assert!(room <= held && (room == held || self.pair.unread() > 0));
        let outcome = self.pair.session.deliver(self.next_seq, &[b"x"]);
        assert_eq!(outcome, if room > 0 { Delivered::Sent } else { Delivered::NotNow });
        self.next_seq += u64::from(room > 0);
    }

    fn acknowledge(&mut self, which: Index) {
        if self.held.is_empty() {
            return;
        }
        let id = *self.held.keys().nth(which.index(self.held.len())).expect("within");
        let seq = self.held.remove(&id);
        let before = self.delivered.len();
        let asked = self.pair.send(&puback(id));
        self.note(asked);
        // A session that does not read now will take the acknowledgement later.
        if self.pair.unread() == 0 {
            assert!(self.delivered[before..].contains(&seq.expect("held")));
        }
    }

    fn release(&mut self, which: Index) {
        if !self.releasable.is_empty() {
            let id = self.releasable.remove(which.index(self.releasable.len()));
            let asked = self.pair.send(&pubrel(id));
            self.note(asked);
        }
    }

    /// The client looks at its socket: acknowledgements come in the order of its publications, each once.
    fn look(&mut self) {
        for seen in self.pair.seen() {
            match seen {
                Seen::PubAck(id, _) => assert_eq!(self.unacknowledged.pop_front(), Some((id, 1))),
                Seen::PubRec(id, code) => {
                    assert_eq!(self.unacknowledged.pop_front(), Some((id, 2)));
                    if code < 0x80 {
                        self.releasable.push(id);
                    }
                }
                Seen::PubComp(_, code) => assert_eq!(code, 0),
                Seen::Publish {
                    id, qos: 1, dup: false, ..
                } => {
                    assert!(self.held.insert(id, self.next_seq - 1).is_none(), "an id in use twice");
                    assert!(self.held.len() <= usize::from(DELIVERIES));
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        assert!(self.pair.session.pending_publications() <= PUBLICATIONS * 2);
        assert_eq!(self.pair.session.end(), None);
    }

    /// The platform answers everything, the client acknowledges everything.
    fn settle(mut self) {
        while !self.open_tickets.is_empty() || self.pair.unread() > 0 {
            assert!(
                !self.open_tickets.is_empty(),
                "the session reads no more and is owed nothing"
            );
            let ticket = self.open_tickets.remove(0);
            self.pair.answer(ticket, Answer::Accepted);
            let asked = self.pair.pump();
            self.note(asked);
            self.look();
        }
        assert_eq!(self.unacknowledged, [], "every publication is acknowledged");
        while let Some((id, seq)) = self.held.pop_first() {
            assert_eq!(self.pair.send(&puback(id)), [Asked::Delivered(seq)]);
            self.delivered.push(seq);
        }
        self.delivered.sort_unstable();
        assert_eq!(
            self.delivered,
            (65_530..self.next_seq).collect::<Vec<_>>(),
            "every delivery comes back once"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn acknowledgements_keep_their_order_and_windows_their_size(
        five: bool, acts in proptest::collection::vec(act(), 0..80),
    ) {
        let mut world = World::new(if five { Version::V5 } else { Version::V311 });
        for act in &acts {
            world.act(act);
        }
        world.settle();
    }

    #[test]
    fn a_session_never_panics_on_what_it_is_sent(
        five: bool, bytes in proptest::collection::vec(any::<u8>(), 0..60), kind in 0..16_u8,
    ) {
        let mut pair = Pair::open(if five { Version::V5 } else { Version::V311 });
        let mut packet = vec![kind << 4 | 2, u8::try_from(bytes.len()).expect("short")];
        packet.extend(&bytes);
        pair.send(&packet);
        pair.send(&bytes);
        pair.session.tick(u64::MAX);
        if let Some(end) = pair.session.end() {
            prop_assert!(!end.label().is_empty());
        }
    }
}
