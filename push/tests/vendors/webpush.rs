//! Web Push: addresses that clients chose, and what services of strangers may do to us.

use godwit_push::simulator::Trouble;
use godwit_push::{Outcome, Target, VendorName};
use serde_json::{Value, json};

use crate::kit::{HOUR_MS, Stage, message};

fn elsewhere(device: &Target, endpoint: &str) -> Target {
    let mut subscription: Value = serde_json::from_str(&device.token).expect("a subscription");
    subscription["endpoint"] = json!(endpoint);
    Target::token(subscription.to_string())
}

#[tokio::test]
async fn private_addresses_are_never_asked() {
    let stage = Stage::with(|settings| {
        let webpush = settings.webpush.as_mut().expect("set");
        webpush.private_addresses = false;
        webpush.hosts.clear();
    })
    .await;
    let device = stage.device(VendorName::WebPush);
    let port = endpoint(&device);
    let port = port
        .rsplit(':')
        .next()
        .and_then(|rest| rest.split('/').next())
        .expect("a port");
    for target in [
        device.clone(),
        elsewhere(&device, &format!("https://localhost:{port}/push/x")),
        elsewhere(&device, &format!("https://[::1]:{port}/push/x")),
        elsewhere(&device, &format!("https://[::ffff:127.0.0.1]:{port}/push/x")),
        elsewhere(&device, "http://push.example.org/x"),
        elsewhere(&device, "https://169.254.169.254/latest/meta-data"),
        elsewhere(&device, "nonsense"),
        Target::token("{}"),
        Target::token("x".repeat(10_000)),
    ] {
        let outcome = stage.lane(VendorName::WebPush).deliver(&target, &message(1)).await;
        assert!(
            matches!(outcome, Outcome::Refused { .. }),
            "{}: {outcome:?}",
            target.token
        );
    }
    assert_eq!(stage.simulators.webpush.script().seen(), 0);
}

fn endpoint(device: &Target) -> String {
    let subscription: Value = serde_json::from_str(&device.token).expect("a subscription");
    subscription["endpoint"].as_str().expect("an endpoint").to_owned()
}

#[tokio::test]
async fn only_allowed_services_are_asked() {
    let stage = Stage::with(|settings| {
        settings.webpush.as_mut().expect("set").hosts = vec!["*.push.example.org".to_owned()];
    })
    .await;
    let outcome = stage.push(VendorName::WebPush, &message(1)).await;
    assert!(
        matches!(&outcome, Outcome::Refused { code, .. } if code == "address"),
        "{outcome:?}"
    );
    assert_eq!(stage.simulators.webpush.script().seen(), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stage = Stage::new().await;
    stage.simulators.webpush.script().then(Trouble::status(302));
    let outcome = stage.push(VendorName::WebPush, &message(1)).await;
    assert!(
        matches!(&outcome, Outcome::Refused { code, .. } if code == "redirect"),
        "{outcome:?}"
    );
    assert_eq!(stage.simulators.webpush.script().seen(), 1);
}

#[tokio::test]
async fn a_strangers_service_that_fails_does_not_stop_the_lane() {
    let stage = Stage::with(|settings| settings.webpush.as_mut().expect("set").hosts.clear()).await;
    for trouble in [Trouble::status(503), Trouble::status(403), Trouble::too_many(3_600)] {
        stage.simulators.webpush.script().then_times(15, &trouble);
        for number in 0..15 {
            let outcome = stage.push(VendorName::WebPush, &message(number)).await;
            assert!(!outcome.is_accepted(), "{outcome:?}");
        }
        let outcome = stage.push(VendorName::WebPush, &message(20)).await;
        assert!(outcome.is_accepted(), "{trouble:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn the_signed_word_is_renewed_before_it_ends() {
    let stage = Stage::new().await;
    for number in 0..6 {
        let outcome = stage.push(VendorName::WebPush, &message(number)).await;
        assert!(outcome.is_accepted(), "{number}: {outcome:?}");
        stage.forward(5 * HOUR_MS);
    }
    stage.assert_no_complaints();
}

#[tokio::test]
async fn a_message_that_is_too_large_for_a_service_is_shrunk_once() {
    let stage = Stage::new().await;
    stage.simulators.webpush.script().then(Trouble::status(413));
    assert!(stage.push(VendorName::WebPush, &message(1)).await.is_accepted());
    assert_eq!(stage.phone(VendorName::WebPush).shade[0].body, "");
}
