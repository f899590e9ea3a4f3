//! A way to a server that breaks: shut, as when a firewall drops, or cut at the moment when calls of a job are claimed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// What claims calls, as every connection says once in full.
const CLAIM: &[u8] = b"WITH next AS MATERIALIZED";
/// How that is made to last: a message `Q` of its own.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT";

/// Where a claim is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server never hears of the commit.
    Before,
    /// The server carries it out, and nobody hears that it did.
    After,
    /// The commit waits here until the way is shut or ended, for somebody to stop the server meanwhile.
    Held,
}

/// It ends with its owner.
pub struct Way {
    pub address: SocketAddr,
    pub shut: Arc<AtomicBool>,
    /// What is to happen to the next claims, the last one first.
    cuts: Arc<Mutex<Vec<Cut>>>,
    _runtime: tokio::runtime::Runtime,
}

/// What both directions of one connection know of it.
#[derive(Default)]
struct Line {
    /// Nothing comes back any more.
    is_deaf: AtomicBool,
}

impl Way {
    pub fn to(server: SocketAddr) -> Self {
        Self::with_cuts(server, &[])
    }

    /// A way that cuts the first claims that pass, one after the other.
    pub fn with_cuts(server: SocketAddr, cuts: &[Cut]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("loopback has room");
        let address = listener.local_addr().expect("an address");
        let shut = Arc::new(AtomicBool::new(false));
        let cuts = Arc::new(Mutex::new(cuts.iter().rev().copied().collect::<Vec<_>>()));
        let (is_shut, planned) = (Arc::clone(&shut), Arc::clone(&cuts));
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(server).await else { continue };
                let (shut, planned) = (Arc::clone(&is_shut), Arc::clone(&planned));
                tokio::spawn(async move {
                    let line = Line::default();
                    let (near_read, near_write) = near.into_split();
                    let (far_read, far_write) = far.into_split();
                    tokio::select! { // whichever ends, both sides are closed
                        () = out(near_read, far_write, &shut, &planned, &line) => {}
                        () = back(far_read, near_write, &shut, &line) => {}
                    }
                });
            }
        });
        Self { address, shut, cuts, _runtime: runtime }
    }

    /// Cuts that have not happened yet.
    pub fn to_come(&self) -> usize {
        self.cuts.lock().expect("no writer panics").len()
    }
}

async fn wait_while(shut: &AtomicBool) {
    while shut.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|some| some == what)
}

/// From a member to the server.
async fn out(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shut: &AtomicBool,
    cuts: &Mutex<Vec<Cut>>,
    line: &Line,
) {
    let (mut buffer, mut claims) = (vec![0; 16 * 1024], false);
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        wait_while(shut).await;
        let bytes = &buffer[..read];
        claims |= holds(bytes, CLAIM);
        if claims && holds(bytes, COMMIT) {
            claims = false;
            let cut = cuts.lock().expect("no writer panics").pop();
            match cut {
                None => {}
                Some(Cut::Before) => return,
                Some(Cut::Held) => std::future::pending().await,
                Some(Cut::After) => {
                    line.is_deaf.store(true, Ordering::Relaxed);
                    if to.write_all(bytes).await.is_err() {
                        return;
                    }
                    std::future::pending::<()>().await; // until the answer ends the other direction
                }
            }
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// From the server to a member.
async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shut: &AtomicBool, line: &Line) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        wait_while(shut).await;
        if line.is_deaf.load(Ordering::Relaxed) || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
