//! One request for many devices, where the vendor takes it.

use godwit_push::settings::Pace;
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
async fn oppo_takes_many_messages_and_answers_for_each() {
    let stage = Stage::new().await;
    let vendor = VendorName::Oppo;
    let mut all = devices(&stage, vendor, 100);
    assert_eq!(stage.lane(vendor).batch(), (100, 2));
    stage.simulators.set_device(vendor, &all[1], Device::Unknown);
    let busy = Device::Refused {
        reason: "busy".to_owned(),
    };
    stage.simulators.set_device(vendor, &all[2], busy);
    // Outside China is another platform: a request of its own.
    all[3] = Target::token("OPPO_IN_abroad");
    stage.simulators.set_device(vendor, &all[3], Device::Good);
    let outcomes = stage.lane(vendor).deliver_many(&all, &message(1)).await;
    for (at, outcome) in outcomes.iter().enumerate() {
        let expected = match at {
            1 => "token_invalid",
            2 => "retry",
            _ => "accepted",
        };
        assert_eq!(outcome.word(), expected, "{at}: {outcome:?}");
    }
    let sends = paths(&stage, vendor, "unicast_batch");
    assert_eq!(sends, 2, "one for each platform");
    let again = stage.lane(vendor).deliver_many(&all[4..], &message(1)).await;
    assert!(again.iter().all(Outcome::is_accepted));
    assert_eq!(
        stage.simulators.phone(vendor, &all[4]).history.len(),
        1,
        "a repeat is shown once"
    );
    stage.assert_no_complaints();
}

#[tokio::test]
async fn vivo_takes_a_list_and_names_those_it_does_not_reach() {
    let stage = Stage::new().await;
    let vendor = VendorName::Vivo;
    let all = devices(&stage, vendor, 1_000);
    assert_eq!(stage.lane(vendor).batch(), (1_000, 10));
    let since = Device::Gone { since_ms: NOW_MS };
    stage.simulators.set_device(vendor, &all[1], since);
    stage.simulators.set_device(vendor, &all[2], Device::Unknown);
    let asleep = Device::Refused {
        reason: "inactive".to_owned(),
    };
    stage.simulators.set_device(vendor, &all[3], asleep);
    let outcomes = stage.lane(vendor).deliver_many(&all, &message(1)).await;
    for (at, outcome) in outcomes.iter().enumerate() {
        let expected = match at {
            1 | 2 => "token_invalid",
            3 => "refused",
            _ => "accepted",
        };
        assert_eq!(outcome.word(), expected, "{at}: {outcome:?}");
    }
    assert_eq!(paths(&stage, vendor, "saveListPayload"), 1);
    assert_eq!(paths(&stage, vendor, "pushToList"), 1);
    assert_eq!(paths(&stage, vendor, "/message/send"), 0);
    stage.assert_no_complaints();
}

#[tokio::test]
async fn a_list_that_is_refused_for_one_nobody_names_is_asked_one_by_one() {
    for (vendor, answer) in [
        (
            VendorName::Oppo,
            Trouble::body(200, r#"{"code": 10000, "message": "invalid id"}"#),
        ),
        (
            VendorName::Xiaomi,
            Trouble::body(200, r#"{"result": "error", "code": 20301}"#),
        ),
    ] {
        let stage = Stage::new().await;
        let mut all = devices(&stage, vendor, 20);
        all[4] = Target::token("nobody");
        stage.simulators.script(vendor).then(answer);
        let outcomes = stage.lane(vendor).deliver_many(&all, &message(1)).await;
        let accepted = outcomes.iter().filter(|outcome| outcome.is_accepted()).count();
        assert!(accepted >= 19, "{vendor}: {outcomes:?}");
    }
}

#[tokio::test]
async fn a_list_is_cut_to_what_the_day_has_room_for_and_one_failure_is_one_lesson() {
    let stage = Stage::with(|settings| {
        settings.huawei.as_mut().expect("set").pace = Pace {
            per_day: Some(150),
            batch: Some(100),
            ..Pace::default()
        };
    })
    .await;
    let vendor = VendorName::Huawei;
    let all = devices(&stage, vendor, 100);
    let lane = stage.lane(vendor);
    assert_eq!(lane.batch().0, 100);
    for left in [100, 50, 0] {
        let outcomes = lane.deliver_many(&all, &message(1)).await;
        let accepted = outcomes.iter().filter(|outcome| outcome.is_accepted()).count();
        assert_eq!(accepted, left);
        assert!(outcomes[left..].iter().all(|outcome| outcome.word() == "quota_day"));
    }
    let vendor = VendorName::Meizu;
    stage.simulators.script(vendor).then(Trouble::status(503));
    let all = devices(&stage, vendor, 100);
    let outcomes = stage.lane(vendor).deliver_many(&all, &message(1)).await;
    assert!(outcomes.iter().all(|outcome| outcome.word() == "retry"));
    assert_eq!(
        stage.lane(vendor).report().stopped,
        None,
        "one request that failed, not a hundred"
    );
}

fn paths(stage: &Stage, vendor: VendorName, part: &str) -> usize {
    let requests = stage.simulators.script(vendor).requests();
    requests.iter().filter(|asked| asked.path.ends_with(part)).count()
}
