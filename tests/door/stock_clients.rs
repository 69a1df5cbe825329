//! A stock client, rumqttc, on both versions.

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5;

use crate::house::{House, words};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn rumqttc_speaks_to_itself_on_3_1_1() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let mut options = rumqttc::MqttOptions::new(&ann.device_id, "127.0.0.1", house.address.port());
    options
        .set_credentials(&ann.account, &ann.token)
        .set_clean_session(false);
    let (client, mut events) = rumqttc::AsyncClient::new(options, 10);
    client
        .subscribe(format!("im/{}/inbox", ann.account), rumqttc::QoS::AtLeastOnce)
        .await
        .unwrap();
    let draft = r#"{"id":"1","to":"ann","type":0,"content":{"text":"note to self"}}"#;
    client
        .publish(
            format!("im/{}/outbox", ann.account),
            rumqttc::QoS::ExactlyOnce,
            false,
            draft,
        )
        .await
        .unwrap();
    let (mut completed, mut heard) = (false, None);
    while !completed || heard.is_none() {
        let event = tokio::time::timeout(PATIENCE, events.poll())
            .await
            .expect("in time")
            .unwrap();
        match event {
            rumqttc::Event::Incoming(rumqttc::Packet::PubComp(_)) => completed = true,
            rumqttc::Event::Incoming(rumqttc::Packet::Publish(publish)) => heard = Some(publish.payload),
            _ => {}
        }
    }
    let entry = String::from_utf8(heard.unwrap().to_vec()).unwrap();
    assert_eq!(words(&entry), "note to self");
}

#[tokio::test(flavor = "multi_thread")]
async fn rumqttc_speaks_to_itself_on_5() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let mut options = rumqttc::v5::MqttOptions::new(&ann.device_id, "127.0.0.1", house.address.port());
    options.set_credentials(&ann.account, &ann.token).set_clean_start(true);
    let (client, mut events) = rumqttc::v5::AsyncClient::new(options, 10);
    let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
    client.subscribe(format!("im/{}/#", ann.account), qos).await.unwrap();
    let draft = r#"{"id":"1","to":"ann","type":0,"content":{"text":"note to self"}}"#;
    client
        .publish(format!("im/{}/outbox", ann.account), qos, false, draft)
        .await
        .unwrap();
    let (mut acknowledged, mut heard) = (false, None);
    while !acknowledged || heard.is_none() {
        let event = tokio::time::timeout(PATIENCE, events.poll())
            .await
            .expect("in time")
            .unwrap();
        match event {
            rumqttc::v5::Event::Incoming(v5::Packet::PubAck(ack)) => {
                assert_eq!(ack.reason, v5::PubAckReason::Success);
                acknowledged = true;
            }
            rumqttc::v5::Event::Incoming(v5::Packet::Publish(publish)) => heard = Some(publish.payload),
            _ => {}
        }
    }
    let entry = String::from_utf8(heard.unwrap().to_vec()).unwrap();
    assert_eq!(words(&entry), "note to self");
}
