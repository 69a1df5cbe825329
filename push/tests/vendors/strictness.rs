//! The simulators refuse what a vendor would refuse: a good request is taken, changed in one place, and sent again.

use std::sync::Arc;

use godwit_push::simulator::Asked;
use godwit_push::{Kind, VendorName};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::kit::{MINUTE_MS, Stage, as_kind, message};

/// Who asks as he likes.
struct Stranger {
    client: reqwest::Client,
    origin: String,
}

impl Stranger {
    fn new(stage: &Stage, vendor: VendorName, alpn: &str) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        let authority = stage.simulators.authority().pem();
        roots
            .add(CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate"))
            .expect("it is trusted");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions");
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let builder = if alpn == "h2" {
            builder.http2_prior_knowledge()
        } else {
            builder
        };
        Self {
            client: builder.build().expect("a client"),
            origin: origin(stage, vendor),
        }
    }

    async fn ask(&self, asked: &Asked) -> Result<(u16, String), reqwest::Error> {
        let mut request = self.client.post(format!("{}{}", self.origin, asked.path));
        for (name, value) in &asked.headers {
            if !matches!(name.as_str(), "host" | "content-length") {
                request = request.header(name, value);
            }
        }
        let response = request.body(asked.body.clone()).send().await?;
        Ok((response.status().as_u16(), response.text().await?))
    }
}

fn origin(stage: &Stage, vendor: VendorName) -> String {
    let settings = stage.simulators.settings();
    let connection = match vendor {
        VendorName::Apns => settings.apns.expect("set").connection,
        VendorName::Fcm => settings.fcm.expect("set").connection,
        VendorName::WebPush => {
            let device: Value = serde_json::from_str(&stage.device(vendor).token).expect("a subscription");
            let endpoint = device["endpoint"].as_str().expect("an endpoint").to_owned();
            return endpoint.split("/push/").next().expect("an origin").to_owned();
        }
        VendorName::Xiaomi => settings.xiaomi.expect("set").connection,
        VendorName::Huawei => settings.huawei.expect("set").v1.expect("set").connection,
        VendorName::Honor => settings.honor.expect("set").connection,
        VendorName::Oppo => settings.oppo.expect("set").connection,
        VendorName::Vivo => settings.vivo.expect("set").connection,
        VendorName::Meizu => settings.meizu.expect("set").connection,
        VendorName::External => settings.external.expect("set").connection,
    };
    connection.base_url.expect("a simulator's address is set")
}

/// The last request of a good push.
async fn good(stage: &Stage, vendor: VendorName) -> Asked {
    let outcome = stage.push(vendor, &message(1)).await;
    assert!(outcome.is_accepted(), "{vendor}: {outcome:?}");
    stage
        .simulators
        .script(vendor)
        .requests()
        .pop()
        .expect("a request came")
}

fn with_json(asked: &Asked, change: impl FnOnce(&mut Value)) -> Asked {
    let mut body: Value = serde_json::from_slice(&asked.body).expect("JSON");
    change(&mut body);
    Asked {
        body: body.to_string().into_bytes(),
        ..asked.clone()
    }
}

fn with_header(asked: &Asked, name: &'static str, value: &str) -> Asked {
    let mut asked = asked.clone();
    asked.headers.insert(name, value.parse().expect("a header"));
    asked
}

#[tokio::test]
async fn a_good_request_is_good_again_and_one_unknown_field_makes_it_bad() {
    let stage = Stage::new().await;
    for (vendor, field) in [
        (VendorName::Apns, "/aps"),
        (VendorName::Fcm, "/message"),
        (VendorName::Huawei, "/message/android"),
        (VendorName::Honor, "/android/notification"),
        (VendorName::Vivo, ""),
    ] {
        let asked = good(&stage, vendor).await;
        let stranger = Stranger::new(&stage, vendor, "h2");
        let before = stage.simulators.complaints().len();
        stranger.ask(&asked).await.expect("an answer");
        assert_eq!(stage.simulators.complaints().len(), before, "{vendor}: it was good");
        let unknown = with_json(&asked, |body| {
            body.pointer_mut(field).expect("an object")["colour"] = json!("red");
        });
        let (_, said) = stranger.ask(&unknown).await.expect("an answer");
        assert_eq!(stage.simulators.complaints().len(), before + 1, "{vendor}: {said}");
    }
    for vendor in [VendorName::Xiaomi, VendorName::Oppo] {
        let mut asked = good(&stage, vendor).await;
        asked.body.extend_from_slice(b"&colour=red");
        let before = stage.simulators.complaints().len();
        let said = Stranger::new(&stage, vendor, "h2")
            .ask(&asked)
            .await
            .expect("an answer");
        assert_eq!(stage.simulators.complaints().len(), before + 1, "{vendor}: {said:?}");
    }
}

#[tokio::test]
async fn meizu_refuses_a_form_that_was_changed_after_it_was_signed() {
    let stage = Stage::new().await;
    let mut asked = good(&stage, VendorName::Meizu).await;
    asked.body = String::from_utf8(asked.body)
        .expect("a form")
        .replace("Alice", "Mallory")
        .into_bytes();
    let (_, said) = Stranger::new(&stage, VendorName::Meizu, "h2")
        .ask(&asked)
        .await
        .expect("an answer");
    assert!(said.contains("1006"), "{said}");
}

#[tokio::test]
async fn apple_speaks_http_2_only() {
    let stage = Stage::new().await;
    let asked = good(&stage, VendorName::Apns).await;
    let answer = Stranger::new(&stage, VendorName::Apns, "http/1.1").ask(&asked).await;
    assert!(answer.is_err(), "{answer:?}");
}

#[tokio::test]
async fn apple_refuses_by_its_table() {
    let stage = Stage::new().await;
    let asked = good(&stage, VendorName::Apns).await;
    let stranger = Stranger::new(&stage, VendorName::Apns, "h2");
    let too_large = with_json(&asked, |body| body["blob"] = json!("x".repeat(4_096)));
    let elsewhere = |path: &str| Asked {
        path: path.to_owned(),
        ..asked.clone()
    };
    for (changed, reason) in [
        (
            with_header(&asked, "authorization", "bearer a.b.c"),
            "InvalidProviderToken",
        ),
        (with_header(&asked, "authorization", "basic x"), "MissingProviderToken"),
        (with_header(&asked, "apns-topic", "of.somebody.else"), "TopicDisallowed"),
        (with_header(&asked, "apns-topic", "example.godwit.voip"), "BadTopic"),
        (with_header(&asked, "apns-push-type", "loud"), "InvalidPushType"),
        (with_header(&asked, "apns-priority", "7"), "BadPriority"),
        (with_header(&asked, "apns-expiration", "tomorrow"), "BadExpirationDate"),
        (
            with_header(&asked, "apns-collapse-id", &"c".repeat(65)),
            "BadCollapseId",
        ),
        (with_header(&asked, "apns-id", "1"), "BadMessageId"),
        (with_header(&asked, "apns-colour", "red"), "SimulatorUnknownHeader"),
        (too_large, "PayloadTooLarge"),
        (elsewhere("/3/devices/00"), "BadPath"),
        (elsewhere("/3/device/00"), "BadDeviceToken"),
    ] {
        let (status, said) = stranger.ask(&changed).await.expect("an answer");
        assert!(status >= 400 && said.contains(reason), "{reason}: {status} {said}");
    }
    assert_eq!(stranger.ask(&asked).await.expect("an answer").0, 200);
    stage.forward(60 * MINUTE_MS);
    let (status, said) = stranger.ask(&asked).await.expect("an answer");
    assert!(
        status == 403 && said.contains("ExpiredProviderToken"),
        "{status} {said}"
    );
}

#[tokio::test]
async fn a_silent_push_to_apple_must_not_be_urgent() {
    let stage = Stage::new().await;
    let silent = godwit_push::Notification {
        badge: None,
        ..as_kind(1, Kind::Background)
    };
    assert!(stage.push(VendorName::Apns, &silent).await.is_accepted());
    let asked = stage.simulators.apns.script().requests().pop().expect("a request came");
    let stranger = Stranger::new(&stage, VendorName::Apns, "h2");
    let (_, said) = stranger
        .ask(&with_header(&asked, "apns-priority", "10"))
        .await
        .expect("an answer");
    assert!(said.contains("BadPriority"), "{said}");
}

#[tokio::test]
async fn a_push_service_checks_who_asks_and_the_browser_what_it_gets() {
    let stage = Stage::new().await;
    let vendor = VendorName::WebPush;
    let asked = good(&stage, vendor).await;
    let stranger = Stranger::new(&stage, vendor, "h2");
    assert_eq!(stranger.ask(&asked).await.expect("an answer").0, 201);
    let mut forged = asked.clone();
    *forged.body.last_mut().expect("a body") ^= 1;
    let mut no_ttl = asked.clone();
    no_ttl.headers.remove("ttl");
    for (changed, expected) in [
        (forged, 400),
        (no_ttl, 400),
        (with_header(&asked, "topic", "not a topic"), 400),
        (with_header(&asked, "urgency", "now"), 400),
        (with_header(&asked, "content-encoding", "aesgcm"), 400),
        (with_header(&asked, "authorization", "vapid t=a.b.c, k=AAAA"), 401),
    ] {
        let (status, said) = stranger.ask(&changed).await.expect("an answer");
        assert_eq!(status, expected, "{said}");
    }
    // The signed word names the service it is for and ends.
    stage.forward(13 * 60 * MINUTE_MS);
    assert_eq!(stranger.ask(&asked).await.expect("an answer").0, 401);
}

#[tokio::test]
async fn others_refuse_a_token_they_never_gave() {
    let stage = Stage::new().await;
    for (vendor, header, value, said) in [
        (VendorName::Fcm, "authorization", "Bearer x", "UNAUTHENTICATED"),
        (VendorName::Xiaomi, "authorization", "key=x", "21301"),
        (VendorName::Huawei, "authorization", "Bearer x", "80200001"),
        (VendorName::Honor, "authorization", "Bearer x", "80200001"),
        (VendorName::Honor, "timestamp", "1", "80100001"),
        (VendorName::Oppo, "auth_token", "x", "11"),
        (VendorName::Vivo, "authtoken", "x", "10000"),
    ] {
        let asked = good(&stage, vendor).await;
        let stranger = Stranger::new(&stage, vendor, "h2");
        let (_, answer) = stranger
            .ask(&with_header(&asked, header, value))
            .await
            .expect("an answer");
        assert!(answer.contains(said), "{vendor}: {answer}");
    }
}
