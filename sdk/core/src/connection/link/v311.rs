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

pub(super) fn subscribe(client: &AsyncClient, inbox: &str, hints: [&str; 2]) -> bool {
    let mut filters = vec![SubscribeFilter::new(inbox.to_owned(), QoS::AtLeastOnce)];
    filters.extend(hints.map(|topic| SubscribeFilter::new(topic.to_owned(), QoS::AtMostOnce)));
    client.try_subscribe_many(filters).is_ok()
}

pub(super) fn acknowledge(client: &AsyncClient, packet: u16) -> bool {
    let mut delivery = Publish::new("", QoS::AtLeastOnce, "");
    delivery.pkid = packet;
    client.try_ack(&delivery).is_ok()
}

/// Turns the connection until it ends, and tells what it says.
pub(super) async fn pump(mut connection: EventLoop, says: mpsc::Sender<Heard>) {
    loop {
        match connection.poll().await {
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return,
            Ok(event) => {
                if let Some(heard) = heard(event)
                    && says.send(heard).await.is_err()
                {
                    return;
                }
            }
            Err(error) => {
                for heard in std::mem::take(&mut connection.state.events)
                    .into_iter()
                    .filter_map(heard)
                {
                    if says.send(heard).await.is_err() {
                        return;
                    }
                }
                let _ = says.send(Heard::Ended(end(&error))).await;
                return;
            }
        }
    }
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
