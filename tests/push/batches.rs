//! Equal pushes go in one request where the vendor takes several, each phone's fate is its own, and a repeat is the same
//! push.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use godwit_push::simulator::{Asked, Device, Trouble};
use godwit_push::{Target, VendorName};
use kit::wait_for;
use serde_json::{Value, json};

use crate::crowd::Crowd;
use crate::house::House;

const DEVICES: usize = 2_500;

fn sends(house: &House) -> Vec<Asked> {
    let requests = house.simulators.huawei.script().requests();
    let sends = requests.into_iter();
    sends.filter(|asked| asked.path.ends_with("messages:send")).collect()
}

/// The tokens of a request, and the id by which the app tells a repeat.
fn said(asked: &Asked) -> (BTreeSet<String>, String) {
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    let tokens = body["message"]["token"].as_array().unwrap();
    let tokens = tokens.iter().map(|token| token.as_str().unwrap().to_owned()).collect();
    let data: Value = serde_json::from_str(body["message"]["android"]["data"].as_str().unwrap()).unwrap();
    (tokens, data["pushId"].as_str().unwrap().to_owned())
}

/// Phones of a vendor in one group.
async fn group_of(house: &House, vendor: VendorName, count: usize) -> (Crowd, Vec<Target>) {
    let crowd = Crowd::of(house).await;
    let mut targets = Vec::new();
    let mut members = vec!["ann".to_owned()];
    for at in 0..count {
        let target = house.simulators.new_device(vendor, &format!("{vendor}{at}"));
        crowd.phone(&user(at), vendor, &target).await;
        members.push(user(at));
        targets.push(target);
    }
    crowd.group("crowd", &members).await;
    (crowd, targets)
}

fn user(at: usize) -> String {
    format!("user{at}")
}

async fn say(house: &House) {
    house
        .send(json!({"from": "ann", "to": "g:crowd", "type": 0, "content": {"text": "hi all"}}))
        .await;
}

/// Huawei asks to be left alone for an hour.
async fn close_huawei(house: &House) {
    house.owner("first", VendorName::Huawei).await;
    house.simulators.script(VendorName::Huawei).then(Trouble::Answer {
        status: 503,
        retry_after: Some(3_600),
        body: String::new(),
    });
    house.say("ann", "first", "hi").await;
    house.expect_line("first", "retry", "503").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_2500_on_huawei_is_three_requests_and_only_the_illegal_tokens_are_retired() {
    let house = House::with(|settings| {
        settings.credentials.access_token_lifetime = Duration::from_hours(48);
        settings.push.batched = 3_000;
    })
    .await;
    house.desktop("ann").await;
    let (crowd, targets) = group_of(&house, VendorName::Huawei, DEVICES).await;
    let illegal = [7, 1_234];
    for at in illegal {
        house
            .simulators
            .set_device(VendorName::Huawei, &targets[at], Device::Unknown);
    }
    // Nothing goes until all is decided, however long that takes.
    close_huawei(&house).await;
    say(&house).await;
    let owed = u64::try_from(DEVICES).unwrap() + 1;
    while house.store.push_jobs_waiting().await.unwrap() < owed {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    house.forward(Duration::from_hours(1));
    let shared = || -> Vec<_> {
        let said = sends(&house).iter().map(said).collect::<Vec<_>>();
        said.into_iter().filter(|(tokens, _)| tokens.len() > 1).collect()
    };
    let tried = || shared().iter().map(|(tokens, _)| tokens.len()).sum::<usize>();
    while tried() < DEVICES {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let shared = shared();
    let sizes: Vec<_> = shared.iter().map(|(tokens, _)| tokens.len()).collect();
    assert_eq!(sizes.len(), 3, "{sizes:?}");
    let ids: BTreeSet<_> = shared.iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), 3, "each request has an id of its own");
    for at in illegal {
        house.expect_line(&user(at), "token_invalid", "").await;
        wait_for("the token to be retired", async || {
            (!crowd.has_token(&user(at)).await).then_some(())
        })
        .await;
    }
    for (at, target) in targets.iter().enumerate().filter(|(at, _)| !illegal.contains(at)) {
        let phone = house.simulators.phone(VendorName::Huawei, target);
        assert_eq!(phone.history.len(), 1, "{at}");
    }
    for at in [0, 8, DEVICES - 1] {
        assert!(crowd.has_token(&user(at)).await, "{at}");
        house.expect_line(&user(at), "accepted", "").await;
    }
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_a_shared_push_carries_the_id_of_the_first_attempt_and_is_shown_once() {
    let mut house = House::with(|settings| settings.push.linger = Duration::from_millis(500)).await;
    house.desktop("ann").await;
    let (_crowd, targets) = group_of(&house, VendorName::Huawei, 40).await;
    // Huawei has it, and we do not know.
    house
        .simulators
        .script(VendorName::Huawei)
        .then_times(2, &Trouble::LostAnswer);
    say(&house).await;
    wait_for("the first attempt", async || (!sends(&house).is_empty()).then_some(())).await;
    house.restart().await;
    house.expect_line(&user(3), "accepted", "").await;
    wait_for("every phone to have it in the ledger", async || {
        let accepted = accepted(&house).await;
        (accepted == targets.len()).then_some(())
    })
    .await;
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for asked in sends(&house) {
        let (tokens, id) = said(&asked);
        for token in tokens {
            ids.entry(token).or_default().insert(id.clone());
        }
    }
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    for target in &targets {
        let phone = house.simulators.phone(VendorName::Huawei, target);
        assert_eq!(phone.history.len(), 1);
    }
    assert!(sends(&house).len() >= 2, "nothing was repeated");
}

async fn accepted(house: &House) -> usize {
    let (_, answer) = house.app.call(reqwest::Method::GET, "/v1/pushes?limit=500", None).await;
    let items = answer["items"].as_array().unwrap();
    let accepted = items.iter().filter(|line| line["outcome"] == "accepted");
    let devices: BTreeSet<_> = accepted.map(|line| line["deviceId"].as_str().unwrap()).collect();
    devices.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn oppo_and_vivo_take_lists_and_what_they_say_of_one_device_is_about_that_one() {
    let house = House::with(|settings| settings.push.linger = Duration::from_secs(1)).await;
    house.desktop("ann").await;
    let crowd = Crowd::of(&house).await;
    let mut members = vec!["ann".to_owned()];
    let mut targets = Vec::new();
    for vendor in [VendorName::Oppo, VendorName::Vivo] {
        for at in 0..12 {
            let user = format!("{vendor}{at}");
            let target = house.simulators.new_device(vendor, &user);
            crowd.phone(&user, vendor, &target).await;
            targets.push((vendor, user.clone(), target));
            members.push(user);
        }
    }
    crowd.group("crowd", &members).await;
    for (vendor, user, target) in &targets {
        if user.ends_with('5') {
            let gone = Device::Gone {
                since_ms: house.now_ms(),
            };
            house.simulators.set_device(*vendor, target, gone);
        }
    }
    say(&house).await;
    for (vendor, user, target) in &targets {
        if user.ends_with('5') {
            house.expect_line(user, "token_invalid", "").await;
        } else {
            house.expect_line(user, "accepted", "").await;
            assert_eq!(house.simulators.phone(*vendor, target).history.len(), 1, "{user}");
        }
    }
    let paths = |vendor| -> Vec<String> {
        let requests = house.simulators.script(vendor).requests();
        requests.into_iter().map(|asked| asked.path).collect()
    };
    let oppo = paths(VendorName::Oppo);
    assert!(oppo.iter().any(|path| path.ends_with("unicast_batch")), "{oppo:?}");
    let vivo = paths(VendorName::Vivo);
    assert!(vivo.iter().any(|path| path == "/message/pushToList"), "{vivo:?}");
    assert_eq!(house.simulators.complaints(), Vec::<String>::new());
}
