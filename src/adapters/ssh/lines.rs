//! Lines from a stranger: bounded, whatever comes.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// What came next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line without its end.
    Whole(Vec<u8>),
    /// A line longer than allowed; its rest is skipped.
    TooLong,
    /// The beginning of a line whose end never came.
    Half(Vec<u8>),
    End,
}

/// Reads lines of at most so many bytes.
pub(super) struct Lines<R> {
    from: BufReader<R>,
    line: Vec<u8>,
    limit: usize,
    /// Within a line that is too long.
    skipping: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub fn new(from: R, limit: usize) -> Self {
        Self { from: BufReader::new(from), line: Vec::new(), limit, skipping: false }
    }

    /// The next line; may be called off at any time without losing anything.
    pub async fn next(&mut self) -> io::Result<Line> {
        loop {
            let chunk = self.from.fill_buf().await?;
            if chunk.is_empty() {
                self.skipping = false;
                let rest = std::mem::take(&mut self.line);
                return Ok(if rest.is_empty() { Line::End } else { Line::Half(rest) });
            }
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let fits = self.line.len() + part.len() <= self.limit;
            if !self.skipping && fits {
                self.line.extend_from_slice(part);
            }
            let taken = end.map_or(chunk.len(), |at| at + 1);
            self.from.consume(taken);
            if !fits && !self.skipping {
                self.line.clear();
                self.skipping = end.is_none();
                return Ok(Line::TooLong);
            }
            if end.is_some() && !std::mem::take(&mut self.skipping) {
                let mut line = std::mem::take(&mut self.line);
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Line::Whole(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(raw: &[u8], limit: usize) -> Vec<Line> {
        let (mut lines, mut all) = (Lines::new(raw, limit), Vec::new());
        loop {
            let line = lines.next().await.unwrap();
            all.push(line.clone());
            if line == Line::End {
                return all;
            }
        }
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn lines_end_as_they_end_anywhere() {
        assert_eq!(read(b"a\r\n\nb\n", 9).await, [whole("a"), whole(""), whole("b"), Line::End]);
        assert_eq!(read(b"a\nhal", 9).await, [whole("a"), Line::Half(b"hal".to_vec()), Line::End]);
        assert_eq!(read(b"", 9).await, [Line::End]);
    }

    #[tokio::test]
    async fn a_line_without_bounds_costs_no_memory_and_only_itself() {
        let raw = [vec![b'x'; 100_000], b"\nshort\n".to_vec()].concat();
        assert_eq!(read(&raw, 50_000).await, [Line::TooLong, whole("short"), Line::End]);
        assert_eq!(
            read(b"12345\n123456\n1\n", 5).await[..3],
            [whole("12345"), Line::TooLong, whole("1")]
        );
        assert_eq!(read(&vec![b'x'; 100_000], 9).await, [Line::TooLong, Line::End]);
    }
}
