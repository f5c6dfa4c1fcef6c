//! Lines out of the parts of a body, by the rules of files: see `batch`'s reader.

use axum::body::Bytes;

use super::queue::{Content, Row};
use crate::reward::RowError;

/// The UTF-8 byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Cuts a body into rows.
#[derive(Debug)]
pub(super) struct Lines {
    limit_bytes: usize,
    /// Lines that have ended.
    line: u64,
    /// The line that has not ended yet, or nothing where it is over the limit.
    partial: Vec<u8>,
    /// Length of the line that has not ended yet.
    length: u64,
}

impl Lines {
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            line: 0,
            partial: Vec::new(),
            length: 0,
        }
    }

    /// Bytes that are kept for the next part.
    pub(super) fn kept_bytes(&self) -> usize {
        self.partial.len()
    }

    /// The rows whose lines end in `part`.
    pub(super) fn push(&mut self, part: &Bytes, rows: &mut Vec<Row>) {
        let mut begin = 0;
        for end in memchr::memchr_iter(b'\n', part) {
            let rest = part.slice(begin..end);
            begin = end + 1;
            match self.length {
                0 => self.row(rest, rows),
                _ => {
                    self.keep(&rest);
                    let whole = Bytes::from(std::mem::take(&mut self.partial));
                    self.row(whole, rows);
                }
            }
        }
        self.keep(&part[begin..]);
    }

    /// The row of a last line without an end.
    pub(super) fn finish(&mut self, rows: &mut Vec<Row>) {
        if self.length > 0 {
            let whole = Bytes::from(std::mem::take(&mut self.partial));
            self.row(whole, rows);
        }
    }

    fn keep(&mut self, more: &[u8]) {
        self.length += more.len() as u64;
        if self.length > self.limit_bytes as u64 {
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(more);
        }
    }

    fn row(&mut self, line: Bytes, rows: &mut Vec<Row>) {
        self.line += 1;
        let length = std::mem::take(&mut self.length).max(line.len() as u64);
        let position = self.line;
        if length > self.limit_bytes as u64 {
            let message = format!(
                "the line has {length} bytes, over the limit of {}",
                self.limit_bytes
            );
            let content = Content::Unusable(RowError::data(message));
            rows.push(Row { position, content });
            return;
        }
        let line = match self.line {
            1 if line.starts_with(BOM) => line.slice(BOM.len()..),
            _ => line,
        };
        let line = match line.last() {
            Some(b'\r') => line.slice(..line.len() - 1),
            _ => line,
        };
        if line.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return;
        }
        let content = Content::Json(line);
        rows.push(Row { position, content });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(parts: &[&str], limit_bytes: usize) -> Vec<(u64, Option<String>)> {
        let mut lines = Lines::new(limit_bytes);
        let mut rows = Vec::new();
        for part in parts {
            lines.push(&Bytes::copy_from_slice(part.as_bytes()), &mut rows);
        }
        lines.finish(&mut rows);
        let text = |row: Row| match row.content {
            Content::Json(text) => (
                row.position,
                Some(String::from_utf8_lossy(&text).into_owned()),
            ),
            Content::Unusable(_) => (row.position, None),
        };
        rows.into_iter().map(text).collect()
    }

    #[test]
    fn lines_are_the_same_however_the_body_is_cut() {
        let body = "\u{feff}{1}\n\n  \r\n{2}\r\n{long long}\n{3}";
        let expected = [
            (1, Some("{1}".to_owned())),
            (4, Some("{2}".to_owned())),
            (5, None),
            (6, Some("{3}".to_owned())),
        ];
        assert_eq!(cut(&[body], 8), expected);
        for first in (0..body.len()).filter(|at| body.is_char_boundary(*at)) {
            for second in (first..body.len()).filter(|at| body.is_char_boundary(*at)) {
                let parts = [&body[..first], &body[first..second], &body[second..]];
                assert_eq!(cut(&parts, 8), expected, "{parts:?}");
            }
        }
        assert_eq!(cut(&["", ""], 8), []);
        // Nothing of a line that is too long is kept.
        let mut lines = Lines::new(4);
        lines.push(&Bytes::from_static(b"12345678"), &mut Vec::new());
        assert_eq!(lines.kept_bytes(), 0);
    }
}
