//! Tokens that expire under load: one renewal for everybody.

use godwit_push::simulator::Trouble;
use godwit_push::{Outcome, VendorName};
use tokio::task::JoinSet;

use crate::kit::{HOUR_MS, Stage, WITH_TOKENS, message};

async fn push_many(stage: &Stage, vendor: VendorName, pushes: usize) -> Vec<Outcome> {
    let (lane, device) = (stage.lane(vendor), stage.device(vendor));
    let mut tasks = JoinSet::new();
    for _ in 0..pushes {
        let (lane, device) = (lane.clone(), device.clone());
        tasks.spawn(async move { lane.deliver(&device, &message(1)).await });
    }
    tasks.join_all().await
}

fn unlimited(settings: &mut godwit_push::Settings) {
    let pace = godwit_push::settings::Pace {
        in_flight: Some(1_000),
        per_second: Some(1_000_000),
        ..Default::default()
    };
    settings.fcm.as_mut().expect("set").pace = pace.clone();
    settings.huawei.as_mut().expect("set").pace = pace.clone();
    settings.honor.as_mut().expect("set").pace = pace.clone();
    settings.oppo.as_mut().expect("set").pace = pace.clone();
    settings.vivo.as_mut().expect("set").pace = pace;
}

#[tokio::test]
async fn a_thousand_pushes_with_an_expired_token_renew_it_once() {
    let stage = Stage::with(unlimited).await;
    for (vendor, pushes) in WITH_TOKENS.into_iter().zip([1_000, 200, 200, 200, 200]) {
        let outcomes = push_many(&stage, vendor, pushes).await;
        let refused: Vec<_> = outcomes.iter().filter(|outcome| !outcome.is_accepted()).collect();
        assert!(refused.is_empty(), "{vendor}: {refused:?}");
        assert_eq!(stage.simulators.tokens_given(vendor), 1, "{vendor}");
        // The vendor forgets it before its time.
        stage.simulators.expire_tokens(vendor);
        let outcomes = push_many(&stage, vendor, pushes).await;
        let refused: Vec<_> = outcomes.iter().filter(|outcome| !outcome.is_accepted()).collect();
        assert!(refused.is_empty(), "{vendor}: {refused:?}");
        assert_eq!(stage.simulators.tokens_given(vendor), 2, "{vendor}");
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_dies() {
    let stage = Stage::new().await;
    for vendor in WITH_TOKENS {
        assert!(stage.push(vendor, &message(1)).await.is_accepted(), "{vendor}");
    }
    stage.forward(2 * HOUR_MS);
    for vendor in WITH_TOKENS {
        let outcome = stage.push(vendor, &message(2)).await;
        assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
        // In the background for those who still had one.
        for _ in 0..200 {
            if stage.simulators.tokens_given(vendor) == 2 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(stage.simulators.tokens_given(vendor), 2, "{vendor}");
    }
}

#[tokio::test]
async fn a_vendor_that_never_takes_our_token_is_a_matter_for_the_operator() {
    let stage = Stage::new().await;
    for (vendor, answer) in [
        (
            VendorName::Fcm,
            Trouble::body(401, r#"{"error": {"code": 401, "status": "UNAUTHENTICATED"}}"#),
        ),
        (
            VendorName::Huawei,
            Trouble::body(401, r#"{"code": "80200003", "msg": "expired"}"#),
        ),
        (
            VendorName::Honor,
            Trouble::body(200, r#"{"code": 80200003, "message": "expired"}"#),
        ),
        (
            VendorName::Oppo,
            Trouble::body(200, r#"{"code": 11, "message": "Invalid AuthToken"}"#),
        ),
        (
            VendorName::Vivo,
            Trouble::body(200, r#"{"result": 10000, "desc": "auth"}"#),
        ),
    ] {
        assert!(stage.push(vendor, &message(1)).await.is_accepted(), "{vendor}");
        stage.simulators.script(vendor).then_times(2, &answer);
        let outcome = stage.push(vendor, &message(2)).await;
        assert!(
            matches!(outcome, Outcome::Misconfigured { .. }),
            "{vendor}: {outcome:?}"
        );
        assert_eq!(
            stage.simulators.tokens_given(vendor),
            2,
            "{vendor}: it was renewed once, and not in a loop"
        );
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_not_asked_for_every_push() {
    let stage = Stage::with(unlimited).await;
    stage.simulators.google.script().always(Trouble::status(503));
    let outcomes = push_many(&stage, VendorName::Fcm, 50).await;
    for outcome in &outcomes {
        assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    }
    assert_eq!(stage.simulators.google.script().seen(), 1);
    stage.simulators.google.script().calm();
    stage.forward(2_000);
    assert!(stage.push(VendorName::Fcm, &message(3)).await.is_accepted());
}
