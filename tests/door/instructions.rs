//! What a message costs in instructions, which no busy machine can change: counted by callgrind, held against a budget.
//!
//! Counted is the whole way of a one-to-one message in this process, as it is built for tests: read, judged, numbered,
//! stored on a simulated disk, acknowledged, delivered to both inboxes and acknowledged by both. The two clients are a
//! small part of it, and always the same one.

use std::process::Command;
use std::sync::Arc;

use godwit_broker::codec::Version;
use godwit_model::clock::ManualClock;
use kit::program;

use crate::house::{House, patient, words};
use crate::packets::{Seen, puback};

/// Instructions of one message, in thousands, when the budget was last set.
const BUDGET_THOUSANDS: u64 = 468;
/// How far from it they may be, in percent: above, something was added to the hot path; below, the budget is to be set anew.
const SLACK_PERCENT: u64 = 10;

/// Two lengths of the same run: their difference is without start and end.
const SHORT: u16 = 50;
const LONG: u16 = 250;

/// How many messages [`messages_one_behind_the_other`] sends where that is not its own choice.
const MESSAGES: &str = "GODWIT_TEST_MESSAGES";

#[test]
fn a_message_takes_no_more_instructions_than_its_budget() {
    if !program::is_here("valgrind", "GODWIT_REQUIRE_VALGRIND") {
        return;
    }
    let (short, long) = (count(SHORT), count(LONG));
    let each = (long - short) / u64::from(LONG - SHORT);
    let budget = BUDGET_THOUSANDS * 1_000;
    eprintln!("{each} instructions for a message; the budget is {budget}");
    let slack = budget * SLACK_PERCENT / 100;
    assert!(
        each.abs_diff(budget) <= slack,
        "{each} instructions for a message, the budget is {budget}: make it cheaper again, or set the budget anew \
         where the work is worth it or was spared"
    );
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the other test tells how many")]
async fn messages_one_behind_the_other() {
    let count = std::env::var(MESSAGES).map_or(10, |count| count.parse().unwrap());
    // Its clock stands: the system's is asked in a way that valgrind does not know.
    let house = House::at(Arc::new(ManualClock::new(1_700_000_000_000)), patient()).await;
    let (ann, bob) = (house.phone("ann", "1").await, house.phone("bob", "1").await);
    let mut at_ann = house.listen(Version::V311, &ann).await;
    let mut at_bob = house.listen(Version::V311, &bob).await;
    let text = "x".repeat(200);
    for id in 1..=count {
        at_ann.send(&ann.text(Version::V311, "bob", id, &text)).await;
        let mut left = 2;
        while left > 0 {
            match at_ann.next().await {
                Seen::PubAck(acknowledged, 0) => assert_eq!(acknowledged, id),
                Seen::Publish { id, .. } => at_ann.send(&puback(id)).await,
                other => panic!("{other:?}"),
            }
            left -= 1;
        }
        assert_eq!(words(&at_bob.entry().await), text);
    }
}

/// Instructions of a run that sends so many messages.
fn count(messages: u16) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "instructions::messages_one_behind_the_other",
            "--test-threads=1",
        ])
        .env(MESSAGES, messages.to_string())
        .output()
        .unwrap();
    let (out, told) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success() && out.contains("1 passed"), "{out}{told}");
    let collected = told.lines().find_map(|line| line.split_once("Collected :"));
    let (_, collected) = collected.unwrap_or_else(|| panic!("no count in {told}"));
    collected.trim().parse().unwrap()
}
