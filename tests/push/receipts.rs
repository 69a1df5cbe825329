//! What vendors report later: taken from those who prove themselves, kept beside the push it is about, and the only way
//! in which Xiaomi says that a phone is gone.

use godwit_push::VendorName;
use godwit_push::simulator::Device;
use kit::wait_for;
use reqwest::Method;
use serde_json::Value;

use crate::house::House;

impl House {
    /// Posts a report as a vendor does; the status and the answer.
    async fn report(&self, vendor: VendorName, signature: Option<&str>, body: String) -> (u16, Value) {
        let mut request = kit::http_client().post(format!("{}/v1/push-receipts/{vendor}", self.base()));
        if let Some(signature) = signature {
            request = request.header("X-HUAWEI-CALLBACK-ID", signature);
        }
        let answer = request.body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_default())
    }

    async fn checks(&self, user: &str) -> Vec<(String, bool)> {
        let path = format!("/v1/pushes/why?user={user}");
        let (_, why) = self.app.call(Method::GET, &path, None).await;
        let checks = why["items"][0]["checks"].as_array().unwrap();
        let read = |check: &Value| {
            (
                check["check"].as_str().unwrap().to_owned(),
                check["ok"].as_bool().unwrap(),
            )
        };
        checks.iter().map(read).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_receipt_is_shown_beside_its_push_and_a_forged_one_is_refused() {
    let house = House::new().await;
    house.desktop("ann").await;
    let bob = house.owner("bob", VendorName::Huawei).await;
    let sent = house.say("ann", "bob", "晚上一起吃饭吗").await;
    let line = house.expect_line("bob", "accepted", "").await;
    let push = line["pushId"].as_str().unwrap().replace('-', "");
    let huawei = &house.simulators.huawei;
    let (signature, body) = huawei.receipt(&[(&bob.target.token, 0)], &push);

    let (status, problem) = house.report(VendorName::Huawei, None, body.clone()).await;
    assert_eq!((status, &problem["code"]), (401, &"unauthenticated".into()));
    let changed = body.replace("\"status\":0", "\"status\":2");
    assert_ne!(changed, body);
    let forged = signature.replace("nonce=", "nonce=x");
    assert_eq!(house.report(VendorName::Huawei, Some(&forged), changed).await.0, 401);
    let (status, _) = house.report(VendorName::Apns, None, body.clone()).await;
    assert_eq!(status, 401, "Apple reports nothing");
    let (status, _) = house.report(VendorName::Xiaomi, None, body.clone()).await;
    assert_eq!(status, 400);

    for _ in 0..2 {
        // A vendor that missed the answer sends it again, and is told the same.
        let (status, answer) = house.report(VendorName::Huawei, Some(&signature), body.clone()).await;
        assert_eq!((status, &answer["code"]), (200, &"0".into()), "{answer}");
    }
    let lines = house.ledger("bob").await;
    let receipts: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "receipt").collect();
    assert_eq!(receipts.len(), 1, "{lines:#?}");
    assert_eq!(
        (
            &receipts[0]["outcome"],
            &receipts[0]["serverId"],
            &receipts[0]["pushId"]
        ),
        (&"delivered".into(), &sent["serverId"], &line["pushId"])
    );
    house.expect_verdicts("bob", &["vendorAccepted"]).await;
    assert!(house.checks("bob").await.contains(&("receipt".to_owned(), true)));
    let path = format!("/v1/messages/{}/timeline", sent["serverId"].as_str().unwrap());
    let (_, timeline) = house.app.call(Method::GET, &path, None).await;
    let readers = timeline["readers"].as_array().unwrap();
    let bobs = readers.iter().find(|reader| reader["userId"] == "bob").unwrap();
    let pushes = bobs["devices"][0]["pushes"].as_array().unwrap();
    assert_eq!(pushes.last().unwrap()["outcome"], "delivered", "{timeline:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn xiaomis_report_of_type_16_retires_the_token_and_a_later_word_of_the_phone_brings_it_back() {
    let house = House::new().await;
    house.desktop("ann").await;
    let vendor = VendorName::Xiaomi;
    let (bob, _eve) = (house.owner("bob", vendor).await, house.owner("eve", vendor).await);
    house.simulators.set_device(vendor, &bob.target, Device::Unknown);
    house.say("ann", "bob", "hi").await;
    house.say("ann", "eve", "hi").await;
    house.expect_line("eve", "accepted", "").await;
    // Its answer may mean many things, and retires nothing.
    wait_for("Xiaomi's answer", async || {
        let lines = house.ledger("bob").await;
        lines.iter().any(|line| line["code"] == "20301").then_some(())
    })
    .await;
    assert!(house.checks("bob").await.contains(&("token".to_owned(), true)));
    for report in house.simulators.xiaomi.take_reports() {
        let forged = report.replace("secret", "guess");
        assert_ne!(forged, report);
        assert_eq!(house.report(vendor, None, forged).await.0, 401);
        assert_eq!(house.report(vendor, None, report).await.0, 200);
    }
    assert!(house.checks("bob").await.contains(&("token".to_owned(), false)));
    assert!(house.checks("eve").await.contains(&("receipt".to_owned(), true)));
    // The app is installed again and tells the same token.
    house.simulators.set_device(vendor, &bob.target, Device::Good);
    house
        .register("bob", "bob-xiaomi", "zh-CN", crate::house::push(vendor, &bob.target))
        .await;
    house.say("ann", "bob", "again").await;
    wait_for("the push to the phone that came back", async || {
        let rung = house.rung(&bob);
        rung.iter().any(|shown| shown.body.contains("again")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_reports_is_told_to_come_later_guesses_and_signed_ones_alike() {
    let house = House::with(|settings| {
        settings.http.address_requests = 1;
        settings.http.address_requests_burst = 5;
        settings.http.app_requests = 1;
        settings.http.app_requests_burst = 30;
    })
    .await;
    let mut statuses = Vec::new();
    for _ in 0..10 {
        statuses.push(house.report(VendorName::Vivo, None, "{}x".to_owned()).await.0);
    }
    assert!(statuses.contains(&400) && statuses.contains(&429), "{statuses:?}");
    let mut signed = Vec::new();
    for _ in 0..300 {
        let (signature, body) = house
            .simulators
            .huawei
            .receipt(&[("nobody", 0)], &signed.len().to_string());
        signed.push(house.report(VendorName::Huawei, Some(&signature), body).await.0);
        if signed.last() == Some(&429) {
            break;
        }
    }
    assert_eq!(signed.first(), Some(&200), "guesses of others do not hold up a vendor");
    assert_eq!(signed.last(), Some(&429), "{signed:?}");
}
