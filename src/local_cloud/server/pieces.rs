//! Files that arrive in pieces: requests with `Content-Range` and one `X-Unique-Upload-Id` (facts §2.3).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderMap;

use super::body::busy;
use super::limits::{Budget, Limits, Share};
use super::reply::{Reply, bad};

/// Longest ID of an upload.
const LONGEST_ID: usize = 256;

/// Which part of a file a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    first: usize,
    last: usize,
    /// Unknown (`-1` or `*`) until the last piece tells.
    total: Option<usize>,
}

impl Range {
    /// Reads `bytes 0-19999999/-1`.
    pub fn parse(text: &str) -> Option<Self> {
        let (part, total) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
        let (first, last) = part.split_once('-')?;
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let total = match total.trim() {
            "-1" | "*" => None,
            total => Some(total.parse().ok()?),
        };
        let range = Self { first, last, total };
        (first <= last && total.is_none_or(|total| last < total)).then_some(range)
    }

    const fn is_last(self) -> bool {
        match self.total {
            Some(total) => self.last + 1 == total,
            None => false,
        }
    }

    const fn length(self) -> usize {
        (self.last - self.first).saturating_add(1)
    }
}

/// What has come of a file.
#[derive(Debug)]
struct Started {
    bytes: Vec<u8>,
    share: Share,
    /// Where the latest piece began: it may be sent again.
    latest: usize,
    /// The public ID that the file will have, chosen when its first piece came: clients repeat it with the others.
    public_id: String,
    until: Duration,
}

/// What became of a piece, and the public ID that the file has.
#[derive(Debug)]
pub enum Placed {
    /// It was the last. The file counts as in flight as long as the share is kept.
    Whole { bytes: Bytes, public_id: String, share: Share },
    /// So many bytes are there now.
    More { length: usize, public_id: String },
}

/// All files that arrive in pieces.
#[derive(Debug, Default)]
pub struct Pieces(Mutex<HashMap<String, Started>>);

/// Range and upload ID of a request that brings a piece.
pub fn piece_of(headers: &HeaderMap) -> Result<Option<(Range, &str)>, Reply> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(range), Some(id)) = (header("content-range"), header("x-unique-upload-id")) else {
        return Ok(None);
    };
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(bad("Invalid X-Unique-Upload-Id"));
    }
    let range = Range::parse(range).ok_or_else(|| bad(format!("Invalid Content-Range {range}")))?;
    Ok(Some((range, id)))
}

impl Pieces {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Started>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn clear(&self) {
        self.all().clear();
    }

    /// Forgets the files whose next piece did not come in time.
    pub fn expire(&self, now: Duration) {
        self.all().retain(|_, one| one.until > now);
    }

    /// Takes a piece in. `decide` chooses the public ID when the first comes, and sees that piece.
    ///
    /// # Errors
    /// The piece is too small, does not follow on the one before, or there is no room for it; a file that cannot go
    /// on is forgotten.
    pub fn place(
        &self,
        (range, id): (Range, &str),
        bytes: &Bytes,
        (limits, in_flight): (&Limits, &Arc<Budget>),
        now: Duration,
        decide: impl FnOnce() -> Result<String, Reply>,
    ) -> Result<Placed, Reply> {
        if range.length() != bytes.len() {
            return Err(bad(format!(
                "Invalid Content-Range: {} bytes were announced, {} came",
                range.length(),
                bytes.len()
            )));
        }
        if bytes.len() < limits.least_piece && !range.is_last() {
            return Err(bad("All parts except EOF-chunk must be larger than 5mb"));
        }
        self.expire(now);
        let mut all = self.all();
        if !all.contains_key(id) {
            if range.first > 0 {
                return Err(bad("Invalid Content-Range: the piece before it is missing"));
            }
            if all.len() >= limits.pieces_open {
                return Err(busy());
            }
            let public_id = decide()?;
            let started = Started {
                bytes: Vec::new(),
                share: in_flight.share(),
                latest: 0,
                public_id,
                until: now + limits.pieces_wait,
            };
            all.insert(id.to_owned(), started);
        }
        let Some(one) = all.get_mut(id) else { return Err(busy()) };
        if range.first == one.latest && range.first + bytes.len() == one.bytes.len() {
            // the answer to it was lost, and it comes again
            one.bytes.truncate(one.latest);
        } else if range.first != one.bytes.len() {
            all.remove(id);
            return Err(bad("Invalid Content-Range: the piece before it is missing"));
        } else if range.last >= limits.in_pieces {
            all.remove(id);
            let (got, most) = (range.total.unwrap_or(range.last + 1), limits.in_pieces);
            return Err(bad(format!("File size too large. Got {got}. Maximum is {most}.")));
        } else if one.share.grow(bytes.len()).is_err() {
            all.remove(id);
            return Err(busy());
        }
        one.latest = range.first;
        one.until = now + limits.pieces_wait;
        one.bytes.extend_from_slice(bytes);
        if !range.is_last() {
            let (length, public_id) = (one.bytes.len(), one.public_id.clone());
            return Ok(Placed::More { length, public_id });
        }
        let Some(Started { bytes, share, public_id, .. }) = all.remove(id) else {
            return Err(busy());
        };
        Ok(Placed::Whole { bytes: bytes.into(), public_id, share })
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn limits() -> Limits {
        Limits { least_piece: 4, in_pieces: 20, pieces_open: 2, ..Limits::default() }
    }

    struct Rig {
        pieces: Pieces,
        budget: Arc<Budget>,
    }

    impl Rig {
        fn place(&self, id: &str, range: &str, bytes: &str, at: u64) -> Result<Placed, String> {
            let range = Range::parse(&format!("bytes {range}")).ok_or("range")?;
            let bytes = Bytes::copy_from_slice(bytes.as_bytes());
            let room = (&limits(), &self.budget);
            let placed =
                self.pieces.place((range, id), &bytes, room, Duration::from_secs(at), || {
                    Ok("name".into())
                });
            placed.map_err(|reply| reply.body["error"]["message"].as_str().unwrap().to_owned())
        }
    }

    fn rig() -> Rig {
        Rig { pieces: Pieces::default(), budget: Budget::of(30) }
    }

    #[test]
    fn pieces_make_a_file_and_the_latest_may_come_twice() {
        let rig = rig();
        let more = |placed| matches!(placed, Ok(Placed::More { .. }));
        assert!(more(rig.place("a", "0-4/-1", "abcde", 0)));
        assert!(more(rig.place("a", "5-8/-1", "XXXX", 0)));
        assert!(more(rig.place("a", "5-8/-1", "fghi", 0)));
        assert_eq!(rig.budget.taken(), 9);
        let Ok(Placed::Whole { bytes, public_id, share }) = rig.place("a", "9-9/10", "j", 0) else {
            panic!()
        };
        assert_eq!((&bytes[..], public_id.as_str()), (&b"abcdefghij"[..], "name"));
        drop(share);
        assert_eq!(rig.budget.taken(), 0);
    }

    #[test]
    fn what_is_small_gaping_large_many_or_late_is_refused() {
        let rig = rig();
        let told = |placed: Result<Placed, String>| placed.unwrap_err();
        assert_eq!(
            told(rig.place("a", "0-2/-1", "abc", 0)),
            "All parts except EOF-chunk must be larger than 5mb"
        );
        assert!(told(rig.place("a", "0-5/-1", "abcd", 0)).contains("6 bytes were announced"));
        assert!(told(rig.place("a", "4-7/-1", "abcd", 0)).contains("is missing"));
        rig.place("a", "0-3/-1", "abcd", 0).unwrap();
        rig.place("b", "0-3/-1", "abcd", 0).unwrap();
        assert!(told(rig.place("c", "0-3/-1", "abcd", 0)).contains("Too many uploads"));
        assert!(told(rig.place("a", "9-12/-1", "abcd", 0)).contains("is missing"));
        assert!(
            told(rig.place("b", "4-20/-1", &"x".repeat(17), 0)).contains("Got 21. Maximum is 20.")
        );
        assert_eq!(rig.budget.taken(), 0, "both were forgotten");
        rig.place("a", "0-3/-1", "abcd", 0).unwrap();
        assert!(told(rig.place("a", "4-7/-1", "abcd", 600)).contains("is missing"));
        assert_eq!(rig.budget.taken(), 0);
        rig.place("a", "0-15/-1", &"x".repeat(16), 0).unwrap();
        assert!(told(rig.place("b", "0-15/-1", &"x".repeat(16), 0)).contains("Too many uploads"));
    }

    #[test]
    fn ranges_are_read_strictly() {
        let read = |text| Range::parse(text).map(|range| (range.first, range.last, range.total));
        assert_eq!(read("bytes 0-9/10"), Some((0, 9, Some(10))));
        assert_eq!(read("bytes 0-9/-1"), Some((0, 9, None)));
        for bad in
            ["0-9/10", "bytes 9-0/10", "bytes 0-9/9", "bytes -9/10", "bytes 0-9", "bytes a-b/c", ""]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read("bytes 0-18446744073709551615/-1"), Some((0, usize::MAX, None)));
    }
}
