//! What stands between the jobs and a vendor.

use std::time::Duration;

use godwit_push::lane::next_vendor_midnight_ms;
use godwit_push::settings::Pace;
use godwit_push::simulator::Trouble;
use godwit_push::{Class, Notification, Outcome, Scope, VendorName};

use crate::kit::{HOUR_MS, NOW_MS, Stage, message};

fn of_class(number: u8, class: Class) -> Notification {
    Notification {
        class,
        ..message(number)
    }
}

#[tokio::test]
async fn after_a_429_nothing_goes_there_for_the_time_it_named_and_others_go_on() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        assert!(stage.push(vendor, &message(1)).await.is_accepted(), "{vendor}");
    }
    let vendor = VendorName::Fcm;
    stage.simulators.script(vendor).then(Trouble::too_many(2));
    let outcome = stage.push(vendor, &message(2)).await;
    assert!(matches!(&outcome, Outcome::Retry { after: Some(after), .. } if *after == Duration::from_secs(2)));
    let seen = stage.simulators.script(vendor).seen();
    for left_ms in [2_000, 1_000, 1] {
        assert_eq!(stage.lane(vendor).closed_ms(), left_ms);
        assert_eq!(stage.lane(VendorName::Apns).closed_ms(), 0);
        let outcome = stage.push(vendor, &message(3)).await;
        let Outcome::Retry { after, code, scope, .. } = &outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(
            (*after, code.as_str()),
            (Some(Duration::from_millis(left_ms)), "held_back")
        );
        assert_eq!(*scope, Scope::App);
        assert!(stage.push(VendorName::Apns, &message(3)).await.is_accepted());
        stage.forward(if left_ms == 2_000 { 1_000 } else { left_ms - 1 });
    }
    assert_eq!(stage.simulators.script(vendor).seen(), seen);
    stage.forward(1);
    assert_eq!(stage.lane(vendor).closed_ms(), 0);
    assert!(stage.push(vendor, &message(4)).await.is_accepted());
}

#[tokio::test]
async fn a_class_out_of_quota_rests_until_midnight_in_china_and_calls_go_on() {
    let stage = Stage::new().await;
    stage.simulators.xiaomi.set_day_quota(2);
    let vendor = VendorName::Xiaomi;
    for (number, accepted) in [(1, true), (2, true), (3, false), (4, false)] {
        let outcome = stage.push(vendor, &message(number)).await;
        assert_eq!(outcome.is_accepted(), accepted, "{outcome:?}");
    }
    // Three reached Xiaomi, the fourth did not.
    assert_eq!(stage.simulators.script(vendor).seen(), 3);
    assert_eq!(stage.lane(vendor).report().out_of_quota, [Class::Chat]);
    stage.simulators.xiaomi.set_day_quota(100);
    assert!(stage.push(vendor, &of_class(5, Class::Call)).await.is_accepted());
    assert_eq!(stage.push(vendor, &message(6)).await.word(), "quota_day");
    let midnight_ms = next_vendor_midnight_ms(NOW_MS);
    assert_eq!(midnight_ms, NOW_MS + 6 * HOUR_MS);
    stage.clock.set(midnight_ms);
    assert!(stage.push(vendor, &message(7)).await.is_accepted());
}

#[tokio::test]
async fn what_the_settings_allow_in_a_day_keeps_a_reserve_for_calls() {
    let stage = Stage::with(|settings| {
        settings.oppo.as_mut().expect("set").pace = Pace {
            per_day: Some(3),
            reserve: 1,
            ..Pace::default()
        };
    })
    .await;
    let vendor = VendorName::Oppo;
    for (class, accepted) in [
        (Class::Chat, true),
        (Class::Chat, true),
        (Class::Chat, false),
        (Class::Mention, true),
        (Class::Call, false),
    ] {
        let outcome = stage.push(vendor, &of_class(1, class)).await;
        assert_eq!(outcome.is_accepted(), accepted, "{class:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_vendor_that_is_down_for_an_hour_is_asked_by_probes_only() {
    let stage = Stage::new().await;
    let vendor = VendorName::Meizu;
    stage.simulators.script(vendor).always(Trouble::status(503));
    for minute in 0..60 {
        for number in 0..20 {
            let outcome = stage.push(vendor, &message(number)).await;
            assert!(matches!(outcome, Outcome::Retry { .. }), "{minute}: {outcome:?}");
        }
        stage.forward(60_000);
    }
    assert!(stage.lane(vendor).closed_ms() <= 60_000, "a minute at most");
    let seen = stage.simulators.script(vendor).seen();
    assert!(seen <= 10 + 60, "{seen} requests in an hour");
    stage.simulators.script(vendor).calm();
    assert!(stage.push(vendor, &message(1)).await.is_accepted());
    assert!(stage.push(vendor, &message(2)).await.is_accepted());
    assert_eq!(stage.lane(vendor).report().stopped, None);
}

#[tokio::test]
async fn complaints_about_the_pace_slow_the_lane() {
    let stage = Stage::new().await;
    let vendor = VendorName::Xiaomi;
    let full = stage.lane(vendor).report().per_second;
    stage.simulators.xiaomi.set_per_second(1);
    stage.push(vendor, &message(1)).await;
    let outcome = stage.push(vendor, &message(2)).await;
    assert_eq!((outcome.word(), outcome.code()), ("retry", "200002"));
    let slowed = stage.lane(vendor).report().per_second;
    assert!(slowed < full * 0.6, "{full} to {slowed}");
    stage.simulators.xiaomi.set_per_second(1_000);
    for number in 0..30 {
        stage.forward(1_001);
        assert!(stage.push(vendor, &message(number)).await.is_accepted());
    }
    assert!((stage.lane(vendor).report().per_second - full).abs() < 1.0);
}

#[tokio::test]
async fn an_app_without_a_vendor_of_its_own_takes_that_of_every_app() {
    let stage = Stage::new().await;
    assert!(stage.vendors.lane("whoever", VendorName::Apns).is_some());
    // The external service is one besides.
    assert_eq!(stage.vendors.all().count(), VendorName::ALL.len() + 1);
    let empty = godwit_push::Settings::default();
    let none = godwit_push::Vendors::from_settings(&empty, &(std::sync::Arc::clone(&stage.clock) as _));
    let none = none.expect("nothing is wrong with nothing");
    assert!(none.is_empty() && none.lane("app", VendorName::Apns).is_none());
}
