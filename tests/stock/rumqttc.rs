//! rumqttc, which the SDK is built on too, used as anybody would.

use std::time::Duration;

use kit::{Device, PATIENCE, tls};
use rumqttc::{TlsConfiguration, Transport};

use crate::platform::{OWN, Pair, Platform, TRANSPORTS, text_of};

fn transport(platform: &Platform, transport: &str) -> Transport {
    let trusted = || {
        let pem = std::fs::read_to_string(&platform.certificate).expect("a certificate");
        TlsConfiguration::from(tls::client_config(&pem, None))
    };
    match transport {
        "mqtt" => Transport::Tcp,
        "mqtts" => Transport::tls_with_config(trusted()),
        "ws" => Transport::Ws,
        "wss" => Transport::wss_with_config(trusted()),
        other => panic!("there is no transport {other}"),
    }
}

/// Host and port as rumqttc wants them: with WebSocket the host is the whole URL.
fn place(url: &str) -> (String, u16) {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let address = rest.split('/').next().expect("an address");
    let (host, port) = address.rsplit_once(':').expect("host:port");
    let port = port.parse().expect("a port");
    if scheme.starts_with("ws") {
        (url.to_owned(), port)
    } else {
        (host.to_owned(), port)
    }
}

/// The same story in both versions, whose clients share no type.
macro_rules! story {
    ($(#[doc = $doc:literal])+ $name:ident: $version:literal, $($stock:ident)::+, $options:ident) => {
        $(#[doc = $doc])+
        mod $name {
            use $($stock)::+::mqttbytes::QoS;
            use $($stock)::+::{AsyncClient, Event, EventLoop, Incoming};

            use super::{Device, OWN, PATIENCE, Pair, Platform, text_of};

            struct Phone {
                client: AsyncClient,
                events: EventLoop,
            }

            impl Phone {
                /// Connects; whether its session was there, or why it was refused.
                async fn connect(platform: &Platform, name: &str, device: &Device, token: &str) -> Result<(Self, bool), String> {
                    let (client, events) = AsyncClient::new(super::$options(platform, name, device, token), 10);
                    let mut phone = Self { client, events };
                    match phone.next().await? {
                        Event::Incoming(Incoming::ConnAck(answer)) => Ok((phone, answer.session_present)),
                        other => panic!("CONNACK expected, not {other:?}"),
                    }
                }

                async fn next(&mut self) -> Result<Event, String> {
                    let event = tokio::time::timeout(PATIENCE, self.events.poll()).await.expect("something comes");
                    event.map_err(|error| format!("{error:?}"))
                }

                /// The text of the next entry; acknowledgements and pings are passed over.
                async fn heard(&mut self) -> String {
                    loop {
                        let event = self.next().await.expect("the connection lasts");
                        if let Event::Incoming(Incoming::Publish(publish)) = event {
                            return text_of(&publish.payload);
                        }
                    }
                }

                async fn leave(mut self) {
                    self.client.disconnect().await.expect("a place in the queue");
                    while self.next().await.is_ok() {}
                }
            }

            pub(super) async fn tell(platform: &Platform, name: &str) {
                let pair: Pair = platform.pair("rumqttc", name, $version).await;
                let device = &pair.own;
                let refused = Phone::connect(platform, name, device, "gwd_wrong").await.err().expect("a refusal");
                assert!(refused.contains("NotAuthorized"), "{name}: {refused}");

                let (mut phone, present) = Phone::connect(platform, name, device, &device.token).await.expect("let in");
                assert!(!present, "{name}");
                phone.client.subscribe(device.topic("inbox"), QoS::AtLeastOnce).await.expect("queued");
                phone.client.publish(device.topic("outbox"), QoS::AtLeastOnce, false, pair.draft()).await.expect("queued");
                // Its own entry and the acknowledgement of its draft come in either order.
                let (mut is_stored, mut is_heard) = (false, false);
                while !is_stored || !is_heard {
                    match phone.next().await.expect("the connection lasts") {
                        Event::Incoming(Incoming::PubAck(_)) => is_stored = true,
                        Event::Incoming(Incoming::Publish(publish)) => is_heard = text_of(&publish.payload) == OWN,
                        _ => {}
                    }
                }
                pair.partner_hears(platform).await;
                pair.partner_says(platform, &["live"]).await;
                assert_eq!(phone.heard().await, "live", "{name}");
                phone.leave().await;

                pair.partner_says(platform, &["missed 1", "missed 2", "missed 3"]).await;
                let (mut phone, present) = Phone::connect(platform, name, device, &device.token).await.expect("let in");
                assert!(present, "{name}: its session is there");
                for text in ["missed 1", "missed 2", "missed 3"] {
                    assert_eq!(phone.heard().await, text, "{name}");
                }
                phone.leave().await;
            }
        }
    };
}

story! {
    /// MQTT 3.1.1.
    v311: 3, rumqttc, options_311
}

story! {
    /// MQTT 5.
    v5: 5, rumqttc::v5, options_5
}

fn options_311(platform: &Platform, name: &str, device: &Device, token: &str) -> rumqttc::MqttOptions {
    let (host, port) = place(&platform.url(name));
    let mut options = rumqttc::MqttOptions::new(&device.id, host, port);
    options
        .set_transport(transport(platform, name))
        .set_credentials(&device.account, token)
        .set_clean_session(false)
        .set_keep_alive(Duration::from_secs(30));
    options
}

fn options_5(platform: &Platform, name: &str, device: &Device, token: &str) -> rumqttc::v5::MqttOptions {
    let (host, port) = place(&platform.url(name));
    let mut options = rumqttc::v5::MqttOptions::new(&device.id, host, port);
    options
        .set_transport(transport(platform, name))
        .set_credentials(&device.account, token)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(3600))
        .set_keep_alive(Duration::from_secs(30));
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn rumqttc_works_over_every_transport_in_both_versions() {
    let platform = Platform::start().await;
    for name in TRANSPORTS {
        v311::tell(&platform, name).await;
        v5::tell(&platform, name).await;
    }
}
