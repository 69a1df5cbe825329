//! The follower under every order of hints, pages and acknowledgements.

use godwit_archive::RecordKind;
use godwit_model::{AccountNo, ServerId};
use proptest::prelude::*;

use super::*;

fn record(seq: u64) -> Arc<Record> {
    Arc::new(Record {
        kind: RecordKind::Message,
        form: 0,
        conversation: None,
        conv_seq: seq,
        server_id: ServerId(u128::from(seq)),
        server_time_ms: 0,
        expires_at_ms: None,
        sender: AccountNo(0),
        body: bytes::Bytes::new(),
    })
}

fn page(seqs: impl Iterator<Item = u64>) -> Page {
    page_from(1, seqs)
}

fn page_from(floor: u64, seqs: impl Iterator<Item = u64>) -> Page {
    let items = seqs.map(|seq| Item {
        seq,
        record: record(seq),
    });
    Page {
        items: items.collect(),
        floor,
    }
}

fn delivered(step: &Step) -> Option<u64> {
    match step {
        Step::Deliver(item) => Some(item.seq),
        _ => None,
    }
}

#[test]
fn a_live_follower_hands_on_hints_without_reading() {
    let mut follower = Follower::new(5, 5, 10);
    follower.hint(6, record(6));
    assert_eq!(delivered(&follower.step()), Some(6));
    assert!(matches!(follower.step(), Step::Wait));
    assert_eq!(follower.acknowledge(6), Some(6));
}

#[test]
fn a_missed_hint_makes_it_read_and_then_it_is_live_again() {
    let mut follower = Follower::new(0, 0, 10);
    follower.hint(2, record(2));
    assert!(matches!(follower.step(), Step::Read { after: 0, .. }));
    follower.hint(3, record(3));
    follower.page(page(1..=3));
    for seq in 1..=3 {
        assert_eq!(delivered(&follower.step()), Some(seq));
    }
    follower.hint(4, record(4));
    assert_eq!(delivered(&follower.step()), Some(4));
}

#[test]
fn the_cursor_is_the_contiguous_prefix() {
    let mut follower = Follower::new(0, 0, 10);
    for seq in 1..=3 {
        follower.hint(seq, record(seq));
        follower.step();
    }
    assert_eq!(follower.acknowledge(2), None);
    assert_eq!(follower.acknowledge(9), None);
    assert_eq!(follower.acknowledge(1), Some(2));
    assert_eq!(follower.acknowledge(1), None);
    assert_eq!(follower.acknowledge(3), Some(3));
}

#[test]
fn what_is_no_longer_kept_is_one_gap() {
    let mut follower = Follower::new(2, 10, 10);
    assert!(matches!(follower.step(), Step::Read { after: 2, .. }));
    follower.page(page_from(8, 8..=10));
    assert!(matches!(follower.step(), Step::Gap { from: 3, to: 7 }));
    assert_eq!(delivered(&follower.step()), Some(8));
    assert_eq!(follower.acknowledge(7), Some(7));
    assert_eq!(follower.acknowledge(8), Some(8));
}

#[test]
fn an_inbox_of_which_nothing_is_kept_is_one_gap_and_then_live() {
    let mut follower = Follower::new(2, 10, 10);
    assert!(matches!(follower.step(), Step::Read { after: 2, .. }));
    follower.page(page_from(11, 0..0));
    assert!(matches!(follower.step(), Step::Gap { from: 3, to: 10 }));
    assert!(matches!(follower.step(), Step::Wait));
    follower.hint(11, record(11));
    assert_eq!(delivered(&follower.step()), Some(11));
    assert_eq!(follower.acknowledge(10), Some(10));
    assert_eq!(follower.acknowledge(11), Some(11));
}

#[test]
fn a_gap_waits_for_what_is_in_flight_and_takes_no_room_of_its_size() {
    let mut follower = Follower::new(0, 0, 3);
    follower.hint(1, record(1));
    assert_eq!(delivered(&follower.step()), Some(1));
    let last = 1_000_000_000_000;
    follower.know_head(last);
    assert!(matches!(follower.step(), Step::Read { after: 1, .. }));
    follower.page(page_from(last, last..=last));
    assert!(matches!(follower.step(), Step::Wait));
    assert_eq!(follower.acknowledge(1), Some(1));
    assert!(matches!(follower.step(), Step::Gap { from: 2, to } if to == last - 1));
    assert_eq!(delivered(&follower.step()), Some(last));
    assert_eq!(follower.acknowledge(last - 1), Some(last - 1));
    assert_eq!(follower.acknowledge(last), Some(last));
}

#[test]
fn what_the_device_published_counts_as_acknowledged_in_its_turn() {
    let mut follower = Follower::new(0, 0, 10);
    for seq in 1..=4 {
        follower.hint(seq, record(seq));
    }
    follower.sent_by_itself(2);
    follower.sent_by_itself(4);
    assert_eq!(delivered(&follower.step()), Some(1));
    assert_eq!(delivered(&follower.step()), Some(3));
    assert!(matches!(follower.step(), Step::Wait));
    assert_eq!((follower.sent(), follower.cursor()), (4, 0), "1 is not acknowledged");
    follower.acknowledge(1);
    assert_eq!(follower.cursor(), 2);
    follower.acknowledge(3);
    assert_eq!(follower.cursor(), 4);
}

#[test]
fn an_entry_of_the_own_account_waits_until_it_is_known_whose_it_is() {
    let author = record(1).sender;
    let mut follower = Follower::new(0, 0, 10);
    follower.hint(1, record(1));
    follower.hint(2, record(2));
    assert!(matches!(follower.step_unless_own(author), Step::Wait));
    follower.sent_by_itself(2);
    assert_eq!(
        delivered(&follower.step_unless_own(author)),
        Some(1),
        "of another device"
    );
    assert!(matches!(follower.step_unless_own(author), Step::Wait));
    assert_eq!(follower.sent(), 2);
    follower.hint(3, record(3));
    assert!(matches!(follower.step_unless_own(author), Step::Wait));
    assert_eq!(delivered(&follower.step_unless_own(AccountNo(9))), Some(3));
}

proptest! {
    /// Whatever is hinted, lost, read late or acknowledged out of order: every number once, in order, within the window.
    #[test]
    fn every_entry_is_delivered_once_and_in_order(
        window in 1_u16..20,
        start in 0_u64..5,
        total in 1_u64..200,
        choices in proptest::collection::vec((0_u8..7, any::<prop::sample::Index>()), 50..600),
        own in proptest::collection::hash_set(1_u64..200, 0..50),
    ) {
        let mut follower = Follower::new(start, start, window);
        let (mut head, mut expected, mut asked) = (start, start + 1, None);
        let mut in_flight: Vec<u64> = Vec::new();
        let mut told = 0;
        let mut choices = choices.into_iter().cycle();
        for _ in 0..20_000 {
            if follower.cursor() == start + total {
                break;
            }
            let (choice, index) = choices.next().unwrap();
            match choice {
                0 if head < start + total => { head += 1; follower.hint(head, record(head)); }
                1 if head < start + total => { head += 1; follower.know_head(head); }
                2 => if let Some((after, limit)) = asked.take() {
                    follower.page(page((after + 1..=head).take(limit)));
                },
                3 => if asked.take().is_some() { follower.page_failed(); },
                // The acknowledgements of what the device published say so far which entries these are.
                6 => for seq in std::mem::replace(&mut told, head) + 1..=head {
                    if own.contains(&seq) && seq > follower.sent() {
                        follower.sent_by_itself(seq);
                    }
                },
                4 if !in_flight.is_empty() => {
                    let seq = in_flight.swap_remove(index.index(in_flight.len()));
                    follower.acknowledge(seq);
                }
                _ => match follower.step() {
                    Step::Deliver(item) => {
                        while expected < item.seq && own.contains(&expected) && expected <= told {
                            expected += 1;
                        }
                        prop_assert_eq!(item.seq, expected);
                        prop_assert!(!own.contains(&item.seq) || item.seq > told);
                        expected += 1;
                        in_flight.push(item.seq);
                        prop_assert!(follower.sent() - follower.cursor() <= u64::from(window));
                    }
                    Step::Read { after, limit } => {
                        prop_assert!(asked.is_none());
                        asked = Some((after, limit));
                    }
                    Step::Gap { .. } => prop_assert!(false, "nothing is gone"),
                    Step::Wait => {}
                },
            }
        }
        // Enough rounds always suffice unless the choices never acknowledge, deliver or read.
        prop_assert!(follower.cursor() <= head);
    }
}
