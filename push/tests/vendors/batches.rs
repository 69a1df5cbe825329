//! One request for many devices, where the vendor takes it.

use godwit_push::simulator::{Device, Trouble};
use godwit_push::{Outcome, Target, VendorName};

use crate::kit::{NOW_MS, Stage, message};

fn devices(stage: &Stage, vendor: VendorName, count: usize) -> Vec<Target> {
    (0..count)
        .map(|number| stage.simulators.new_device(vendor, &number.to_string()))
        .collect()
}

#[tokio::test]
async fn a_group_of_2500_on_huawei_is_three_requests_and_only_the_dead_are_retired() {
    let stage = Stage::new().await;
    let vendor = VendorName::Huawei;
    let all = devices(&stage, vendor, 2_500);
    for dead in [3, 1_700] {
        stage
            .simulators
            .set_device(vendor, &all[dead], Device::Gone { since_ms: NOW_MS });
    }
    let lane = stage.lane(vendor);
    let mut outcomes = Vec::new();
    for page in all.chunks(lane.limits().batch) {
        outcomes.extend(lane.deliver_many(page, &message(1)).await);
    }
    assert_eq!(outcomes.len(), 2_500);
    for (number, outcome) in outcomes.iter().enumerate() {
        let is_dead = number == 3 || number == 1_700;
        assert_eq!(
            matches!(outcome, Outcome::TokenInvalid { .. }),
            is_dead,
            "{number}: {outcome:?}"
        );
        assert_eq!(outcome.is_accepted(), !is_dead, "{number}: {outcome:?}");
    }
    let requests = stage.simulators.huawei.script().requests();
    assert_eq!(
        requests
            .iter()
            .filter(|asked| asked.path.ends_with("messages:send"))
            .count(),
        3
    );
    stage.assert_no_complaints();
}

#[tokio::test]
async fn when_huawei_refuses_all_without_a_word_each_is_asked_alone() {
    let stage = Stage::new().await;
    let all = devices(&stage, VendorName::Huawei, 3);
    let refused = Trouble::body(200, r#"{"code": "80300007", "msg": "all invalid", "requestId": "r"}"#);
    stage.simulators.huawei.script().then(refused);
    let outcomes = stage.lane(VendorName::Huawei).deliver_many(&all, &message(1)).await;
    assert!(outcomes.iter().all(Outcome::is_accepted), "{outcomes:?}");
}

#[tokio::test]
async fn harmony_says_for_each_why_and_keeps_tokens_that_are_not_at_fault() {
    let stage = Stage::new().await;
    let vendor = VendorName::Huawei;
    let mut all = devices(&stage, vendor, 4);
    for device in &mut all {
        device.harmony = true;
    }
    let reason = |reason: &str| Device::Refused {
        reason: reason.to_owned(),
    };
    stage.simulators.set_device(vendor, &all[1], Device::Unknown);
    stage.simulators.set_device(vendor, &all[2], reason("noPushTypeRight"));
    stage.simulators.set_device(vendor, &all[3], reason("penalty"));
    let outcomes = stage.lane(vendor).deliver_many(&all, &message(1)).await;
    let words: Vec<_> = outcomes
        .iter()
        .map(|outcome| (outcome.word(), outcome.code()))
        .collect();
    let expected = [
        ("accepted", ""),
        ("token_invalid", "tokenFormatError"),
        ("refused", "noPushTypeRight"),
        ("refused", "penalty"),
    ];
    assert_eq!(words, expected);
}

#[tokio::test]
async fn honor_lists_what_expired_and_what_failed() {
    let stage = Stage::new().await;
    let vendor = VendorName::Honor;
    let all = devices(&stage, vendor, 3);
    stage
        .simulators
        .set_device(vendor, &all[1], Device::Gone { since_ms: NOW_MS });
    let failing = Device::Refused { reason: String::new() };
    stage.simulators.set_device(vendor, &all[2], failing);
    let outcomes = stage.lane(vendor).deliver_many(&all, &message(1)).await;
    let words: Vec<_> = outcomes.iter().map(Outcome::word).collect();
    assert_eq!(words, ["accepted", "token_invalid", "retry"]);
}

#[tokio::test]
async fn xiaomi_and_meizu_take_many_and_meizu_folds_the_sixth_of_a_minute() {
    let stage = Stage::new().await;
    for (vendor, count) in [(VendorName::Xiaomi, 1_000), (VendorName::Meizu, 100)] {
        let all = devices(&stage, vendor, count);
        assert_eq!(stage.lane(vendor).limits().batch, count, "{vendor}");
        let outcomes = stage.lane(vendor).deliver_many(&all, &message(1)).await;
        assert!(outcomes.iter().all(Outcome::is_accepted), "{vendor}");
        assert_eq!(stage.simulators.script(vendor).seen(), 1, "{vendor}");
    }
    for number in 0..7 {
        assert!(stage.push(VendorName::Meizu, &message(number)).await.is_accepted());
    }
    assert_eq!(stage.phone(VendorName::Meizu).history.len(), 5);
    stage.assert_no_complaints();
}

#[tokio::test]
async fn who_takes_one_at_a_time_is_asked_one_at_a_time() {
    let stage = Stage::new().await;
    let vendor = VendorName::Vivo;
    let mut all = devices(&stage, vendor, 3);
    all[1] = Target::token("nobody");
    let outcomes = stage.lane(vendor).deliver_many(&all, &message(1)).await;
    let words: Vec<_> = outcomes.iter().map(Outcome::word).collect();
    assert_eq!(words, ["accepted", "token_invalid", "accepted"]);
}
