//! What phones show.

use godwit_push::simulator::Device;
use godwit_push::{Class, Kind, Notification, Outcome, Tap, Target, VendorName};

use crate::kit::{HOUR_MS, NOW_MS, SILENT, Stage, as_kind, message};

#[tokio::test]
async fn every_vendor_shows_the_message_on_the_phone() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        let outcome = stage.push(vendor, &message(1)).await;
        assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
        let phone = stage.phone(vendor);
        assert_eq!(phone.shade.len(), 1, "{vendor}");
        let shown = &phone.shade[0];
        assert_eq!(
            (shown.title.as_str(), shown.body.as_str()),
            ("Alice", "你好, 一起吃饭吗?"),
            "{vendor}"
        );
        assert_eq!(shown.data.get("conv").map(String::as_str), Some("c7"), "{vendor}");
        assert_eq!(shown.data.get("thread").map(String::as_str), Some("alice"), "{vendor}");
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn the_badge_is_set_where_the_vendor_can_and_zero_clears_it() {
    let stage = Stage::new().await;
    for vendor in [
        VendorName::Apns,
        VendorName::Fcm,
        VendorName::WebPush,
        VendorName::Huawei,
        VendorName::Honor,
    ] {
        stage.push(vendor, &message(1)).await;
        assert_eq!(stage.phone(vendor).badge, Some(3), "{vendor}");
        let cleared = Notification {
            badge: Some(0),
            ..as_kind(2, Kind::Background)
        };
        assert!(stage.push(vendor, &cleared).await.is_accepted(), "{vendor}");
        assert_eq!(stage.phone(vendor).badge, None, "{vendor}");
        assert_eq!(stage.phone(vendor).shade.len(), 1, "{vendor}: the badge shows nothing");
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn a_later_message_of_the_conversation_takes_the_place_of_the_earlier() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        stage.push(vendor, &message(1)).await;
        let later = Notification {
            body: "还有一条消息".to_owned(),
            ..message(2)
        };
        stage.push(vendor, &later).await;
        let other = Notification {
            collapse: "c-8".to_owned(),
            ..message(3)
        };
        stage.push(vendor, &other).await;
        let phone = stage.phone(vendor);
        let bodies: Vec<_> = phone.shade.iter().map(|shown| shown.body.as_str()).collect();
        assert_eq!(bodies, ["还有一条消息", "你好, 一起吃饭吗?"], "{vendor}");
    }
}

#[tokio::test]
async fn a_repeat_carries_the_id_of_the_first_and_shows_once() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        let unread = Notification {
            collapse: String::new(),
            ..message(9)
        };
        stage.push(vendor, &unread).await;
        stage.push(vendor, &unread).await;
        let phone = stage.phone(vendor);
        if vendor == VendorName::Meizu {
            // Meizu has no id for repeats; only the key replaces.
            assert_eq!(phone.shade.len(), 2);
        } else {
            assert_eq!((phone.shade.len(), phone.repeats), (1, 1), "{vendor}");
        }
    }
}

#[tokio::test]
async fn a_message_that_was_read_elsewhere_is_taken_back_where_the_vendor_can() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        stage.push(vendor, &message(1)).await;
        let withdrawn = Notification {
            badge: Some(1),
            ..as_kind(2, Kind::Withdraw)
        };
        let outcome = stage.push(vendor, &withdrawn).await;
        let can = SILENT.contains(&vendor);
        assert_eq!(stage.lane(vendor).limits().silent, can, "{vendor}");
        if can {
            assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
            assert!(stage.phone(vendor).shade.is_empty(), "{vendor}");
        } else {
            assert_eq!(outcome, Outcome::Unsupported, "{vendor}");
            assert_eq!(stage.phone(vendor).shade.len(), 1, "{vendor}");
        }
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn a_call_rings_where_the_vendor_has_calls_and_is_shown_elsewhere() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        let outcome = stage.push(vendor, &as_kind(1, Kind::Call)).await;
        assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
        let device = stage.device(vendor);
        let ringing = match device.voip_token.clone() {
            Some(voip) => Target::token(voip),
            None => device,
        };
        let phone = stage.simulators.phone(vendor, &ringing);
        let shown = phone.history.back().expect("the call came");
        assert_eq!(shown.title, if shown.silent { "" } else { "Alice" }, "{vendor}");
        let rings = matches!(
            vendor,
            VendorName::Apns | VendorName::Fcm | VendorName::WebPush | VendorName::Huawei
        );
        assert_eq!(shown.rings, rings, "{vendor}");
        let words = shown.data.get("title").map_or(shown.title.as_str(), String::as_str);
        assert_eq!(words, "Alice", "{vendor}");
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn huawei_reaches_harmony_by_its_own_api() {
    let stage = Stage::new().await;
    let device = Target {
        harmony: true,
        ..stage.device(VendorName::Huawei)
    };
    let lane = stage.lane(VendorName::Huawei);
    assert!(lane.deliver(&device, &message(1)).await.is_accepted());
    assert_eq!(stage.phone(VendorName::Huawei).shade[0].title, "Alice");
    assert_eq!(stage.phone(VendorName::Huawei).badge, Some(3));
    assert!(lane.deliver(&device, &as_kind(2, Kind::Call)).await.is_accepted());
    assert!(stage.phone(VendorName::Huawei).history[1].rings);
    assert!(lane.deliver(&device, &as_kind(3, Kind::Withdraw)).await.is_accepted());
    assert!(stage.phone(VendorName::Huawei).shade.is_empty());
    let requests = stage.simulators.huawei.script().requests();
    let types: Vec<_> = requests
        .iter()
        .map(|asked| asked.header("push-type").to_owned())
        .collect();
    assert_eq!(types, ["0", "10", "6"]);
    stage.assert_no_complaints();
}

#[tokio::test]
async fn every_tap_reaches_the_phone() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        for (number, tap, said) in [
            (
                1,
                Tap::Url("https://godwit.example/a".to_owned()),
                "https://godwit.example/a",
            ),
            (2, Tap::Intent("godwit://open".to_owned()), "godwit://open"),
        ] {
            let tapped = Notification { tap, ..message(number) };
            let outcome = stage.push(vendor, &tapped).await;
            assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
            let phone = stage.phone(vendor);
            assert_eq!(phone.shade[0].tap.as_deref(), Some(said), "{vendor}");
        }
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn a_token_is_called_invalid_by_the_vendors_word_only() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        let device = stage.device(vendor);
        stage.simulators.set_device(
            vendor,
            &device,
            Device::Gone {
                since_ms: NOW_MS - HOUR_MS,
            },
        );
        let outcome = stage.lane(vendor).deliver(&device, &message(1)).await;
        match (vendor, &outcome) {
            // Its callback says so, later.
            (VendorName::Xiaomi, Outcome::Refused { code, .. }) => assert_eq!(code, "20301"),
            (VendorName::Apns, Outcome::TokenInvalid { as_of_ms, .. }) => {
                assert_eq!(*as_of_ms, Some(NOW_MS - HOUR_MS));
            }
            (VendorName::Xiaomi, _) => panic!("{vendor}: {outcome:?}"),
            (_, Outcome::TokenInvalid { .. }) => {}
            _ => panic!("{vendor}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn an_offline_iphone_keeps_the_newest_only_and_the_newest_is_meaningful_alone() {
    let stage = Stage::new().await;
    let device = stage.device(VendorName::Apns);
    stage.simulators.phones().switch_off(VendorName::Apns, &device.token);
    for number in 1..=5 {
        let unread = Notification {
            badge: Some(u32::from(number)),
            ..message(number)
        };
        stage.push(VendorName::Apns, &unread).await;
    }
    stage.simulators.phones().switch_on(VendorName::Apns, &device.token);
    let phone = stage.phone(VendorName::Apns);
    assert_eq!((phone.history.len(), phone.badge), (1, Some(5)));
}

#[tokio::test]
async fn marketing_goes_in_its_own_class() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        let sale = Notification {
            class: Class::Marketing,
            ..message(1)
        };
        let outcome = stage.push(vendor, &sale).await;
        assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
    }
    // At midnight in China vivo's marketing sleeps, and messages do not.
    stage.forward(6 * HOUR_MS);
    let sale = Notification {
        class: Class::Marketing,
        ..message(2)
    };
    let outcome = stage.push(VendorName::Vivo, &sale).await;
    let Outcome::Retry { after, code, .. } = &outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        (after.map(|after| after.as_secs()), code.as_str()),
        (Some(7 * 3_600), "10071")
    );
    assert!(stage.push(VendorName::Vivo, &message(3)).await.is_accepted());
}
