//! What is written here is read by rumqttc with the same meaning.

use bytes::BytesMut;
use godwit_broker::codec::write::{
    self, AcknowledgementKind, Announcement, Delivery, DeliveryProperties, Farewell, Outcome,
};
use godwit_broker::codec::{Reason, Version};
use proptest::prelude::*;
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes::v5;

fn v4_packet(bytes: &[u8]) -> v4::Packet {
    let mut stream = BytesMut::from(bytes);
    let packet = v4::Packet::read(&mut stream, usize::MAX).expect("the oracle reads it");
    assert!(stream.is_empty(), "bytes left over");
    packet
}

fn v5_packet(bytes: &[u8]) -> v5::Packet {
    let mut stream = BytesMut::from(bytes);
    let packet = v5::Packet::read(&mut stream, None).expect("the oracle reads it");
    assert!(stream.is_empty(), "bytes left over");
    packet
}

proptest! {
    #[test]
    fn deliveries_are_read_as_written(
        topic in "[a-z/☃]{1,40}", pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9_000), 0..4),
        acknowledged in proptest::option::of((1..=u16::MAX, any::<bool>())),
        correlation in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..300)),
        topic_alias in proptest::option::of(1..=u16::MAX), message_expiry_s: Option<u32>,
        user in proptest::collection::vec(("[a-z☃]{0,40}", "[a-z☃]{0,40}"), 0..4),
    ) {
        let borrowed: Vec<_> = pieces.iter().map(Vec::as_slice).collect();
        let delivery =
            Delivery { topic: &topic, acknowledged, payload: &borrowed, properties: DeliveryProperties {
                topic_alias, message_expiry_s, correlation_data: correlation.as_deref(), user: &user,
            } };
        let (id, dup) = acknowledged.unwrap_or((0, false));

        let mut out = Vec::new();
        delivery.put(&mut out, Version::V311);
        prop_assert_eq!(out.len(), delivery.size(Version::V311));
        let v4::Packet::Publish(four) = v4_packet(&out) else { panic!("not a PUBLISH") };
        prop_assert_eq!((four.topic.as_str(), four.payload.to_vec()), (topic.as_str(), pieces.concat()));
        prop_assert_eq!((four.pkid, four.dup, four.retain), (id, dup, false));
        prop_assert_eq!(four.qos as u8, u8::from(acknowledged.is_some()));

        let mut out = Vec::new();
        delivery.put(&mut out, Version::V5);
        prop_assert_eq!(out.len(), delivery.size(Version::V5));
        let v5::Packet::Publish(five) = v5_packet(&out) else { panic!("not a PUBLISH") };
        prop_assert_eq!((five.topic.as_ref(), five.payload.to_vec()), (topic.as_bytes(), pieces.concat()));
        prop_assert_eq!((five.pkid, five.dup, five.retain), (id, dup, false));
        let said = five.properties.unwrap_or_default();
        prop_assert_eq!(said.correlation_data.map(|data| data.to_vec()), correlation);
        prop_assert_eq!((said.topic_alias, said.message_expiry_interval), (topic_alias, message_expiry_s));
        prop_assert_eq!(said.user_properties, user);
    }

    #[test]
    fn connack_announces_what_it_was_given(
        session_present: bool, receive_maximum in 1..=u16::MAX, maximum_packet_size in 1..=u32::MAX,
        session_expiry_s: Option<u32>, server_keep_alive_s: Option<u16>, topic_alias_maximum: u16,
        response in proptest::option::of("[a-z/]{0,300}"),
    ) {
        let announcement = Announcement {
            session_present, receive_maximum, maximum_packet_size, session_expiry_s, server_keep_alive_s,
            topic_alias_maximum, response_information: response.as_deref(),
        };
        let mut out = Vec::new();
        write::connack(&mut out, Version::V311, &announcement);
        let v4::Packet::ConnAck(four) = v4_packet(&out) else { panic!("not a CONNACK") };
        prop_assert_eq!((four.session_present, four.code), (session_present, v4::ConnectReturnCode::Success));

        let mut out = Vec::new();
        write::connack(&mut out, Version::V5, &announcement);
        let v5::Packet::ConnAck(five) = v5_packet(&out) else { panic!("not a CONNACK") };
        let said = five.properties.expect("MQTT 5 announces");
        prop_assert_eq!((five.session_present, said.receive_max), (session_present, Some(receive_maximum)));
        prop_assert_eq!(said.max_packet_size, Some(maximum_packet_size));
        prop_assert_eq!((said.session_expiry_interval, said.server_keep_alive), (session_expiry_s, server_keep_alive_s));
        let unavailable = [
            said.retain_available, said.wildcard_subscription_available,
            said.subscription_identifiers_available, said.shared_subscription_available,
        ];
        prop_assert_eq!(unavailable, [Some(0); 4]);
        prop_assert_eq!(said.topic_alias_max, Some(topic_alias_maximum));
        prop_assert_eq!(said.response_information, response);
    }

    #[test]
    fn acknowledgements_are_read_as_written(
        id in 1..=u16::MAX, text in "[a-z☃]{0,200}", code in "([a-z_]{1,20})?", refused: bool,
    ) {
        let reason = if refused { Reason::QUOTA_EXCEEDED } else { Reason::SUCCESS };
        let outcome = Outcome { code: &code, text: &text, ..Outcome::of(reason) };
        let user: Vec<(String, String)> = [("code".to_owned(), code.clone())].into_iter()
            .filter(|(_, code)| !code.is_empty()).collect();

        let mut out = Vec::new();
        write::acknowledgement(&mut out, Version::V5, AcknowledgementKind::PubAck, id, &outcome);
        prop_assert_eq!(out.len(), outcome.size());
        let v5::Packet::PubAck(ack) = v5_packet(&out) else { panic!("not a PUBACK") };
        prop_assert_eq!((ack.pkid, ack.reason == v5::PubAckReason::QuotaExceeded), (id, refused));
        let said = ack.properties.map(|p| (p.reason_string.unwrap_or_default(), p.user_properties));
        prop_assert_eq!(said.unwrap_or_default(), (text.clone(), user.clone()));

        let mut out = Vec::new();
        write::acknowledgement(&mut out, Version::V5, AcknowledgementKind::PubRec, id, &outcome);
        let v5::Packet::PubRec(rec) = v5_packet(&out) else { panic!("not a PUBREC") };
        prop_assert_eq!((rec.pkid, rec.reason == v5::PubRecReason::QuotaExceeded), (id, refused));
        let said = rec.properties.map(|p| (p.reason_string.unwrap_or_default(), p.user_properties));
        prop_assert_eq!(said.unwrap_or_default(), (text.clone(), user));

        let mut out = Vec::new();
        write::acknowledgement(&mut out, Version::V5, AcknowledgementKind::PubRec, id, &Outcome::of(reason));
        let v5::Packet::PubRec(rec) = v5_packet(&out) else { panic!("not a PUBREC") };
        prop_assert_eq!((rec.pkid, rec.properties), (id, None));
        prop_assert_eq!(rec.reason == v5::PubRecReason::QuotaExceeded, refused);

        let mut out = Vec::new();
        write::acknowledgement(&mut out, Version::V311, AcknowledgementKind::PubComp, id, &outcome);
        prop_assert_eq!(v4_packet(&out), v4::Packet::PubComp(v4::PubComp::new(id)));
    }
}

#[test]
fn refusals_and_goodbyes_are_read_as_written() {
    let no = Farewell {
        reason: Reason::NOT_AUTHORIZED,
        text: "no",
        server_reference: "elsewhere:1883",
    };
    let mut out = Vec::new();
    write::connack_refusal(&mut out, Version::V311, 5, &no);
    let v4::Packet::ConnAck(four) = v4_packet(&out) else {
        panic!("not a CONNACK")
    };
    assert_eq!(four.code, v4::ConnectReturnCode::NotAuthorized);

    let mut out = Vec::new();
    write::connack_refusal(&mut out, Version::V5, 5, &no);
    let v5::Packet::ConnAck(five) = v5_packet(&out) else {
        panic!("not a CONNACK")
    };
    assert_eq!(five.code, v5::ConnectReturnCode::NotAuthorized);
    let said = five.properties.expect("a reason string and a reference");
    assert_eq!(said.reason_string.as_deref(), Some("no"));
    assert_eq!(said.server_reference.as_deref(), Some("elsewhere:1883"));

    for text in ["", "going down"] {
        let mut out = Vec::new();
        let farewell = Farewell {
            reason: Reason::SERVER_SHUTTING_DOWN,
            text,
            server_reference: text,
        };
        write::disconnect(&mut out, &farewell);
        let v5::Packet::Disconnect(goodbye) = v5_packet(&out) else {
            panic!("not a DISCONNECT")
        };
        let said = goodbye
            .properties
            .and_then(|said| Some((said.reason_string?, said.server_reference?)));
        let expected = (!text.is_empty()).then(|| (text.to_owned(), text.to_owned()));
        assert_eq!(said, expected);
        assert_eq!(goodbye.reason_code, v5::DisconnectReasonCode::ServerShuttingDown);
    }
}

#[test]
fn codes_of_subscriptions_are_read_as_written() {
    let codes = [Reason::SUCCESS, Reason(1), Reason::WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED];
    let mut out = Vec::new();
    write::suback(&mut out, Version::V5, 7, &codes, "why");
    assert_eq!(out.len(), write::codes_size(&codes, "why"));
    let v5::Packet::SubAck(five) = v5_packet(&out) else {
        panic!("not a SUBACK")
    };
    assert_eq!((five.pkid, five.return_codes.len()), (7, 3));
    assert_eq!(
        five.properties.as_ref().and_then(|p| p.reason_string.as_deref()),
        Some("why")
    );
    assert_eq!(
        five.return_codes[2],
        v5::SubscribeReasonCode::WildcardSubscriptionsNotSupported
    );

    let mut out = Vec::new();
    write::suback(
        &mut out,
        Version::V311,
        7,
        &[Reason::SUCCESS, Reason::UNSPECIFIED],
        "why",
    );
    let v4::Packet::SubAck(four) = v4_packet(&out) else {
        panic!("not a SUBACK")
    };
    assert_eq!(four.return_codes[1], v4::SubscribeReasonCode::Failure);

    let mut out = Vec::new();
    write::unsuback(&mut out, Version::V311, 7, &codes, "");
    assert_eq!(v4_packet(&out), v4::Packet::UnsubAck(v4::UnsubAck { pkid: 7 }));
    let mut out = Vec::new();
    write::unsuback(
        &mut out,
        Version::V5,
        7,
        &[Reason::SUCCESS, Reason::NO_SUBSCRIPTION_EXISTED],
        "",
    );
    assert!(matches!(v5_packet(&out), v5::Packet::UnsubAck(ack) if ack.reasons.len() == 2));
}
