//! MQTT 3.1.1. An acknowledgement means "decided and stored": a refusal comes as an entry of the inbox.

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet, Publish, QoS,
    SubscribeFilter, SubscribeReasonCode,
};
use tokio::sync::mpsc;

use super::{Delivery, End, Heard, Login, PACKET_BYTES_MAX, PACKET_IDS, REQUESTS_MAX, Verdict};

pub(super) fn client(login: &Login) -> (AsyncClient, EventLoop) {
    let (host, transport) = super::target(login);
    let mut options = MqttOptions::new(&login.client_id, host, login.address.port);
    let largest = usize::try_from(PACKET_BYTES_MAX).expect("16 MiB");
    options
        .set_transport(transport)
        .set_credentials(&login.username, &login.password)
        .set_clean_session(false)
        .set_manual_acks(true)
        .set_keep_alive(login.keep_alive)
        .set_max_packet_size(largest, largest)
        .set_inflight(PACKET_IDS);
    let (client, mut connection) = AsyncClient::new(options, REQUESTS_MAX);
    connection.set_network_options(super::network_options());
    (client, connection)
}

super::speech::speech!();

fn filter(topic: &str, qos: QoS) -> SubscribeFilter {
    SubscribeFilter::new(topic.to_owned(), qos)
}

fn publication() -> Publish {
    Publish::new("", QoS::AtLeastOnce, "")
}

/// A server of this version says nothing when it closes.
fn referred(_: &Event) -> Option<End> {
    None
}

fn heard(event: Event) -> Option<Heard> {
    match event {
        Event::Incoming(Packet::ConnAck(_)) => Some(Heard::Connected {
            window: super::window(None),
        }),
        Event::Incoming(Packet::SubAck(answer)) => Some(Heard::Subscribed {
            granted: answer
                .return_codes
                .iter()
                .all(|code| matches!(code, SubscribeReasonCode::Success(_))),
        }),
        Event::Incoming(Packet::Publish(delivery)) => Some(Heard::Delivery(Delivery {
            topic: delivery.topic,
            packet: delivery.pkid,
            payload: delivery.payload.to_vec(),
        })),
        Event::Incoming(Packet::PubAck(answer)) => Some(Heard::Settled {
            packet: answer.pkid,
            verdict: Verdict::Taken,
        }),
        Event::Outgoing(Outgoing::Publish(packet)) if packet != 0 => Some(Heard::Handed { packet }),
        _ => None,
    }
}

fn end(error: &ConnectionError) -> End {
    let text = crate::rest::causes(error);
    match error {
        ConnectionError::ConnectionRefused(
            ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized | ConnectReturnCode::BadClientId,
        ) => End::Unauthorized(text),
        ConnectionError::ConnectionRefused(ConnectReturnCode::RefusedProtocolVersion)
        | ConnectionError::Tls(rumqttc::TlsError::DNSName(_))
        | ConnectionError::InvalidUrl(_) => End::Unusable(text),
        _ => End::Lost(text),
    }
}
