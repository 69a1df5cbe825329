//! One connection in MQTT or XMPP: a half that reads packets in batches, and a half that anybody may write to without waiting.

mod security;

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};

use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Handle;

use crate::wire::{Language, Packet};
use security::Security;
pub(crate) use security::{Trust, trust_in};

/// What one read may bring: shared by all connections of the thread, so that idle ones own no buffer.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// Where to connect, from where, and whether with TLS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route<'a> {
    pub(crate) to: SocketAddr,
    /// The source address; any port of it.
    pub(crate) from: IpAddr,
    pub(crate) tls: Option<&'a Trust>,
    pub(crate) language: Language,
}

/// The half that reads.
pub(crate) struct Reader {
    half: OwnedReadHalf,
    shared: Arc<Shared>,
    /// The beginning of a packet whose end has not come.
    rest: Vec<u8>,
}

/// The half that writes. Any thread may use it.
#[derive(Clone)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
}

struct Shared {
    language: Language,
    half: OwnedWriteHalf,
    outgoing: Mutex<Outgoing>,
    runtime: Handle,
}

struct Outgoing {
    security: Security,
    /// Bytes the socket had no room for.
    pending: Vec<u8>,
    /// Whether a task already waits for room.
    draining: bool,
}

/// Connects, without a word and without waiting for the TLS handshake: it happens within the first reads.
///
/// # Errors
/// What the sockets say.
pub(crate) async fn open(route: &Route<'_>) -> io::Result<(Reader, Writer)> {
    let socket = TcpSocket::new_v4()?;
    // Ports of closed connections may be taken again at once.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(route.from, 0))?;
    let stream: TcpStream = socket.connect(route.to).await?;
    stream.set_nodelay(true)?;
    let (half, write_half) = stream.into_split();
    let shared = Arc::new(Shared {
        language: route.language,
        half: write_half,
        outgoing: Mutex::new(Outgoing {
            security: Security::new(route.tls)?,
            pending: Vec::new(),
            draining: false,
        }),
        runtime: Handle::current(),
    });
    let reader = Reader {
        half,
        shared: Arc::clone(&shared),
        rest: Vec::new(),
    };
    let writer = Writer { shared };
    writer.send(&[])?;
    Ok((reader, writer))
}

impl Reader {
    /// Waits for bytes and hands over every packet that is whole by then.
    ///
    /// # Errors
    /// `UnexpectedEof` when the server closed; otherwise what the socket, TLS or the language has against it.
    pub(crate) async fn packets(&mut self, mut on: impl FnMut(Packet<'_>)) -> io::Result<()> {
        poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut read = ReadBuf::new(buffer);
                ready!(Pin::new(&mut self.half).poll_read(context, &mut read))?;
                if read.filled().is_empty() {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Poll::Ready(take(&self.shared, &mut self.rest, read.filled(), &mut on))
            })
        })
        .await
    }

    /// Waits until the server has closed, and ignores what comes before.
    pub(crate) async fn closed(mut self) {
        while self.packets(|_| {}).await.is_ok() {}
    }
}

fn take(shared: &Arc<Shared>, rest: &mut Vec<u8>, bytes: &[u8], on: &mut impl FnMut(Packet<'_>)) -> io::Result<()> {
    let mut outgoing = shared.lock();
    if outgoing.security.decrypt(bytes, rest)? {
        // A handshake answers by itself.
        shared.flush(&mut outgoing)?;
        drop(outgoing);
    } else {
        drop(outgoing);
        if rest.is_empty() {
            let used = hand_over(shared.language, bytes, on)?;
            rest.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        rest.extend_from_slice(bytes);
    }
    let used = hand_over(shared.language, rest, on)?;
    rest.drain(..used);
    if rest.is_empty() && rest.capacity() > READ_BYTES {
        *rest = Vec::new();
    }
    Ok(())
}

fn hand_over(language: Language, bytes: &[u8], on: &mut impl FnMut(Packet<'_>)) -> io::Result<usize> {
    let mut used = 0;
    while let Some((packet, size)) = language.decode(&bytes[used..])? {
        on(packet);
        used += size;
    }
    Ok(used)
}

impl Writer {
    pub(crate) fn language(&self) -> Language {
        self.shared.language
    }

    /// Sends bytes, or keeps what the socket has no room for and sends it as soon as it has.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let mut outgoing = self.shared.lock();
        let outgoing = &mut *outgoing;
        if outgoing.security.is_plain() && outgoing.pending.is_empty() {
            let sent = self.shared.try_write(bytes)?;
            if sent == bytes.len() {
                return Ok(());
            }
            outgoing.pending.extend_from_slice(&bytes[sent..]);
            self.shared.drain_later(outgoing);
            return Ok(());
        }
        outgoing.security.encrypt(bytes, &mut outgoing.pending)?;
        self.shared.flush(outgoing)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes the socket took, 0 when it has no room.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.half.try_write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }

    fn flush(self: &Arc<Self>, outgoing: &mut Outgoing) -> io::Result<()> {
        outgoing.security.encrypt(&[], &mut outgoing.pending)?;
        if outgoing.pending.is_empty() {
            return Ok(());
        }
        let sent = self.try_write(&outgoing.pending)?;
        outgoing.pending.drain(..sent);
        if outgoing.pending.is_empty() {
            outgoing.pending = Vec::new();
        } else {
            self.drain_later(outgoing);
        }
        Ok(())
    }

    /// A task that ends when nothing is pending: rare, a server that does not read.
    fn drain_later(self: &Arc<Self>, outgoing: &mut Outgoing) {
        if std::mem::replace(&mut outgoing.draining, true) {
            return;
        }
        let shared = Arc::clone(self);
        self.runtime.spawn(async move {
            while shared.half.writable().await.is_ok() {
                let mut outgoing = shared.lock();
                let Ok(sent) = shared.try_write(&outgoing.pending) else {
                    return;
                };
                outgoing.pending.drain(..sent);
                if outgoing.pending.is_empty() {
                    outgoing.draining = false;
                    return;
                }
            }
        });
    }
}
