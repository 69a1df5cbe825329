//! MQTT inside WebSocket, with frames cut anywhere.

use std::net::SocketAddr;

use godwit_broker::codec::Version;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::house::House;
use crate::packets::{PINGREQ, Seen, see};

async fn http(house: &House) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = house
        .broker
        .websocket()
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// Asks for an upgrade and gives the head of the answer.
async fn upgrade(address: SocketAddr, protocol: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /mqtt HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

/// A masked frame; the mask is 0, which leaves the bytes as they are.
fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x80 | kind, 0x80 + 126];
    out.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend([0; 4]);
    out.extend(bytes);
    out
}

async fn next(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let kind = stream.read_u8().await.unwrap() & 0x0f;
    let length = match stream.read_u8().await.unwrap() {
        126 => usize::from(stream.read_u16().await.unwrap()),
        short => usize::from(short),
    };
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    (kind, bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_travel_in_binary_frames_however_they_are_cut() {
    let house = House::new().await;
    let ann = house.phone("ann", "1").await;
    let (mut stream, head) = upgrade(http(&house).await, "Sec-WebSocket-Protocol: mqtt\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.to_lowercase().contains("sec-websocket-protocol: mqtt"), "{head}");

    let connect = ann.connect(true).bytes(Version::V5);
    for piece in connect.chunks(7) {
        stream.write_all(&frame(2, piece)).await.unwrap();
    }
    let (kind, bytes) = next(&mut stream).await;
    assert_eq!(
        (kind, see(&bytes, Version::V5).0),
        (
            2,
            Seen::ConnAck {
                present: false,
                code: 0
            }
        )
    );

    // Two packets in one frame are answered in one.
    stream.write_all(&frame(2, &[PINGREQ, PINGREQ].concat())).await.unwrap();
    assert_eq!(next(&mut stream).await, (2, vec![0xd0, 0, 0xd0, 0]));

    // Text is not MQTT.
    stream.write_all(&frame(1, b"hello")).await.unwrap();
    let (kind, _) = next(&mut stream).await;
    assert_eq!(kind, 8, "a close frame");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_subprotocol_there_is_no_upgrade() {
    let house = House::new().await;
    let address = http(&house).await;
    for protocol in ["", "Sec-WebSocket-Protocol: chat\r\n"] {
        let (_, head) = upgrade(address, protocol).await;
        assert!(head.starts_with("HTTP/1.1 400"), "{head}");
    }
}
