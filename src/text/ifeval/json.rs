//! What Python's `json.loads` takes for JSON: text in, yes or no out.
//!
//! More than the standard: `NaN`, `Infinity` and `-Infinity` are values, half
//! of a surrogate pair is a character. Less: a whole number of more than 4,300
//! digits is refused, because Python does not read it. Deeper than
//! [`DEEPEST`] arrays and objects Python gives up with an error that ends its
//! run; here that is no JSON.

/// Arrays and objects within each other.
const DEEPEST: usize = 990;

/// Digits of a whole number.
const MOST_DIGITS: usize = 4_300;

/// Whether `text` is one JSON value, and nothing else.
pub(super) fn is_json(text: &str) -> bool {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
    };
    reader.document().is_some()
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
}

/// What must come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Value,
    /// A value, or the end of an array that has just begun.
    ValueOrEnd,
    Key,
    /// A key, or the end of an object that has just begun.
    KeyOrEnd,
    /// A comma, or the end of what is open.
    CommaOrEnd,
}

impl Reader<'_> {
    /// `None` where it is no JSON.
    fn document(&mut self) -> Option<()> {
        let mut open: Vec<u8> = Vec::new();
        let mut expected = Expected::Value;
        loop {
            self.skip_space();
            if open.is_empty() && expected == Expected::CommaOrEnd {
                return self.peek().is_none().then_some(());
            }
            expected = match (expected, self.peek()?) {
                (Expected::ValueOrEnd, b']') | (Expected::KeyOrEnd, b'}') => {
                    self.at += 1;
                    open.pop();
                    Expected::CommaOrEnd
                }
                (Expected::Value | Expected::ValueOrEnd, _) => self.value(&mut open)?,
                (Expected::Key | Expected::KeyOrEnd, b'"') => {
                    self.string()?;
                    self.skip_space();
                    self.literal(b":")?;
                    Expected::Value
                }
                (Expected::CommaOrEnd, b',') => {
                    self.at += 1;
                    match open.last() {
                        Some(b'[') => Expected::Value,
                        _ => Expected::Key,
                    }
                }
                (Expected::CommaOrEnd, close) => {
                    if !matches!((open.pop(), close), (Some(b'['), b']') | (Some(b'{'), b'}')) {
                        return None;
                    }
                    self.at += 1;
                    Expected::CommaOrEnd
                }
                _ => return None,
            };
        }
    }

    fn value(&mut self, open: &mut Vec<u8>) -> Option<Expected> {
        match self.peek()? {
            bracket @ (b'[' | b'{') => {
                if open.len() == DEEPEST {
                    return None;
                }
                self.at += 1;
                open.push(bracket);
                return Some(match bracket {
                    b'[' => Expected::ValueOrEnd,
                    _ => Expected::KeyOrEnd,
                });
            }
            b'"' => self.string()?,
            b't' => self.literal(b"true")?,
            b'f' => self.literal(b"false")?,
            b'n' => self.literal(b"null")?,
            b'N' => self.literal(b"NaN")?,
            b'I' => self.literal(b"Infinity")?,
            b'-' if self.bytes.get(self.at + 1) == Some(&b'I') => self.literal(b"-Infinity")?,
            _ => self.number()?,
        }
        Some(Expected::CommaOrEnd)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn literal(&mut self, word: &[u8]) -> Option<()> {
        let found = self.bytes[self.at..].starts_with(word);
        self.at += word.len();
        found.then_some(())
    }

    /// A string whose quote is next.
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                0..0x20 => return None,
                b'\\' => {
                    let escaped = self.peek()?;
                    self.at += 1;
                    match escaped {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            let code = self.bytes.get(self.at..self.at + 4)?;
                            if !code.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                            self.at += 4;
                        }
                        _ => return None,
                    }
                }
                _ => {}
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        self.at += usize::from(self.peek() == Some(b'-'));
        let digits = match self.peek()? {
            b'0' => {
                self.at += 1;
                1
            }
            _ => self.digits(),
        };
        if digits == 0 {
            return None;
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            whole = false;
            if self.digits() == 0 {
                return None;
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            whole = false;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return None;
            }
        }
        (!whole || digits <= MOST_DIGITS).then_some(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }
}
