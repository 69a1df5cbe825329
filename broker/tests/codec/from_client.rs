//! What rumqttc writes is read here with the same meaning.

use bytes::BytesMut;
use godwit_broker::codec::{Packet, QoS, Reason, Version, decode, frame};
use proptest::prelude::*;
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes::{self as v5bytes, v5};

const NO_LIMIT: usize = frame::SIZE_MAX;

pub(crate) fn read(bytes: &[u8], version: Version) -> Packet<'_> {
    let whole = frame::split(bytes, NO_LIMIT)
        .expect("a valid header")
        .expect("a whole packet");
    assert_eq!(whole.size, bytes.len());
    decode(whole, version).expect("a valid packet")
}

fn v4_bytes(packet: &v4::Packet) -> BytesMut {
    let mut out = BytesMut::new();
    packet.write(&mut out, NO_LIMIT).expect("the oracle writes it");
    out
}

fn v5_bytes(packet: &v5::Packet) -> BytesMut {
    let mut out = BytesMut::new();
    packet.write(&mut out, None).expect("the oracle writes it");
    out
}

fn qos(bits: u8) -> QoS {
    QoS::from_bits(bits).expect("0 to 2")
}

fn topic() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9/äö☃ ._-]{1,40}"
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..600)
}

fn text() -> impl Strategy<Value = String> {
    "[a-z0-9äß☃]{0,20}"
}

proptest! {
    #[test]
    fn a_publication_of_3_1_1_is_read_as_written(
        topic in topic(), payload in payload(), bits in 0..3_u8, id in 1..=u16::MAX, dup: bool, retain: bool,
    ) {
        let oracle_qos = [rumqttc::QoS::AtMostOnce, rumqttc::QoS::AtLeastOnce, rumqttc::QoS::ExactlyOnce];
        let mut publish = v4::Publish::new(topic.as_str(), oracle_qos[usize::from(bits)], payload.clone());
        publish.pkid = if bits == 0 { 0 } else { id };
        publish.dup = dup && bits > 0;
        publish.retain = retain;
        let bytes = v4_bytes(&v4::Packet::Publish(publish.clone()));
        let Packet::Publish(read) = read(&bytes, Version::V311) else { panic!("not a PUBLISH") };
        prop_assert_eq!((read.topic, read.payload), (topic.as_str(), payload.as_slice()));
        prop_assert_eq!((read.qos, read.packet_id), (qos(bits), publish.pkid));
        prop_assert_eq!((read.duplicate, read.retain), (publish.dup, retain));
    }

    #[test]
    fn a_publication_of_5_is_read_as_written(
        topic in topic(), payload in payload(), bits in 0..3_u8, id in 1..=u16::MAX, flags: (bool, bool),
        response in proptest::option::of(topic()), correlation in proptest::option::of(payload()),
        expiry: Option<u32>, content_type in proptest::option::of(text()), user in (text(), text()),
        topic_alias in proptest::option::of(1..=u16::MAX),
    ) {
        let properties = v5::PublishProperties {
            payload_format_indicator: Some(u8::from(flags.1)),
            message_expiry_interval: expiry,
            response_topic: response.clone(),
            correlation_data: correlation.clone().map(Into::into),
            user_properties: vec![user.clone(), user.clone()],
            content_type: content_type.clone(),
            topic_alias,
            ..v5::PublishProperties::default()
        };
        let oracle_qos = v5bytes::qos(bits).expect("0 to 2");
        let mut publish = v5::Publish::new(topic.as_str(), oracle_qos, payload.clone(), Some(properties));
        publish.pkid = if bits == 0 { 0 } else { id };
        publish.retain = flags.0;
        let bytes = v5_bytes(&v5::Packet::Publish(publish.clone()));
        let Packet::Publish(read) = read(&bytes, Version::V5) else { panic!("not a PUBLISH") };
        prop_assert_eq!((read.topic, read.payload, read.qos), (topic.as_str(), payload.as_slice(), qos(bits)));
        prop_assert_eq!((read.packet_id, read.retain), (publish.pkid, flags.0));
        prop_assert_eq!(read.properties.response_topic, response.as_deref());
        prop_assert_eq!(read.properties.correlation_data, correlation.as_deref());
        prop_assert_eq!(read.properties.message_expiry_s, expiry);
        prop_assert_eq!(read.properties.content_type, content_type.as_deref());
        prop_assert_eq!(read.properties.payload_is_text, flags.1);
        prop_assert_eq!(read.properties.topic_alias, topic_alias);
        let pairs: Vec<_> = read.properties.user_properties.iter().collect();
        prop_assert_eq!(pairs, vec![(user.0.as_str(), user.1.as_str()); 2]);
    }

    #[test]
    fn a_connect_of_3_1_1_is_read_as_written(
        id in text(), clean: bool, keep_alive: u16, user in "[a-z]{1,9}", password in text(),
        will in proptest::option::of((topic(), payload(), 0..3_u8, any::<bool>())),
    ) {
        let mut connect = v4::Connect::new(id.as_str());
        connect.clean_session = clean;
        connect.keep_alive = keep_alive;
        connect.login = Some(v4::Login { username: user.clone(), password: password.clone() });
        let oracle_qos = [rumqttc::QoS::AtMostOnce, rumqttc::QoS::AtLeastOnce, rumqttc::QoS::ExactlyOnce];
        connect.last_will = will.clone().map(|(topic, payload, bits, retain)| {
            v4::LastWill::new(topic, payload, oracle_qos[usize::from(bits)], retain)
        });
        let bytes = v4_bytes(&v4::Packet::Connect(connect));
        let Packet::Connect(read) = read(&bytes, Version::V311) else { panic!("not a CONNECT") };
        prop_assert_eq!((read.version, read.client_id, read.clean_start), (Version::V311, id.as_str(), clean));
        prop_assert_eq!(read.keep_alive_s, keep_alive);
        prop_assert_eq!(read.session_expiry_s, if clean { 0 } else { u32::MAX });
        // The oracle leaves an empty login out.
        prop_assert_eq!(read.username.unwrap_or_default(), user);
        prop_assert_eq!(read.password.unwrap_or_default(), password.as_bytes());
        let read_will = read.will.map(|w| (w.topic.to_owned(), w.payload.to_vec(), w.qos.bits(), w.retain));
        prop_assert_eq!(read_will, will);
    }

    #[test]
    fn a_connect_of_5_is_read_as_written(
        id in text(), clean: bool, keep_alive: u16, user in "[a-z]{1,9}", password in "[a-z]{1,9}",
        expiry: Option<u32>, receive in proptest::option::of(1..=u16::MAX),
        size in proptest::option::of(1..=u32::MAX), problem: bool, method in proptest::option::of(text()),
        will in proptest::option::of((topic(), payload(), any::<Option<u32>>())),
    ) {
        let mut properties = v5::ConnectProperties::new();
        properties.session_expiry_interval = expiry;
        properties.receive_maximum = receive;
        properties.max_packet_size = size;
        properties.topic_alias_max = Some(7);
        properties.request_problem_info = Some(u8::from(problem));
        properties.request_response_info = Some(1);
        properties.authentication_method = method.clone();
        properties.user_properties = vec![("k".into(), "v".into())];
        let connect = v5::Connect { keep_alive, client_id: id.clone(), clean_start: clean, properties: Some(properties) };
        let oracle_will = will.clone().map(|(topic, message, delay)| v5::LastWill {
            topic: topic.into(),
            message: message.into(),
            qos: v5bytes::QoS::AtLeastOnce,
            retain: false,
            properties: delay.map(|seconds| v5::LastWillProperties {
                delay_interval: Some(seconds),
                payload_format_indicator: None,
                message_expiry_interval: Some(9),
                content_type: None,
                response_topic: None,
                correlation_data: None,
                user_properties: vec![("k".into(), "v".into())],
            }),
        });
        let login = v5::Login { username: user.clone(), password: password.clone() };
        let bytes = v5_bytes(&v5::Packet::Connect(connect, oracle_will, Some(login)));
        let Packet::Connect(read) = read(&bytes, Version::V5) else { panic!("not a CONNECT") };
        prop_assert_eq!((read.version, read.client_id, read.clean_start), (Version::V5, id.as_str(), clean));
        prop_assert_eq!((read.keep_alive_s, read.session_expiry_s), (keep_alive, expiry.unwrap_or(0)));
        prop_assert_eq!((read.receive_maximum, read.maximum_packet_size), (receive, size));
        prop_assert_eq!(read.wants_problem_information, problem);
        prop_assert_eq!((read.wants_response_information, read.topic_alias_maximum), (true, 7));
        prop_assert_eq!(read.authentication_method, method.as_deref());
        prop_assert_eq!((read.username, read.password), (Some(user.as_str()), Some(password.as_bytes())));
        if let Some(will) = read.will.filter(|will| will.message_expiry_s.is_some()) {
            prop_assert_eq!(will.message_expiry_s, Some(9));
            prop_assert_eq!(will.user_properties.iter().collect::<Vec<_>>(), vec![("k", "v")]);
        }
        let read_will = read.will.map(|w| (w.topic.to_owned(), w.payload.to_vec(), w.delay_s));
        prop_assert_eq!(read_will, will.map(|(topic, payload, delay)| (topic, payload, delay.unwrap_or(0))));
    }

    #[test]
    fn lists_of_filters_are_read_as_written(
        id in 1..=u16::MAX, filters in proptest::collection::vec((topic(), 0..3_u8), 1..8), number: Option<bool>,
    ) {
        let oracle = filters.iter().map(|(path, bits)| v5::Filter::new(path, v5bytes::qos(*bits).expect("0 to 2")));
        let properties = number.map(|_| v5::SubscribeProperties { id: Some(300), user_properties: Vec::new() });
        let mut subscribe = v5::Subscribe::new_many(oracle, properties);
        subscribe.pkid = id;
        let bytes = v5_bytes(&v5::Packet::Subscribe(subscribe));
        let Packet::Subscribe(five) = read(&bytes, Version::V5) else { panic!("not a SUBSCRIBE") };
        let wanted: Vec<_> = filters.iter().map(|(path, bits)| (path.as_str(), qos(*bits))).collect();
        prop_assert_eq!(five.filters().map(|f| (f.name, f.qos)).collect::<Vec<_>>(), wanted.clone());
        prop_assert_eq!((five.packet_id, five.subscription_identifier), (id, number.map(|_| 300)));

        let oracle_qos = [rumqttc::QoS::AtMostOnce, rumqttc::QoS::AtLeastOnce, rumqttc::QoS::ExactlyOnce];
        let oracle = filters.iter().map(|(path, bits)| v4::SubscribeFilter::new(path.clone(), oracle_qos[usize::from(*bits)]));
        let mut subscribe = v4::Subscribe::new_many(oracle.collect::<Vec<_>>());
        subscribe.pkid = id;
        let bytes = v4_bytes(&v4::Packet::Subscribe(subscribe));
        let Packet::Subscribe(four) = read(&bytes, Version::V311) else { panic!("not a SUBSCRIBE") };
        prop_assert_eq!(four.filters().map(|f| (f.name, f.qos)).collect::<Vec<_>>(), wanted);

        let mut unsubscribe = v4::Unsubscribe::new(filters[0].0.clone());
        unsubscribe.pkid = id;
        let bytes = v4_bytes(&v4::Packet::Unsubscribe(unsubscribe));
        let Packet::Unsubscribe(read) = read(&bytes, Version::V311) else { panic!("not an UNSUBSCRIBE") };
        prop_assert_eq!(read.filters().collect::<Vec<_>>(), vec![filters[0].0.as_str()]);
    }
}

#[test]
fn small_packets_are_read_as_written() {
    let mut release = v5::PubRel::new(9, None);
    release.reason = v5::PubRelReason::PacketIdentifierNotFound;
    let bytes = v5_bytes(&v5::Packet::PubRel(release));
    let Packet::PubRel(read_release) = read(&bytes, Version::V5) else {
        panic!("not a PUBREL")
    };
    assert_eq!(
        (read_release.packet_id, read_release.reason),
        (9, Reason::PACKET_IDENTIFIER_NOT_FOUND)
    );

    let mut goodbye = v5::Disconnect::new(v5::DisconnectReasonCode::DisconnectWithWillMessage);
    goodbye.properties = Some(v5::DisconnectProperties {
        session_expiry_interval: Some(5),
        reason_string: Some("bye".into()),
        user_properties: Vec::new(),
        server_reference: None,
    });
    let bytes = v5_bytes(&v5::Packet::Disconnect(goodbye));
    let Packet::Disconnect(read_goodbye) = read(&bytes, Version::V5) else {
        panic!("not a DISCONNECT")
    };
    assert_eq!(
        (read_goodbye.reason, read_goodbye.session_expiry_s),
        (Reason(4), Some(5))
    );

    assert_eq!(read(&v4_bytes(&v4::Packet::PingReq), Version::V311), Packet::PingReq);
    assert!(matches!(
        read(&v4_bytes(&v4::Packet::Disconnect), Version::V311),
        Packet::Disconnect(_)
    ));
    let bytes = v4_bytes(&v4::Packet::PubAck(v4::PubAck::new(3)));
    assert!(matches!(read(&bytes, Version::V311), Packet::PubAck(ack) if ack.packet_id == 3));
}
