//! Apple's connection, tokens and headers.

use std::sync::Arc;

use godwit_push::settings::AppVendors;
use godwit_push::simulator::{ApnsTrouble, Device, Trouble};
use godwit_push::{Kind, Notification, Outcome, Settings, Target, VendorName, Vendors};
use tokio::task::JoinSet;

use crate::kit::{MINUTE_MS, NOW_MS, Stage, as_kind, message};

async fn many(stage: &Stage, pushes: u8) -> Vec<Outcome> {
    let (lane, device) = (stage.lane(VendorName::Apns), stage.device(VendorName::Apns));
    let mut tasks = JoinSet::new();
    for number in 0..pushes {
        let (lane, device) = (Arc::clone(&lane), device.clone());
        tasks.spawn(async move { lane.deliver(&device, &message(number)).await });
    }
    tasks.join_all().await
}

fn all_accepted(outcomes: &[Outcome]) -> bool {
    outcomes.iter().all(Outcome::is_accepted)
}

#[tokio::test]
async fn two_hundred_at_once_take_one_connection_and_one_signature() {
    let stage = Stage::new().await;
    let outcomes = many(&stage, 200).await;
    assert!(all_accepted(&outcomes), "{outcomes:?}");
    assert_eq!(
        (stage.simulators.apns.connections(), stage.simulators.apns.verified()),
        (1, 1)
    );
    stage.assert_no_complaints();
}

#[tokio::test]
async fn a_goaway_under_load_loses_nothing_and_costs_one_connection() {
    let stage = Stage::new().await;
    assert!(all_accepted(&many(&stage, 1).await));
    stage.simulators.apns.trouble(ApnsTrouble::GoAway);
    let outcomes = many(&stage, 100).await;
    assert!(all_accepted(&outcomes), "{outcomes:?}");
    assert_eq!(stage.simulators.apns.connections(), 2);
    let phone = stage.phone(VendorName::Apns);
    assert_eq!(phone.history.len(), 100, "every id came, and each is told once");
}

#[tokio::test]
async fn a_reset_stream_is_asked_again_with_the_same_id() {
    let stage = Stage::new().await;
    stage.simulators.apns.trouble(ApnsTrouble::ResetStream);
    assert!(stage.push(VendorName::Apns, &message(7)).await.is_accepted());
    let requests = stage.simulators.apns.script().requests();
    let ids: Vec<_> = requests
        .iter()
        .map(|asked| asked.header("apns-id").to_owned())
        .collect();
    assert_eq!(ids, vec!["07070707-0707-0707-0707-070707070707"; 2]);
}

#[tokio::test]
async fn the_token_is_signed_anew_after_fifty_minutes_and_not_before() {
    let stage = Stage::new().await;
    for (minute, signatures) in [(0, 1), (49, 1), (50, 1), (51, 2), (100, 2), (102, 3)] {
        let now_ms = NOW_MS + minute * MINUTE_MS;
        stage.clock.set(now_ms);
        let fresh = Notification {
            expires_at_ms: now_ms + MINUTE_MS,
            ..message(u8::try_from(minute).expect("small"))
        };
        // What finds the token old uses it still, and has it renewed.
        let outcome = stage.push(VendorName::Apns, &fresh).await;
        assert!(outcome.is_accepted(), "{outcome:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        assert_eq!(stage.simulators.apns.verified(), signatures, "minute {minute}");
    }
}

#[tokio::test]
async fn a_token_that_slept_for_hours_is_signed_anew_first() {
    let stage = Stage::new().await;
    stage.push(VendorName::Apns, &message(1)).await;
    stage.forward(180 * MINUTE_MS);
    assert!(stage.push(VendorName::Apns, &message(2)).await.is_accepted());
    assert_eq!(stage.simulators.apns.script().seen(), 2);
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_but_never_within_twenty_minutes() {
    let stage = Stage::new().await;
    let expired = Trouble::body(403, r#"{"reason": "ExpiredProviderToken"}"#);
    stage.push(VendorName::Apns, &message(1)).await;
    stage.forward(21 * MINUTE_MS);
    stage.simulators.apns.script().then(expired.clone());
    assert!(stage.push(VendorName::Apns, &message(2)).await.is_accepted());
    assert_eq!(stage.simulators.apns.verified(), 2);
    // Apple says so again a minute later: our clock is wrong, and a new token would be one too many.
    stage.forward(MINUTE_MS);
    stage.simulators.apns.script().then_times(2, &expired);
    let outcome = stage.push(VendorName::Apns, &message(3)).await;
    assert!(matches!(outcome, Outcome::Misconfigured { .. }), "{outcome:?}");
    assert_eq!(stage.simulators.apns.verified(), 2);
}

#[tokio::test]
async fn apps_of_one_team_share_the_token() {
    let stage = Stage::new().await;
    let mut settings = stage.simulators.settings();
    let own = AppVendors {
        apns: settings.apns.clone(),
        ..AppVendors::default()
    };
    settings.app.insert("other".to_owned(), own);
    let vendors = Vendors::from_settings(&settings, &(Arc::clone(&stage.clock) as _)).expect("the settings hold");
    let device = stage.device(VendorName::Apns);
    for app in ["app", "other"] {
        // Apple answers a second token of the team with 429.
        stage.forward(1_000);
        let lane = vendors.lane(app, VendorName::Apns).expect("it is set");
        let outcome = lane.deliver(&device, &message(1)).await;
        assert!(outcome.is_accepted(), "{app}: {outcome:?}");
    }
    assert_eq!(vendors.all().filter(|(app, _)| *app == Some("other")).count(), 1);
}

#[tokio::test]
async fn headers_say_what_the_push_is() {
    let stage = Stage::new().await;
    let badge_only = Notification {
        badge: Some(2),
        ..as_kind(3, Kind::Background)
    };
    let silent = Notification {
        badge: None,
        ..as_kind(4, Kind::Background)
    };
    for notification in [&message(1), &as_kind(2, Kind::Call), &badge_only, &silent] {
        assert!(stage.push(VendorName::Apns, notification).await.is_accepted());
    }
    let requests = stage.simulators.apns.script().requests();
    let said: Vec<_> = requests
        .iter()
        .map(|asked| {
            let header = |name| asked.header(name).to_owned();
            [header("apns-push-type"), header("apns-priority"), header("apns-topic")].join(" ")
        })
        .collect();
    assert_eq!(
        said,
        [
            "alert 10 example.godwit",
            "voip 10 example.godwit.voip",
            "alert 5 example.godwit",
            "background 5 example.godwit",
        ]
    );
    assert_eq!(
        requests[0].header("apns-expiration"),
        (NOW_MS / 1_000 + 86_400).to_string()
    );
    assert_eq!(requests[0].header("apns-collapse-id"), "c-7");
    stage.assert_no_complaints();
}

#[tokio::test]
async fn a_topic_that_a_device_made_up_does_not_stop_the_others() {
    let stage = Stage::new().await;
    for number in 0..20 {
        let device = Target {
            package: Some("of.somebody.else".to_owned()),
            ..stage.device(VendorName::Apns)
        };
        let outcome = stage.lane(VendorName::Apns).deliver(&device, &message(number)).await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    }
    assert!(stage.push(VendorName::Apns, &message(21)).await.is_accepted());
}

#[tokio::test]
async fn a_token_that_is_no_token_is_not_put_into_an_address() {
    let stage = Stage::new().await;
    for token in ["", "../../etc", "abc?x=1", "zz"] {
        let outcome = stage
            .lane(VendorName::Apns)
            .deliver(&Target::token(token), &message(1))
            .await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{token}: {outcome:?}");
    }
    assert_eq!(stage.simulators.apns.script().seen(), 0);
}

#[tokio::test]
async fn too_many_for_one_device_hold_nobody_else() {
    let stage = Stage::new().await;
    let busy = stage.simulators.new_device(VendorName::Apns, "busy");
    let reason = Device::Refused { reason: String::new() };
    stage.simulators.set_device(VendorName::Apns, &busy, reason);
    let outcome = stage.lane(VendorName::Apns).deliver(&busy, &message(1)).await;
    assert_eq!((outcome.word(), outcome.code()), ("retry", "TooManyRequests"));
    assert!(stage.push(VendorName::Apns, &message(2)).await.is_accepted());
}

#[tokio::test]
async fn a_payload_that_is_too_large_is_shrunk_once() {
    let stage = Stage::new().await;
    let too_large = Trouble::body(413, r#"{"reason": "PayloadTooLarge"}"#);
    stage.simulators.apns.script().then(too_large);
    assert!(stage.push(VendorName::Apns, &message(1)).await.is_accepted());
    let phone = stage.phone(VendorName::Apns);
    assert_eq!(
        (phone.shade[0].title.as_str(), phone.shade[0].body.as_str()),
        ("Alice", "")
    );
    assert_eq!(phone.shade[0].data.get("conv").map(String::as_str), Some("c7"));
}

#[tokio::test]
async fn a_certificate_proves_an_app_and_only_that_one() {
    let stage = Stage::new().await;
    let far_ms = NOW_MS + 10 * 365 * 24 * 60 * MINUTE_MS;
    for (bundle, until_ms, word, code) in [
        ("example.godwit", far_ms, "accepted", ""),
        ("of.another.app", far_ms, "misconfigured", "TopicDisallowed"),
        // The handshake is by the host's clock: this one ended in 2001.
        ("example.godwit", 1_000_000_000_000, "misconfigured", "certificate"),
    ] {
        let settings = Settings {
            apns: Some(
                stage
                    .simulators
                    .apns
                    .certified(bundle, until_ms)
                    .expect("a certificate"),
            ),
            ..Settings::default()
        };
        let vendors = Vendors::from_settings(&settings, &(Arc::clone(&stage.clock) as _)).expect("the settings hold");
        let lane = vendors.lane("app", VendorName::Apns).expect("it is set");
        let device = stage.device(VendorName::Apns);
        for number in [1, 2] {
            let outcome = lane.deliver(&device, &message(number)).await;
            assert_eq!((outcome.word(), outcome.code()), (word, code), "{bundle}: {outcome:?}");
        }
        assert_eq!(lane.check().await.is_ok(), word == "accepted");
    }
    let bearers = stage.simulators.apns.script().requests();
    assert!(
        bearers.iter().all(|asked| asked.header("authorization").is_empty()),
        "no token beside it"
    );
    assert_eq!(stage.phone(VendorName::Apns).history.len(), 2);
}

#[tokio::test]
async fn a_key_and_a_certificate_together_are_refused() {
    let stage = Stage::new().await;
    let certified = stage
        .simulators
        .apns
        .certified("example.godwit", NOW_MS)
        .expect("a certificate");
    let mut both = stage.simulators.apns.settings();
    both.certificate.clone_from(&certified.certificate);
    let mut neither = certified;
    neither.certificate = None;
    for apns in [both, neither] {
        let settings = Settings {
            apns: Some(apns),
            ..Settings::default()
        };
        let refused = Vendors::from_settings(&settings, &(Arc::clone(&stage.clock) as _));
        assert_eq!(refused.err().expect("refused").key, "key");
    }
}
