//! Texts of any length and script, cut to what each vendor takes: the simulators refuse a character too many.

use godwit_push::{Kind, Notification, Outcome, VendorName};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::kit::{SILENT, Stage, as_kind, message};

const FAMILY: &str = "👨‍👩‍👧‍👦";

fn with_words(number: u8, title: String, body: String) -> Notification {
    Notification {
        title,
        body,
        ..message(number)
    }
}

#[tokio::test]
async fn long_chinese_and_emoji_are_cut_between_graphemes() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        for (number, title, body) in [
            (1, "你".repeat(500), "好".repeat(5_000)),
            (2, FAMILY.repeat(100), FAMILY.repeat(1_000)),
            (3, "e\u{301}".repeat(300), "\"\\\n".repeat(3_000)),
        ] {
            let outcome = stage
                .push(vendor, &with_words(number, title.clone(), body.clone()))
                .await;
            assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
            let shown = stage.phone(vendor).shade.last().cloned().expect("it is shown");
            assert!(
                shown.title.ends_with('…') && shown.body.ends_with('…'),
                "{vendor}: {shown:?}"
            );
            for (cut, whole) in [(&shown.title, &title), (&shown.body, &body)] {
                let kept = cut.trim_end_matches('…');
                assert!(whole.starts_with(kept), "{vendor}: {cut}");
                assert!(!kept.ends_with('\u{200D}') && !whole.replacen(kept, "", 1).starts_with('\u{301}'));
            }
        }
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn any_words_are_taken_by_every_vendor() {
    let stage = Stage::new().await;
    let mut runner = TestRunner::deterministic();
    let words = ("[^\u{0}-\u{1F}\u{7F}]{1,70}", "\\PC{1,400}");
    for number in 0..25 {
        let (title, body) = words.new_tree(&mut runner).expect("words").current();
        // A title of nothing but space is nobody's.
        let notification = with_words(number, format!("字{title}"), format!("字{body}"));
        for vendor in VendorName::ALL {
            if vendor == VendorName::Meizu {
                // It folds more than five a minute.
                stage.forward(60_000);
            }
            let outcome = stage.push(vendor, &notification).await;
            assert!(outcome.is_accepted(), "{vendor}: {outcome:?}\n{notification:?}");
        }
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn an_empty_body_is_something_every_vendor_takes() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        let outcome = stage
            .push(vendor, &with_words(1, "Alice".to_owned(), String::new()))
            .await;
        assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn a_long_call_fits_too() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        let call = Notification {
            title: "你".repeat(3_000),
            body: FAMILY.repeat(1_000),
            ..as_kind(1, Kind::Call)
        };
        let outcome = stage.push(vendor, &call).await;
        assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn data_that_no_vendor_takes_is_refused_and_not_cut() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        let heavy = Notification {
            data: vec![("blob".to_owned(), "x".repeat(6_000))],
            ..message(1)
        };
        let outcome = stage.push(vendor, &heavy).await;
        if vendor == VendorName::Meizu {
            // Meizu names no limit.
            continue;
        }
        assert!(matches!(outcome, Outcome::Refused { .. }), "{vendor}: {outcome:?}");
        if SILENT.contains(&vendor) {
            let silent = Notification {
                data: heavy.data,
                ..as_kind(2, Kind::Background)
            };
            let outcome = stage.push(vendor, &silent).await;
            assert!(matches!(outcome, Outcome::Refused { .. }), "{vendor}: {outcome:?}");
        }
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn what_vivo_takes_for_a_test_is_called_a_matter_of_words() {
    let stage = Stage::new().await;
    let outcome = stage
        .push(
            VendorName::Vivo,
            &with_words(1, "Alice".to_owned(), "test 123".to_owned()),
        )
        .await;
    assert!(matches!(outcome, Outcome::ContentRejected { .. }), "{outcome:?}");
}
