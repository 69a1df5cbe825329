//! MQTT 5.

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectProperties, ConnectReturnCode, DisconnectReasonCode, Filter, Packet, PubAck, PubAckReason, Publish,
    SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, StateError};
use rumqttc::{Outgoing, v5};
use tokio::sync::mpsc;

use super::{Delivery, End, Heard, Login, PACKET_BYTES_MAX, PACKET_IDS, REQUESTS_MAX, SESSION_EXPIRY_S, Verdict};

pub(super) fn client(login: &Login) -> (AsyncClient, EventLoop) {
    let (host, transport) = super::target(login);
    let mut options = MqttOptions::new(&login.client_id, host, login.address.port);
    let properties = ConnectProperties {
        session_expiry_interval: Some(SESSION_EXPIRY_S),
        max_packet_size: Some(PACKET_BYTES_MAX),
        ..ConnectProperties::new()
    };
    options
        .set_transport(transport)
        .set_credentials(&login.username, &login.password)
        .set_clean_start(false)
        .set_manual_acks(true)
        .set_keep_alive(login.keep_alive)
        .set_connection_timeout(super::CONNECT_S)
        .set_connect_properties(properties)
        .set_outgoing_inflight_upper_limit(PACKET_IDS)
        .set_network_options(super::network_options());
    AsyncClient::new(options, REQUESTS_MAX)
}

super::speech::speech!();

fn filter(topic: &str, qos: QoS) -> Filter {
    Filter::new(topic, qos)
}

fn publication() -> Publish {
    Publish::new("", QoS::AtLeastOnce, "", None)
}

/// A goodbye may name another server.
fn referred(event: &Event) -> Option<End> {
    let Event::Incoming(Packet::Disconnect(goodbye)) = event else {
        return None;
    };
    let reference = goodbye.properties.as_ref()?.server_reference.clone()?;
    Some(End::Referred(reference))
}

fn heard(event: Event) -> Option<Heard> {
    match event {
        Event::Incoming(Packet::ConnAck(accepted)) => {
            let receive_max = accepted.properties.and_then(|properties| properties.receive_max);
            Some(Heard::Connected {
                window: super::window(receive_max),
            })
        }
        Event::Incoming(Packet::SubAck(answer)) => Some(Heard::Subscribed {
            granted: answer
                .return_codes
                .iter()
                .all(|code| matches!(code, SubscribeReasonCode::Success(_))),
        }),
        Event::Incoming(Packet::Publish(delivery)) => Some(Heard::Delivery(Delivery {
            topic: String::from_utf8_lossy(&delivery.topic).into_owned(),
            packet: delivery.pkid,
            payload: delivery.payload.to_vec(),
        })),
        Event::Incoming(Packet::PubAck(answer)) => Some(Heard::Settled {
            packet: answer.pkid,
            verdict: verdict(answer),
        }),
        Event::Outgoing(Outgoing::Publish(packet)) if packet != 0 => Some(Heard::Handed { packet }),
        _ => None,
    }
}

fn verdict(answer: PubAck) -> Verdict {
    let code = match answer.reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => return Verdict::Taken,
        // Where the property is missing, the reason stands for the code that means least.
        PubAckReason::NotAuthorized => "forbidden",
        PubAckReason::QuotaExceeded => "overloaded",
        PubAckReason::PayloadFormatInvalid => "malformed",
        PubAckReason::TopicNameInvalid => "topic_forbidden",
        PubAckReason::ImplementationSpecificError => "unsupported",
        PubAckReason::UnspecifiedError | PubAckReason::PacketIdentifierInUse => "invalid_field",
    };
    let mut code = code.to_owned();
    let mut detail = String::new();
    if let Some(properties) = answer.properties {
        let named = properties.user_properties.into_iter().find(|(name, _)| name == "code");
        code = named.map_or(code, |(_, value)| value);
        detail = properties.reason_string.unwrap_or_default();
    }
    match code.as_str() {
        "rate_limited" | "overloaded" | "storage_full" => Verdict::Later { code },
        _ => Verdict::Refused { code, detail },
    }
}

fn end(error: &ConnectionError) -> End {
    use DisconnectReasonCode as Reason;
    let text = crate::rest::causes(error);
    match error {
        ConnectionError::ConnectionRefused(code) => refused(*code, text),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => match reason_code {
            Reason::SessionTakenOver => End::TakenOver,
            Reason::NotAuthorized => End::Unauthorized(text),
            _ => End::Lost(text),
        },
        ConnectionError::Tls(v5::TlsError::DNSName(_)) | ConnectionError::InvalidUrl(_) => End::Unusable(text),
        _ => End::Lost(text),
    }
}

fn refused(code: ConnectReturnCode, text: String) -> End {
    match code {
        ConnectReturnCode::NotAuthorized
        | ConnectReturnCode::BadUserNamePassword
        | ConnectReturnCode::ClientIdentifierNotValid
        | ConnectReturnCode::BadClientId
        | ConnectReturnCode::Banned
        | ConnectReturnCode::BadAuthenticationMethod => End::Unauthorized(text),
        ConnectReturnCode::RefusedProtocolVersion | ConnectReturnCode::UnsupportedProtocolVersion => {
            End::Unusable(text)
        }
        _ => End::Lost(text),
    }
}
