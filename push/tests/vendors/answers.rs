//! Each row of each vendor's table of answers.

use std::time::Duration;

use godwit_push::simulator::Trouble;
use godwit_push::{Outcome, Scope, VendorName};

use crate::kit::{Stage, message};

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Accepted,
    TokenInvalid,
    /// For this device, app or vendor.
    Retry(Scope),
    QuotaDay,
    ContentRejected,
    Refused,
    Misconfigured,
    Unsupported,
}

use Means::{Accepted, ContentRejected, Misconfigured, QuotaDay, Refused, Retry, TokenInvalid, Unsupported};

fn meaning(outcome: &Outcome) -> Means {
    match outcome {
        Outcome::Accepted { .. } => Accepted,
        Outcome::TokenInvalid { .. } => TokenInvalid,
        Outcome::Retry { scope, .. } => Retry(*scope),
        Outcome::QuotaDay { .. } => QuotaDay,
        Outcome::ContentRejected { .. } => ContentRejected,
        Outcome::Refused { .. } => Refused,
        Outcome::Misconfigured { .. } => Misconfigured,
        Outcome::Unsupported => Unsupported,
    }
}

/// Puts each answer into the vendor's mouth and asks a client without a lane's memory what it means.
async fn assert_rows(vendor: VendorName, rows: &[(u16, String, Means)]) {
    let stage = Stage::new().await;
    for (status, body, expected) in rows {
        // A fresh lane each time: an earlier row must not hold this one back.
        let settings = stage.simulators.settings();
        let clock = std::sync::Arc::clone(&stage.clock) as _;
        let vendors = godwit_push::Vendors::from_settings(&settings, &clock).expect("the settings hold");
        let lane = vendors.lane("app", vendor).expect("it is set");
        let script = stage.simulators.script(vendor);
        // As often as any client asks again.
        script.then_times(4, &Trouble::body(*status, body.clone()));
        let outcome = lane.deliver(&stage.device(vendor), &message(1)).await;
        script.calm();
        assert_eq!(meaning(&outcome), *expected, "{vendor} {status} {body}: {outcome:?}");
    }
}

#[tokio::test]
async fn apns_reasons() {
    let row = |status: u16, reason: &str, means| (status, format!(r#"{{"reason": "{reason}"}}"#), means);
    let mut rows = vec![
        (200, String::new(), Accepted),
        row(400, "BadDeviceToken", TokenInvalid),
        row(400, "DeviceTokenNotForTopic", TokenInvalid),
        row(400, "IdleTimeout", Retry(Scope::Vendor)),
        row(404, "BadPath", Refused),
        row(405, "MethodNotAllowed", Refused),
        row(413, "PayloadTooLarge", Refused),
        row(429, "TooManyRequests", Retry(Scope::Token)),
        row(429, "TooManyProviderTokenUpdates", Retry(Scope::App)),
        row(500, "InternalServerError", Retry(Scope::Vendor)),
        row(503, "ServiceUnavailable", Retry(Scope::Vendor)),
        row(503, "Shutdown", Retry(Scope::Vendor)),
        row(400, "NeverHeardOf", Refused),
        (503, "<html>".to_owned(), Retry(Scope::Vendor)),
        (
            410,
            r#"{"reason": "Unregistered", "timestamp": 1}"#.to_owned(),
            TokenInvalid,
        ),
        (
            410,
            r#"{"reason": "ExpiredToken", "timestamp": 1}"#.to_owned(),
            TokenInvalid,
        ),
        (410, "gone".to_owned(), Refused),
    ];
    for reason in ["BadTopic", "MissingTopic", "TopicDisallowed"] {
        rows.push(row(400, reason, Misconfigured));
    }
    for reason in "BadCollapseId BadExpirationDate BadMessageId BadPriority DuplicateHeaders InvalidPushType \
                   MissingDeviceToken PayloadEmpty"
        .split_whitespace()
    {
        rows.push(row(400, reason, Refused));
    }
    for reason in "ExpiredProviderToken InvalidProviderToken MissingProviderToken Forbidden UnrelatedKeyIdInToken \
                   BadEnvironmentKeyIdInToken BadCertificate BadCertificateEnvironment"
        .split_whitespace()
    {
        rows.push(row(403, reason, Misconfigured));
    }
    assert_rows(VendorName::Apns, &rows).await;
}

fn google(status: u16, word: &str, code: Option<&str>, field: Option<&str>) -> (u16, String) {
    let code = code.map(|code| {
        format!(r#"{{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "{code}"}}"#)
    });
    let field = field.map(|field| {
        format!(
            r#"{{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{{"field": "{field}"}}]}}"#
        )
    });
    let details: Vec<_> = code.into_iter().chain(field).collect();
    let details = details.join(",");
    let body =
        format!(r#"{{"error": {{"code": {status}, "message": "m", "status": "{word}", "details": [{details}]}}}}"#);
    (status, body)
}

#[tokio::test]
async fn fcm_codes() {
    let row = |(status, body), means| (status, body, means);
    let invalid = "INVALID_ARGUMENT";
    let rows = [
        row(google(404, "NOT_FOUND", Some("UNREGISTERED"), None), TokenInvalid),
        row(
            google(403, "PERMISSION_DENIED", Some("SENDER_ID_MISMATCH"), None),
            TokenInvalid,
        ),
        row(google(400, invalid, Some(invalid), Some("message.token")), TokenInvalid),
        row(google(400, invalid, Some(invalid), Some("message.data")), Refused),
        row(google(400, invalid, Some(invalid), None), Refused),
        row(
            google(429, "RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED"), None),
            Retry(Scope::App),
        ),
        row(
            google(503, "UNAVAILABLE", Some("UNAVAILABLE"), None),
            Retry(Scope::Vendor),
        ),
        row(google(500, "INTERNAL", Some("INTERNAL"), None), Retry(Scope::Vendor)),
        row(
            google(401, "UNAUTHENTICATED", Some("THIRD_PARTY_AUTH_ERROR"), None),
            Misconfigured,
        ),
        row(google(401, "UNAUTHENTICATED", None, None), Misconfigured),
        row(google(403, "PERMISSION_DENIED", None, None), Misconfigured),
        // A bare 404 is a wrong project or address: no token is retired by it.
        row(google(404, "NOT_FOUND", None, None), Misconfigured),
        (404, "Not Found".to_owned(), Misconfigured),
        (429, String::new(), Retry(Scope::App)),
    ];
    assert_rows(VendorName::Fcm, &rows).await;
}

#[tokio::test]
async fn a_third_party_fault_does_not_renew_the_token() {
    let stage = Stage::new().await;
    let (status, body) = google(401, "UNAUTHENTICATED", Some("THIRD_PARTY_AUTH_ERROR"), None);
    stage.simulators.fcm.script().then(Trouble::body(status, body));
    stage.push(VendorName::Fcm, &message(1)).await;
    assert_eq!(stage.simulators.google.given(), 1);
}

#[tokio::test]
async fn fcm_waits_a_minute_after_a_429_without_a_time() {
    let stage = Stage::new().await;
    stage.simulators.fcm.script().then(Trouble::status(429));
    let outcome = stage.push(VendorName::Fcm, &message(1)).await;
    let Outcome::Retry { after, .. } = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(after, Some(Duration::from_mins(1)));
}

#[tokio::test]
async fn web_push_statuses() {
    let row = |status, means| (status, "said".to_owned(), means);
    let rows = [
        row(200, Accepted),
        row(201, Accepted),
        row(202, Accepted),
        row(404, TokenInvalid),
        row(410, TokenInvalid),
        row(400, Refused),
        row(401, Misconfigured),
        row(403, Misconfigured),
        row(413, Refused),
        row(429, Retry(Scope::App)),
        row(500, Retry(Scope::Vendor)),
        row(503, Retry(Scope::Vendor)),
        row(301, Refused),
        row(307, Refused),
    ];
    assert_rows(VendorName::WebPush, &rows).await;
}

#[tokio::test]
async fn xiaomi_codes() {
    let mut rows = Vec::new();
    for (codes, means) in [
        ("-1 1 10001 10002 10003", Retry(Scope::Vendor)),
        ("10008 10012 10016 10017 65009 20301 77777", Refused),
        ("10027 200002", Retry(Scope::App)),
        ("10034 200001", QuotaDay),
        ("10031 21301 21302 22000 22006 22007 22022 26004 27001", Misconfigured),
    ] {
        for code in codes.split(' ') {
            let body = format!(r#"{{"result": "error", "code": {code}, "description": "d", "reason": "r"}}"#);
            rows.push((200, body, means));
        }
    }
    rows.push((
        200,
        r#"{"result": "ok", "code": 0, "data": {"id": "x"}}"#.to_owned(),
        Accepted,
    ));
    // Code and result must agree.
    rows.push((
        200,
        r#"{"result": "error", "code": 0}"#.to_owned(),
        Retry(Scope::Vendor),
    ));
    assert_rows(VendorName::Xiaomi, &rows).await;
}

/// Codes that Huawei and Honor share.
const FAMILY: [(&str, Means); 6] = [
    (
        "80100001 80100002 80100003 80100004 80100013 80100017 80100022 80300008 80300010 80300030 80300036 89999999",
        Refused,
    ),
    ("80100016 80100018", ContentRejected),
    (
        "80200001 80200003 80200005 80300002 80300011 80300013 80300037",
        Misconfigured,
    ),
    ("80300029", Retry(Scope::App)),
    ("80600003 81000001", Retry(Scope::Vendor)),
    ("80000000", Accepted),
];

#[tokio::test]
async fn huawei_codes() {
    let said = |code: &str, msg: &str| format!(r#"{{"code": "{code}", "msg": {msg:?}, "requestId": "r"}}"#);
    let mut rows = Vec::new();
    for (codes, means) in FAMILY {
        rows.extend(codes.split(' ').map(|code| (200, said(code, "m"), means)));
    }
    rows.push((503, String::new(), Retry(Scope::App)));
    rows.push((500, String::new(), Retry(Scope::Vendor)));
    rows.push((502, String::new(), Retry(Scope::Vendor)));
    // All refused, and it was one: it is this one.
    rows.push((200, said("80300007", "all"), TokenInvalid));
    rows.push((200, said("80100000", "unreadable"), Refused));
    assert_rows(VendorName::Huawei, &rows).await;
}

#[tokio::test]
async fn honor_codes() {
    let mut rows = Vec::new();
    for (codes, means) in FAMILY {
        for code in codes.split(' ') {
            rows.push((200, format!(r#"{{"code": {code}, "message": "m"}}"#), means));
            rows.push((200, format!(r#"{{"code": "{code}", "message": "m"}}"#), means));
        }
    }
    rows.push((
        200,
        r#"{"code": 200, "data": {"requestId": "r", "sendResult": true}}"#.to_owned(),
        Accepted,
    ));
    rows.push((200, r#"{"code": 401, "message": "m"}"#.to_owned(), Misconfigured));
    rows.push((200, r#"{"code": 503, "message": "m"}"#.to_owned(), Retry(Scope::Vendor)));
    rows.push((503, String::new(), Retry(Scope::Vendor)));
    assert_rows(VendorName::Honor, &rows).await;
}

#[tokio::test]
async fn oppo_codes() {
    let mut rows = Vec::new();
    for (codes, means) in [
        ("0", Accepted),
        ("-1", Retry(Scope::Vendor)),
        ("-2 13 55", Retry(Scope::App)),
        ("11 12 14 15 16 17 18 19 27 28 30 67", Misconfigured),
        ("20 21 22 23 24 25 26 29 31 32 34 40 41 51 59 10001 20000", Refused),
        ("33", QuotaDay),
        ("10000", TokenInvalid),
    ] {
        let said = |code: &str| format!(r#"{{"code": {code}, "message": "m", "data": {{"messageId": "1"}}}}"#);
        rows.extend(codes.split(' ').map(|code| (200, said(code), means)));
    }
    rows.push((503, String::new(), Retry(Scope::Vendor)));
    assert_rows(VendorName::Oppo, &rows).await;
}

#[tokio::test]
async fn vivo_results() {
    let mut rows = Vec::new();
    for (results, means) in [
        ("0", Accepted),
        ("10000 10094 10096 10097", Misconfigured),
        ("10043 10045 10200 10207", Refused),
        ("10070 10073 10252 10254", QuotaDay),
        ("10071", Retry(Scope::Token)),
        ("10072", Retry(Scope::App)),
        ("10085 10104", ContentRejected),
        ("10302", TokenInvalid),
    ] {
        let said = |result: &str| format!(r#"{{"result": {result}, "desc": "d", "taskId": "1"}}"#);
        rows.extend(results.split(' ').map(|result| (200, said(result), means)));
    }
    for (status, means) in [(1, TokenInvalid), (2, TokenInvalid), (3, Refused), (4, Misconfigured)] {
        let said = format!(r#"{{"result": 0, "desc": "d", "invalidUser": {{"userid": "u", "status": {status}}}}}"#);
        rows.push((200, said, means));
    }
    assert_rows(VendorName::Vivo, &rows).await;
}

#[tokio::test]
async fn meizu_codes() {
    let mut rows = Vec::new();
    for (codes, means) in [
        ("500 1001 1003", Retry(Scope::Vendor)),
        ("1005 110004 110051 110053", Refused),
        ("1006 110000 110001 110009 110031 110032 110033", Misconfigured),
        ("110010", Retry(Scope::App)),
        ("110019", QuotaDay),
    ] {
        let said = |code: &str| format!(r#"{{"code": "{code}", "message": "m", "value": ""}}"#);
        rows.extend(codes.split(' ').map(|code| (200, said(code), means)));
    }
    rows.push((
        200,
        r#"{"code": "200", "message": "", "value": "", "msgId": "1"}"#.to_owned(),
        Accepted,
    ));
    rows.push((
        200,
        r#"{"code": 200, "message": "", "value": {}, "msgId": "1"}"#.to_owned(),
        Accepted,
    ));
    let device = Stage::new().await.device(VendorName::Meizu).token;
    for (codes, means) in [
        ("201 501 513 519 110011", Retry(Scope::Token)),
        ("520", Accepted),
        ("110002 110003", TokenInvalid),
        ("110005 110010", Refused),
    ] {
        let said = |code: &str| format!(r#"{{"code": "200", "message": "", "value": {{"{code}": ["{device}"]}}}}"#);
        rows.extend(codes.split(' ').map(|code| (200, said(code), means)));
    }
    assert_rows(VendorName::Meizu, &rows).await;
}
