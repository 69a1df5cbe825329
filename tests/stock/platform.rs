//! The platform the clients meet, and their partner on it.

use std::path::PathBuf;

use kit::{App, Client, Device, Login, Server, Version, tls, wait_for};
use serde_json::{Value, json};

/// The ways in: a scheme of MQTT or of WebSocket, with or without TLS.
pub(crate) const TRANSPORTS: [&str; 4] = ["mqtt", "mqtts", "ws", "wss"];

/// What the client says to its partner. Its own inbox holds it too.
pub(crate) const OWN: &str = "to the partner";

/// The reason that both versions give for wrong credentials.
pub(crate) fn is_refusal(version: u8, code: &str) -> bool {
    let known: &[&str] = match version {
        5 => &["135", "Not authorized"],
        _ => &["5", "Not authorized"],
    };
    known.contains(&code)
}

pub(crate) struct Platform {
    pub(crate) server: Server,
    pub(crate) app: App,
    /// The certificate that clients are told to trust.
    pub(crate) certificate: PathBuf,
}

/// A client under test and its partner, who has a plain phone.
pub(crate) struct Pair {
    pub(crate) own: Device,
    partner: Device,
    name: String,
}

impl Platform {
    pub(crate) async fn start() -> Self {
        let server = Server::start_with_tls("", |data| drop(tls::self_signed(data))).await;
        let app = server.app().await;
        let certificate = server.data().join("tls/certificate.pem");
        Self {
            server,
            app,
            certificate,
        }
    }

    /// Where a client connects by a transport, as a URL. With TLS under a name, as certificates want it.
    pub(crate) fn url(&self, transport: &str) -> String {
        let addresses = self.server.addresses();
        let secret = |address: &Option<String>| tls::by_name(address.as_deref().expect("the door is open"));
        match transport {
            "mqtt" => format!("mqtt://{}", addresses.mqtt),
            "mqtts" => format!("mqtts://{}", secret(&addresses.mqtts)),
            "ws" => format!("ws://{}/mqtt", addresses.http),
            "wss" => format!("wss://{}/mqtt", secret(&addresses.https)),
            other => panic!("there is no transport {other}"),
        }
    }

    pub(crate) async fn pair(&self, client: &str, transport: &str, version: u8) -> Pair {
        let name = format!("{client}-{transport}-{version}");
        let partner = format!("{name}-partner");
        Pair {
            own: self.app.register(&name, &name).await,
            partner: self.app.register(&partner, &partner).await,
            name,
        }
    }
}

impl Pair {
    /// A draft from the client to its partner.
    pub(crate) fn draft(&self) -> String {
        draft(&format!("{}-draft", self.name), &self.partner.user, OWN)
    }

    /// Waits until the partner has the client's draft, once.
    pub(crate) async fn partner_hears(&self, platform: &Platform) {
        let texts = wait_for("the partner's inbox", || async {
            let inbox = platform.app.inbox(&self.partner).await;
            let texts: Vec<Value> = inbox.iter().map(|entry| entry["content"]["text"].clone()).collect();
            texts.contains(&OWN.into()).then_some(texts)
        })
        .await;
        let count = texts.iter().filter(|text| **text == OWN).count();
        assert_eq!(count, 1, "{}: {texts:?}", self.name);
    }

    /// The partner sends these texts, in this order, each stored before the next.
    pub(crate) async fn partner_says(&self, platform: &Platform, texts: &[&str]) {
        let login = Login::of(&self.partner, Version::V5);
        let (mut phone, _) = Client::connect(&platform.server.addresses().mqtt, &login).await;
        for text in texts {
            let draft = draft(&format!("{}-{text}", self.name), &self.own.user, text);
            let reason = phone
                .publish_and_wait(&self.partner.topic("outbox"), draft.as_bytes())
                .await;
            assert_eq!(reason, 0, "{}: {text}", self.name);
        }
        phone.disconnect().await;
    }
}

fn draft(id: &str, to: &str, text: &str) -> String {
    json!({ "id": id, "to": to, "type": 0, "content": { "text": text } }).to_string()
}

/// The text of an entry.
pub(crate) fn text_of(entry: &[u8]) -> String {
    let entry: Value = serde_json::from_slice(entry).expect("an entry is JSON");
    entry["content"]["text"].as_str().expect("a text").to_owned()
}
