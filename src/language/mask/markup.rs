//! Markup, addresses and JSON: what an angle bracket, an ampersand, a colon,
//! an at sign or an opening brace gives away.

use memchr::memmem;

use super::{Found, Kind, Scanner};

/// Longest tag, special token and half of an e-mail address, in bytes.
const TAG_BYTES: usize = 400;
const TOKEN_BYTES: usize = 64;
const NAME_BYTES: usize = 64;

/// Longest piece of JSON, in bytes.
const JSON_BYTES: usize = 16_384;

impl Scanner<'_> {
    /// A tag, a comment, or a special token such as `<|im_end|>`.
    pub(super) fn angle(&mut self, at: usize) -> Option<Found> {
        let rest = &self.bytes[at..];
        if rest.starts_with(b"<!--") {
            return self.comment(at);
        }
        for (open, close) in [("<|", "|>"), ("<｜", "｜>")] {
            if rest.starts_with(open.as_bytes()) {
                let limit = rest.len().min(TOKEN_BYTES);
                let inner = &rest[open.len().min(limit)..limit];
                let end = memmem::find(inner, close.as_bytes())?;
                return Some(Found::bare(
                    at + open.len() + end + close.len(),
                    Kind::Between,
                ));
            }
        }
        self.tag(at)
    }

    fn comment(&mut self, at: usize) -> Option<Found> {
        if self.no_comment_end {
            return None;
        }
        let inside = at + 4;
        let Some(length) = memmem::find(&self.bytes[inside..], b"-->") else {
            self.no_comment_end = true;
            return None;
        };
        Some(Found {
            end: inside + length + 3,
            inner: inside..inside + length,
            kind: Kind::Between,
        })
    }

    /// `<name>`, `</name>`, `<name/>`, or a name and attributes with values:
    /// `x<y and y>z` is none of them.
    fn tag(&self, at: usize) -> Option<Found> {
        let slash = usize::from(self.bytes.get(at + 1) == Some(&b'/'));
        let name = at + 1 + slash;
        let name_length = self.bytes[name..]
            .iter()
            .take(NAME_BYTES)
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':'))
            .count();
        let first = self.bytes.get(name)?;
        if name_length == 0 || !first.is_ascii_alphabetic() {
            return None;
        }
        let inside = name + name_length;
        let limit = (at + TAG_BYTES).min(self.bytes.len());
        let length = self
            .bytes
            .get(inside..limit)?
            .iter()
            .position(|byte| matches!(byte, b'>' | b'<'))?;
        let close = inside + length;
        let attributes = &self.bytes[inside..close];
        let plain = attributes.iter().all(|byte| matches!(byte, b' ' | b'/'));
        if self.bytes[close] != b'>' || !(plain || attributes.contains(&b'=')) {
            return None;
        }
        Some(Found {
            end: close + 1,
            inner: inside..close,
            kind: Kind::Between,
        })
    }

    /// A character reference: `&amp;`, `&#39;`.
    pub(super) fn reference(&self, at: usize) -> Option<Found> {
        let name = &self.bytes[at + 1..];
        let length = name
            .iter()
            .take(10)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#')
            .count();
        (length >= 2 && name.get(length) == Some(&b';'))
            .then(|| Found::bare(at + length + 2, Kind::Inline))
    }

    /// `scheme://…`; starts before the colon at `at`.
    pub(super) fn url(&self, at: usize) -> Option<(usize, Found)> {
        if !self.bytes[at..].starts_with(b"://") {
            return None;
        }
        let start = self.back(at, u8::is_ascii_alphabetic);
        let end = self.address_end(at + 3);
        (start < at && end > at + 3).then(|| (start, Found::bare(end, Kind::Inline)))
    }

    /// `www.…`.
    pub(super) fn www(&self, at: usize) -> Option<(usize, Found)> {
        let inside_word = at > self.floor && self.bytes[at - 1].is_ascii_alphanumeric();
        if inside_word || !self.bytes[at..].starts_with(b"www.") {
            return None;
        }
        let end = self.address_end(at + 4);
        (end > at + 4).then(|| (at, Found::bare(end, Kind::Inline)))
    }

    /// `name@host.domain`; starts before the at sign.
    pub(super) fn email(&self, at: usize) -> Option<(usize, Found)> {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(byte);
        let start = self.back(at, part);
        let length = self.bytes[at + 1..]
            .iter()
            .take(NAME_BYTES)
            .take_while(|byte| part(byte))
            .count();
        let host = &self.bytes[at + 1..at + 1 + length];
        let end = at + 1 + host.iter().rposition(|byte| *byte != b'.')? + 1;
        let dotted = self.bytes[at + 1..end].contains(&b'.');
        (start < at && dotted).then(|| (start, Found::bare(end, Kind::Inline)))
    }

    /// Balanced JSON that starts with `{"` or `["` or `[{`, and has a member or
    /// an element that JSON allows.
    pub(super) fn json(&mut self, at: usize) -> Option<Found> {
        if at < self.json_from {
            return None;
        }
        let mut next = self.bytes[at + 1..]
            .iter()
            .take(8)
            .filter(|byte| !byte.is_ascii_whitespace());
        if !matches!((self.bytes[at], next.next()?), (_, b'"') | (b'[', b'{')) {
            return None;
        }
        let limit = (at + JSON_BYTES).min(self.bytes.len());
        let mut depth = 0_usize;
        let mut members = false;
        let mut place = at;
        while place < limit {
            match self.bytes[place] {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        let end = place + 1;
                        return (members || self.bytes[at] == b'[').then_some(Found {
                            end,
                            inner: at + 1..place,
                            kind: Kind::Between,
                        });
                    }
                }
                b'"' => place = self.string_end(place, limit),
                b':' => members = true,
                b',' | b'-' | b'+' | b'.' | b'0'..=b'9' => {}
                byte if byte.is_ascii_whitespace() => {}
                // `true`, `false`, `null`, `1e5`.
                byte if byte.is_ascii_alphabetic() => {}
                _ => {
                    self.json_from = place;
                    return None;
                }
            }
            place += 1;
        }
        self.json_from = limit;
        None
    }

    /// The closing quote of the string that opens at `at`.
    fn string_end(&self, at: usize, limit: usize) -> usize {
        let mut place = at + 1;
        while place < limit && self.bytes[place] != b'"' {
            place += if self.bytes[place] == b'\\' { 2 } else { 1 };
        }
        place
    }

    /// The first of the bytes that belong to the name before `at`.
    fn back(&self, at: usize, part: impl Fn(&u8) -> bool) -> usize {
        let from = at.saturating_sub(NAME_BYTES).max(self.floor);
        at - self.bytes[from..at]
            .iter()
            .rev()
            .take_while(|byte| part(byte))
            .count()
    }

    /// The end of an address: ASCII without spaces, without the punctuation
    /// that ends the sentence.
    fn address_end(&self, from: usize) -> usize {
        let length = self.bytes[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_graphic() && !b"<>\"`{}|\\^".contains(byte))
            .count();
        let address = &self.bytes[from..from + length];
        from + address
            .iter()
            .rposition(|byte| !b".,;:!?)]'".contains(byte))
            .map_or(0, |last| last + 1)
    }
}
