//! A raw MQTT client of both versions: one packet at a time, so that a story decides what is acknowledged and when.
//!
//! Its codec is written apart from the server's, so that each checks the other.

mod wire;

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::PATIENCE;
use crate::rest::Device;
pub use wire::{Event, Version};

/// How to connect.
#[derive(Clone, Debug)]
pub struct Login {
    /// The protocol.
    pub version: Version,
    /// Client id.
    pub client_id: String,
    /// User name.
    pub username: String,
    /// Password.
    pub password: String,
    /// Clean session or clean start.
    pub clean: bool,
    /// Session expiry in seconds (version 5).
    pub expiry_s: u32,
    /// Receive maximum (version 5); 0 leaves it out.
    pub receive_max: u16,
    /// Keep-alive in seconds.
    pub keep_alive_s: u16,
}

impl Login {
    /// As a device connects that wants to be remembered.
    pub fn of(device: &Device, version: Version) -> Self {
        Self {
            version,
            client_id: device.id.clone(),
            username: device.account.clone(),
            password: device.token.clone(),
            clean: false,
            expiry_s: 86_400,
            receive_max: 0,
            keep_alive_s: 60,
        }
    }
}

/// What a connection runs over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection.
pub struct Client {
    stream: Box<dyn Stream>,
    buffer: BytesMut,
    version: Version,
    next_id: u16,
}

impl Client {
    /// Connects and expects to be let in.
    pub async fn connect(address: &str, login: &Login) -> (Self, bool) {
        let (client, code, present) = Self::try_connect(address, login).await.expect("the server answers");
        assert_eq!(code, 0, "the server lets {} in", login.client_id);
        (client, present)
    }

    /// Connects; the CONNACK code and Session Present are the answer.
    pub async fn try_connect(address: &str, login: &Login) -> std::io::Result<(Self, u8, bool)> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Self::over(stream, login).await
    }

    /// Says CONNECT over a stream that somebody else opened.
    pub async fn over<S>(stream: S, login: &Login) -> std::io::Result<(Self, u8, bool)>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut client = Self {
            stream: Box::new(stream),
            buffer: BytesMut::new(),
            version: login.version,
            next_id: 0,
        };
        client.send(&wire::connect(login)).await?;
        match client.next().await {
            Some(Event::ConnAck { code, session_present }) => Ok((client, code, session_present)),
            other => Err(std::io::Error::other(format!("no CONNACK but {other:?}"))),
        }
    }

    /// Sends raw bytes.
    pub async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    fn fresh_id(&mut self) -> u16 {
        self.next_id = self.next_id % 65_535 + 1;
        self.next_id
    }

    /// Subscribes to one filter at a QoS; the code in SUBACK is the answer. Inbox deliveries before it would be an error.
    pub async fn subscribe(&mut self, filter: &str, qos: u8) -> u8 {
        let id = self.fresh_id();
        self.send(&wire::subscribe(self.version, id, filter, qos))
            .await
            .expect("the socket is open");
        match self.next().await {
            Some(Event::SubAck { id: answered, code }) if answered == id => code,
            other => panic!("SUBACK expected, got {other:?}"),
        }
    }

    /// Sends a PUBLISH without waiting; returns its packet id (0 for QoS 0).
    pub async fn publish(&mut self, topic: &str, payload: &[u8], qos: u8) -> std::io::Result<u16> {
        let id = if qos == 0 { 0 } else { self.fresh_id() };
        self.send(&wire::publish(self.version, (topic, qos), id, payload))
            .await?;
        Ok(id)
    }

    /// Publishes at QoS 1 and waits for its PUBACK; other packets before it are an error. The reason code is the answer.
    pub async fn publish_and_wait(&mut self, topic: &str, payload: &[u8]) -> u8 {
        let id = self.publish(topic, payload, 1).await.expect("the socket is open");
        match self.next().await {
            Some(Event::PubAck { id: answered, reason }) if answered == id => reason,
            other => panic!("PUBACK expected, got {other:?}"),
        }
    }

    /// Publishes at QoS 1 with a Message Expiry Interval (version 5) and waits until that is taken.
    pub async fn publish_expiring(&mut self, topic: &str, payload: &[u8], seconds: u32) {
        let id = self.fresh_id();
        let packet = wire::publish_expiring(topic, id, payload, seconds);
        self.send(&packet).await.expect("the socket is open");
        assert_eq!(self.next().await, Some(Event::PubAck { id, reason: 0 }));
    }

    /// Acknowledges a delivery.
    pub async fn ack(&mut self, id: u16) -> std::io::Result<()> {
        self.send(&wire::puback(id)).await
    }

    /// The next packet; `None` when the connection ended. Fails the story when nothing comes.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::time::timeout(PATIENCE, self.read())
            .await
            .expect("something comes")
    }

    /// The next packet if one comes in time.
    pub async fn next_within(&mut self, time: Duration) -> Option<Event> {
        tokio::time::timeout(time, self.read()).await.ok().flatten()
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = wire::decode(self.version, &mut self.buffer) {
                return Some(event);
            }
            if self.stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// The next delivery, acknowledged, as JSON. Other packets before it are an error.
    pub async fn delivery(&mut self) -> serde_json::Value {
        match self.next().await {
            Some(Event::Publish { id, payload, .. }) => {
                if id != 0 {
                    self.ack(id).await.expect("the socket is open");
                }
                serde_json::from_slice(&payload).expect("a delivery is JSON")
            }
            other => panic!("a delivery expected, got {other:?}"),
        }
    }

    /// Says goodbye and waits until the server has closed.
    pub async fn disconnect(mut self) {
        self.send(&[0xe0, 0]).await.ok();
        while self.next_within(PATIENCE).await.is_some() {}
    }
}
