//! Listeners: bounded, and able to reset connections as a dead edge does.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Cloud;

/// Connections that one listener holds at a time; more wait.
const MOST_CONNECTIONS: usize = 1024;

/// A listener, and whether it belongs to an edge that may be dead.
pub struct Line {
    listener: TcpListener,
    edge: Option<(Arc<Cloud>, usize)>,
    room: Arc<Semaphore>,
    accepted: u64,
}

impl Line {
    pub fn open(listener: TcpListener) -> Self {
        Self { listener, edge: None, room: Arc::new(Semaphore::new(MOST_CONNECTIONS)), accepted: 0 }
    }

    pub fn of_edge(listener: TcpListener, cloud: Arc<Cloud>, edge: usize) -> Self {
        Self { edge: Some((cloud, edge)), ..Self::open(listener) }
    }

    fn is_dead(&self) -> bool {
        let dead = |(cloud, edge): &(Arc<Cloud>, usize)| {
            cloud.with(|world, now| world.is_dead(*edge, now))
        };
        self.edge.as_ref().is_some_and(dead)
    }
}

impl Listener for Line {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let permit = self.room.clone().acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            match self.listener.accept().await {
                Ok((stream, _)) if self.is_dead() => {
                    // closing at once with nothing to linger for sends a reset
                    let _ = stream.set_zero_linger();
                }
                Ok((stream, address)) => {
                    let _ = stream.set_nodelay(true);
                    let cut = Arc::new(AtomicBool::new(false));
                    self.accepted += 1;
                    let number = self.accepted;
                    return (Connection { stream, number, cut, _permit: permit }, address);
                }
                // too many open files, say: it may pass
                Err(error) => {
                    tracing::warn!(%error, "the local cloud could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One connection, which can be cut from the side.
pub struct Connection {
    stream: TcpStream,
    number: u64,
    cut: Arc<AtomicBool>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    /// Fails once the connection was cut, and sees to it that the peer gets a reset.
    fn check(&self) -> io::Result<()> {
        if self.cut.load(Ordering::Acquire) {
            let _ = self.stream.set_zero_linger();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for Connection {
    /// A connection that was cut ends in a reset, whoever lets go of it.
    fn drop(&mut self) {
        let _ = self.check();
    }
}

/// Who is at the other end of a connection, and a way to cut it.
#[derive(Clone)]
pub struct Peer {
    pub address: SocketAddr,
    /// Counts the connections of a listener.
    pub connection: u64,
    cut: Arc<AtomicBool>,
}

impl Peer {
    /// Nothing more is written; the peer gets a reset.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, Line>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Line>) -> Self {
        let io = stream.io();
        Self { address: *stream.remote_addr(), connection: io.number, cut: io.cut.clone() }
    }
}
