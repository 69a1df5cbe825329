//! A socket that can be carried from the runtime that accepted it to the thread that serves it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bound to the runtime it is used on, except on its way.
pub(crate) enum Carried {
    Here(TcpStream),
    OnItsWay(std::net::TcpStream),
    /// It could not be carried.
    Lost,
}

impl Carried {
    /// Leaves its runtime. Until [`Carried::arrive`] nothing can be read or written.
    pub(crate) fn leave(&mut self) -> io::Result<()> {
        *self = match std::mem::replace(self, Self::Lost) {
            Self::Here(stream) => Self::OnItsWay(stream.into_std()?),
            other => other,
        };
        Ok(())
    }

    /// Binds it to the runtime this is called on.
    pub(crate) fn arrive(&mut self) -> io::Result<()> {
        *self = match std::mem::replace(self, Self::Lost) {
            Self::OnItsWay(stream) => Self::Here(TcpStream::from_std(stream)?),
            other => other,
        };
        Ok(())
    }

    fn here(self: Pin<&mut Self>) -> io::Result<Pin<&mut TcpStream>> {
        match self.get_mut() {
            Self::Here(stream) => Ok(Pin::new(stream)),
            Self::OnItsWay(_) | Self::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl AsyncRead for Carried {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.here()?.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Carried {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.here()?.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.here()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.here()?.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.here()?.poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    }

    #[test]
    fn a_socket_goes_on_where_it_arrived_and_nowhere_between() {
        let (first, second) = (runtime(), runtime());
        let (mut carried, mut client) = first.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let client = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a client");
            (Carried::Here(listener.accept().await.expect("a socket").0), client)
        });
        first
            .block_on(async { carried.write_all(b"one").await })
            .expect("written");
        carried.leave().expect("it left");
        drop(first);
        let refused = second.block_on(async { carried.write_all(b"none").await });
        assert_eq!(refused.map_err(|error| error.kind()), Err(io::ErrorKind::NotConnected));
        second.block_on(async {
            carried.arrive().expect("it arrived");
            carried.write_all(b"two").await.expect("written");
            carried.shutdown().await.expect("shut down");
        });
        let mut heard = String::new();
        io::Read::read_to_string(&mut client, &mut heard).expect("read");
        assert_eq!(heard, "onetwo");
        drop(client);
        let ended = second.block_on(async { carried.read(&mut [0]).await });
        assert_eq!(ended.map_err(|error| error.kind()), Ok(0));
    }
}
