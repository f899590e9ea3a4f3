//! Bodies as they come: counted, in time, never more of them in memory than there is room for.

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use tokio::time::{Duration, Instant, timeout_at};

use super::limits::{Budget, Limits, Share};
use super::reply::{Reply, bad};

/// A request's body while it is read.
pub struct Incoming<'a> {
    body: Body,
    limits: &'a Limits,
    began: Instant,
    received: u64,
    ended: bool,
}

impl<'a> Incoming<'a> {
    pub fn new(body: Body, limits: &'a Limits) -> Self {
        Self { body, limits, began: Instant::now(), received: 0, ended: false }
    }

    /// The next bytes, or `None` at the end.
    ///
    /// # Errors
    /// The sender is too slow, or breaks off, or does not stop.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Reply> {
        loop {
            if self.ended {
                return Ok(None);
            }
            let earned = Duration::from_secs(self.received / self.limits.pace.max(1));
            let Ok(frame) =
                timeout_at(self.began + self.limits.body + earned, self.body.frame()).await
            else {
                self.ended = true;
                return Err(Reply::error(408, "Request Timeout"));
            };
            match frame {
                None => self.ended = true,
                Some(Err(error)) => {
                    self.ended = true;
                    return Err(bad(format!("Invalid request body: {error}")));
                }
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    self.received += bytes.len() as u64;
                    if self.received > self.limits.drained {
                        self.ended = true;
                        let most = self.limits.drained;
                        return Err(Reply::error(
                            413,
                            &format!("Request body too large. Maximum is {most}."),
                        ));
                    }
                    return Ok(Some(bytes));
                }
            }
        }
    }

    /// Reads on and forgets, within the limits: who is refused in the middle of sending would otherwise meet a reset
    /// instead of the answer.
    pub async fn drain(mut self) {
        while let Ok(Some(_)) = self.next().await {}
    }

    /// The whole body, of `most` bytes at most.
    ///
    /// # Errors
    /// As [`Self::next`]; the body is larger, or there is no room for it now.
    pub async fn whole(&mut self, most: usize, share: &mut Share) -> Result<Vec<u8>, Reply> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next().await? {
            if whole.len() + bytes.len() > most {
                return Err(Reply::error(
                    413,
                    &format!("Request body too large. Maximum is {most}."),
                ));
            }
            // texts are taken out of it by copying
            share.grow(2 * bytes.len()).map_err(|_| busy())?;
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }
}

/// Too many bodies are on their way.
pub fn busy() -> Reply {
    Reply::error(503, "Too many uploads at a time. Try again later.")
}

/// A file that stays: it counts as stored for as long as anything holds on to it, copies in caches and backups
/// included.
///
/// # Errors
/// There is no room for it.
pub fn kept(bytes: Bytes, stored: &std::sync::Arc<Budget>) -> Result<Bytes, Reply> {
    struct Kept {
        bytes: Bytes,
        _share: Share,
    }

    impl AsRef<[u8]> for Kept {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }

    /// What an asset costs besides its bytes, roughly.
    const ROW: usize = 1024;
    let mut share = stored.share();
    share.grow(bytes.len() + ROW).map_err(|_| {
        let most = stored.most();
        Reply::error(507, &format!("The local cloud keeps {most} bytes of uploaded files at most."))
    })?;
    Ok(Bytes::from_owner(Kept { bytes, _share: share }))
}
