//! A network that breaks: a TCP proxy that cuts some of its connections after a random number of bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::random::Random;

/// A network that breaks while it is told to.
#[derive(Clone)]
pub(crate) struct Proxy {
    address: String,
    breaks: Arc<AtomicBool>,
    cuts: Arc<AtomicU64>,
}

impl Proxy {
    /// Begins to carry connections to `server`.
    pub(crate) async fn start(server: String, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Self {
            address: listener.local_addr().expect("bound").to_string(),
            breaks: Arc::new(AtomicBool::new(true)),
            cuts: Arc::default(),
        };
        tokio::spawn(proxy.clone().accept(listener, server, Random::new(seed)));
        proxy
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    /// From now on no connection is cut.
    pub(crate) fn heal(&self) {
        self.breaks.store(false, Ordering::SeqCst);
    }

    /// How many connections were cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }

    async fn accept(self, listener: TcpListener, server: String, mut random: Random) {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(&server).await else {
                continue;
            };
            for stream in [&near, &far] {
                stream.set_nodelay(true).ok();
            }
            // Every third connection breaks: in CONNACK, between deliveries, within one.
            let breaks = self.breaks.load(Ordering::SeqCst) && random.below(3) == 0;
            let budget = if breaks { random.below(12_000) } else { u64::MAX };
            tokio::spawn(self.clone().carry(near, far, budget));
        }
    }

    async fn carry(self, near: TcpStream, far: TcpStream, budget: u64) {
        let (near_read, near_write) = near.into_split();
        let (far_read, far_write) = far.into_split();
        let left = Arc::new(AtomicU64::new(budget));
        let is_cut = tokio::select! {
            is_cut = copy(near_read, far_write, &left) => is_cut,
            is_cut = copy(far_read, near_write, &left) => is_cut,
        };
        self.cuts.fetch_add(u64::from(is_cut), Ordering::SeqCst);
    }
}

/// Copies one way until the end, or until the budget of both ways is used up; whether it was that.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, left: &AtomicU64) -> bool {
    let mut buffer = vec![0; 4096];
    while let Ok(count) = from.read(&mut buffer).await {
        if count == 0 {
            return false;
        }
        let had = left.load(Ordering::SeqCst);
        let goes = usize::try_from(had).unwrap_or(usize::MAX).min(count);
        if to.write_all(&buffer[..goes]).await.is_err() {
            return false;
        }
        left.fetch_sub(goes as u64, Ordering::SeqCst);
        if goes < count {
            return true;
        }
    }
    false
}
