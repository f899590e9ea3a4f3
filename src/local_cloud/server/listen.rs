//! Listeners: bounded in connections, patience and memory, and able to reset connections as a dead edge does.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Sleep;
use tokio_util::sync::CancellationToken;

use super::Cloud;
use super::limits::Limits;

/// A listener, and the edge that it belongs to, which may be dead.
pub struct Line {
    listener: TcpListener,
    cloud: Arc<Cloud>,
    edge: Option<usize>,
    room: Arc<Semaphore>,
    accepted: u64,
}

impl Line {
    pub fn open(listener: TcpListener, cloud: Arc<Cloud>) -> Self {
        let room = Arc::new(Semaphore::new(cloud.limits.connections));
        Self { listener, cloud, edge: None, room, accepted: 0 }
    }

    pub fn of_edge(listener: TcpListener, cloud: Arc<Cloud>, edge: usize) -> Self {
        Self { edge: Some(edge), ..Self::open(listener, cloud) }
    }

    /// Answers whoever connects, until `ended`; then until the answers that are on their way have left. Dropping
    /// this ends every connection.
    pub async fn serve(mut self, service: Router, ended: CancellationToken) {
        let mut open = JoinSet::new();
        loop {
            let (connection, peer) = tokio::select! {
                () = ended.cancelled() => break,
                Some(_) = open.join_next() => continue,
                accepted = self.accept() => accepted,
            };
            let limits = self.cloud.limits.clone();
            open.spawn(answered(connection, peer, service.clone(), limits, ended.clone()));
        }
        drop(self);
        while open.join_next().await.is_some() {}
    }

    fn is_dead(&self) -> bool {
        self.edge.is_some_and(|edge| self.cloud.with(|world, now| world.is_dead(edge, now)))
    }

    async fn accept(&mut self) -> (Connection, Peer) {
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
                    let peer = Peer { address, connection: self.accepted, cut: cut.clone() };
                    let patience = self.cloud.limits.stall;
                    let connection = Connection {
                        stream,
                        cut,
                        patience,
                        stalled: None,
                        instead: None,
                        _permit: permit,
                    };
                    return (connection, peer);
                }
                // too many open files, say: it may pass
                Err(error) => {
                    tracing::warn!(%error, "the local cloud could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Answers the requests of one connection, one after the other. Whoever sends no whole head in time is cut off; one
/// who has closed his half of the connection still gets his answers.
async fn answered(
    connection: Connection,
    peer: Peer,
    service: Router,
    limits: Limits,
    ended: CancellationToken,
) {
    let service = TowerToHyperService::new(service);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer.clone()));
        service.call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_header_size(limits.head_bytes)
        .half_close(true)
        .serve_connection(TokioIo::new(connection), service);
    let mut serving = pin!(serving);
    let done = tokio::select! {
        done = serving.as_mut() => done,
        () = ended.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = done {
        tracing::debug!(%error, "a connection to the local cloud broke");
    }
}

/// One connection, which can be cut from the side, and which nobody may leave unread for long.
pub struct Connection {
    stream: TcpStream,
    cut: Arc<AtomicBool>,
    patience: Duration,
    /// Since the peer's window is full.
    stalled: Option<Pin<Box<Sleep>>>,
    /// What is written in place of a bare refusal of the library, and how much of it has left.
    instead: Option<(Vec<u8>, usize)>,
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

    /// Lets nobody block a write for longer than is patience.
    fn watched(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Connection {
    /// Writes what stands in place of `bare`; all of `bare` counts as written then.
    fn write_instead(
        &mut self,
        context: &mut Context<'_>,
        bare: &[u8],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.instead.is_none() {
            self.instead = Some((super::bare::in_json(bare)?, 0));
        }
        while let Some((answer, left)) = &mut self.instead
            && *left < answer.len()
        {
            let written = Pin::new(&mut self.stream).poll_write(context, &answer[*left..]);
            match written {
                Poll::Ready(Ok(bytes)) if bytes > 0 => *left += bytes,
                Poll::Ready(Ok(_)) => {
                    return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                other => return Some(self.watched(context, other)),
            }
        }
        self.instead = None;
        Some(self.watched(context, Poll::Ready(Ok(bare.len()))))
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
        if let Some(written) = self.write_instead(context, bytes) {
            return written;
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        let whole = parts.iter().find(|part| !part.is_empty()).map(|part| &**part);
        let alone = parts.iter().filter(|part| !part.is_empty()).count() == 1;
        if let Some(bytes) = whole.filter(|_| alone)
            && let Some(written) = self.write_instead(context, bytes)
        {
            return written;
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watched(context, written)
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
