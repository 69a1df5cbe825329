//! Vendors that are down, slow, broken or not themselves.

use std::time::{Duration, Instant};

use godwit_push::simulator::Trouble;
use godwit_push::{Outcome, Scope, Settings, VendorName};

use crate::kit::{Stage, message};

/// Calls `change` with the connection of each vendor.
fn each_connection(settings: &mut Settings, change: impl Fn(&mut godwit_push::settings::Connection)) {
    change(&mut settings.apns.as_mut().expect("set").connection);
    change(&mut settings.fcm.as_mut().expect("set").connection);
    change(&mut settings.webpush.as_mut().expect("set").connection);
    change(&mut settings.xiaomi.as_mut().expect("set").connection);
    let huawei = settings.huawei.as_mut().expect("set");
    change(&mut huawei.v1.as_mut().expect("set").connection);
    change(&mut huawei.v3.as_mut().expect("set").connection);
    change(&mut settings.honor.as_mut().expect("set").connection);
    change(&mut settings.oppo.as_mut().expect("set").connection);
    change(&mut settings.vivo.as_mut().expect("set").connection);
    change(&mut settings.meizu.as_mut().expect("set").connection);
}

#[tokio::test]
async fn a_server_with_an_unknown_certificate_gets_nothing() {
    let stage = Stage::with(|settings| each_connection(settings, |connection| connection.extra_roots = None)).await;
    for vendor in VendorName::ALL {
        let outcome = stage.push(vendor, &message(1)).await;
        assert!(
            matches!(&outcome, Outcome::Misconfigured { code, .. } if code == "untrusted"),
            "{vendor}: {outcome:?}"
        );
        assert_eq!(stage.simulators.script(vendor).seen(), 0, "{vendor}");
    }
}

#[tokio::test]
async fn a_vendor_that_is_down_or_talks_nonsense_is_tried_again_later() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        // What gets a token is done before: the trouble is with the push itself.
        assert!(stage.push(vendor, &message(1)).await.is_accepted());
        for (trouble, what) in [
            (Trouble::status(503), "503"),
            (Trouble::status(500), "500"),
            (Trouble::status(502), "502"),
            (Trouble::html(), "a page"),
            (Trouble::half_json(), "half of JSON"),
        ] {
            // Twice for clients that ask again.
            stage.simulators.script(vendor).then_times(1, &trouble);
            let outcome = stage.push(vendor, &message(2)).await;
            stage.simulators.script(vendor).calm();
            let is_page = trouble == Trouble::html() || trouble == Trouble::half_json();
            if is_page && matches!(vendor, VendorName::Apns | VendorName::WebPush) {
                // Their success has no words.
                assert!(outcome.is_accepted(), "{vendor} {what}: {outcome:?}");
                continue;
            }
            assert!(matches!(outcome, Outcome::Retry { .. }), "{vendor} {what}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn a_silent_vendor_costs_its_timeout_and_no_more() {
    let stage = Stage::with(|settings| each_connection(settings, |connection| connection.timeout_ms = 200)).await;
    for vendor in VendorName::ALL {
        assert!(stage.push(vendor, &message(1)).await.is_accepted(), "{vendor}");
        stage.simulators.script(vendor).then(Trouble::Silence);
        let started = Instant::now();
        let outcome = stage.push(vendor, &message(2)).await;
        assert!(
            matches!(&outcome, Outcome::Retry { code, scope: Scope::Vendor, .. } if code == "timeout"),
            "{vendor}: {outcome:?}"
        );
        let took = started.elapsed();
        assert!(
            took >= Duration::from_millis(200) && took < Duration::from_secs(2),
            "{vendor}: {took:?}"
        );
    }
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_with_the_same_id() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        assert!(stage.push(vendor, &message(1)).await.is_accepted(), "{vendor}");
        stage.simulators.script(vendor).then(Trouble::LostAnswer);
        let mut outcome = stage.push(vendor, &message(2)).await;
        if matches!(outcome, Outcome::Retry { .. }) {
            outcome = stage.push(vendor, &message(2)).await;
        }
        assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
        let phone = stage.phone(vendor);
        assert_eq!(phone.shade.len(), 1, "{vendor}: one notification");
        if vendor != VendorName::Meizu {
            assert_eq!(phone.repeats, 1, "{vendor}: the repeat was told by its id");
        }
    }
}

#[tokio::test]
async fn a_vendor_that_is_not_there_is_tried_again_later() {
    let stage = Stage::with(|settings| {
        settings.meizu.as_mut().expect("set").connection.base_url = Some("https://127.0.0.1:1".to_owned());
    })
    .await;
    let outcome = stage.push(VendorName::Meizu, &message(1)).await;
    assert!(
        matches!(&outcome, Outcome::Retry { code, scope: Scope::Vendor, .. } if code == "connect"),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_plain_http_address_is_refused_in_the_settings() {
    let stage = Stage::new().await;
    let mut settings = stage.simulators.settings();
    settings.honor.as_mut().expect("set").connection.base_url = Some("http://127.0.0.1:1".to_owned());
    let clock = std::sync::Arc::clone(&stage.clock) as _;
    let refused = godwit_push::Vendors::from_settings(&settings, &clock)
        .err()
        .expect("refused");
    assert_eq!(
        (refused.vendor, refused.key),
        (VendorName::Honor, "connection.base_url")
    );
}
