//! A platform that has an entry too large for a packet: a notice under its number, and the entry in a page.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use godwit_sdk::{Content, Event};

use crate::house::House;
use crate::{heard, table};

/// The platform's side of one connection on MQTT 5, as far as this story needs it.
struct Platform {
    stream: TcpStream,
    account: String,
}

impl Platform {
    /// The next packet: its first byte and its body.
    async fn packet(&mut self) -> (u8, Vec<u8>) {
        let first = self.stream.read_u8().await.unwrap();
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.unwrap();
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.unwrap();
        (first, body)
    }

    async fn send(&mut self, first: u8, body: &[u8]) {
        let length = body.len();
        let mut packet = vec![
            first,
            u8::try_from(length % 128).unwrap() | 0x80,
            u8::try_from(length / 128).unwrap(),
        ];
        packet.extend_from_slice(body);
        self.stream.write_all(&packet).await.unwrap();
    }

    /// Publishes to a topic of the account; packet id 0 is QoS 0.
    async fn publish(&mut self, channel: &str, packet: u16, payload: &Value) {
        let topic = format!("im/{}/{channel}", self.account);
        let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
        body.extend_from_slice(topic.as_bytes());
        if packet != 0 {
            body.extend_from_slice(&packet.to_be_bytes());
        }
        body.push(0);
        body.extend_from_slice(payload.to_string().as_bytes());
        self.send(if packet == 0 { 0x30 } else { 0x32 }, &body).await;
    }

    /// Answers the next request, which must ask for a page of the inbox behind `after`.
    async fn answer_page(&mut self, after: u64, items: &Value, head: u64) {
        let (first, body) = self.packet().await;
        assert_eq!(first & 0xf0, 0x30, "a request, not {first:#x} {body:?}");
        let at = body.iter().position(|byte| *byte == b'{').unwrap();
        let request: Value = serde_json::from_slice(&body[at..]).unwrap();
        assert_eq!(
            (&request["method"], &request["params"]["after"]),
            (&json!("inbox"), &json!(after))
        );
        let result = json!({ "items": items, "head": head, "floor": 1 });
        self.publish(
            "reply",
            0,
            &json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
        )
        .await;
    }
}

fn text(seq: u64, text: &str) -> Value {
    json!({ "id": format!("m{seq}"), "from": "ben", "to": "ann", "type": 0, "content": { "text": text }, "seq": seq,
        "serverId": format!("s{seq}"), "serverTime": 1, "conv": "s-1-2", "convSeq": seq })
}

async fn tell_the_story(listener: TcpListener, account: String) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut platform = Platform { stream, account };
    assert_eq!(platform.packet().await.0, 0x10, "CONNECT");
    platform.send(0x20, &[0, 0, 0]).await;
    let (first, subscribe) = platform.packet().await;
    assert_eq!(first, 0x82, "SUBSCRIBE");
    platform.send(0x90, &[subscribe[0], subscribe[1], 0, 1, 0, 0]).await;
    platform.answer_page(0, &json!([]), 0).await;

    // The notice, and one that needs no page: neither is acknowledged before the table has what the notice is of.
    platform
        .publish("inbox", 1, &json!({ "seq": 1, "tooLarge": { "bytes": 70_000 } }))
        .await;
    platform.publish("inbox", 2, &text(2, "small")).await;
    platform.answer_page(0, &json!([text(1, "large")]), 2).await;
    for packet in [1, 2] {
        let (first, body) = platform.packet().await;
        assert_eq!(
            (first, &body[..2]),
            (0x40, &[0, packet][..]),
            "PUBACK in the order of what came"
        );
    }
    // It leaves when the story is over.
    let mut rest = Vec::new();
    platform.stream.read_to_end(&mut rest).await.ok();
}

#[tokio::test]
async fn an_entry_too_large_for_a_packet_is_read_from_the_inbox_before_its_notice_is_acknowledged() {
    let house = House::new().await;
    let client = house.registered("ann").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mqtt = format!("mqtt://{}", listener.local_addr().unwrap());
    let platform = tokio::spawn(tell_the_story(listener, client.profile().unwrap().account));
    let client = house.elsewhere(client, "ann", mqtt).await;
    let mut events = client.events();
    client.connect().unwrap();
    for expected in ["small", "large"] {
        heard(&mut events, expected, |event| match event {
            Event::Message(message) if message.content == Content::text(expected) => Some(()),
            _ => None,
        })
        .await;
    }
    let seqs: Vec<_> = table(&client).await.iter().map(|entry| entry["seq"].clone()).collect();
    assert_eq!(seqs, [1, 2]);
    client.disconnect().await;
    platform.await.unwrap();
}
