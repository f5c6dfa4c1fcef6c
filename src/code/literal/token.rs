//! Tokens of the part of Python that tests are written in.
//!
//! Whatever is not known for certain to mean what it seems to mean (an f-string,
//! a name outside of ASCII, mixed indentation) gives no tokens at all: those tests
//! run in Python itself.

use num_bigint::BigInt;
use num_traits::Num;

use crate::code::value::Value;

/// One token.
#[derive(Clone, Debug)]
pub(super) enum Token {
    /// A number, or the pieces of one string literal.
    Literal(Value),
    /// A name or keyword.
    Name(String),
    /// An operator or a bracket.
    Mark(&'static str),
    /// The end of a logical line.
    Line,
    /// The lines that follow stand deeper.
    Indent,
    /// They no longer do.
    Dedent,
}

/// Longest first, so that `**` is not read as two.
const MARKS: &[&str] = &[
    "**=", "//=", ">>=", "<<=", "...", "**", "//", "==", "!=", "<=", ">=", "->", ":=", "+=", "-=",
    "*=", "/=", "%=", "@=", "&=", "|=", "^=", "<<", ">>", "(", ")", "[", "]", "{", "}", ",", ":",
    ".", ";", "@", "=", "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">",
];

/// Digits of the longest number; longer ones take quadratic time to read.
const MAX_DIGITS: usize = 20_000;

/// The tokens of `text`, or nothing where it holds something unknown.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lexer = Lexer {
        rest: &text,
        tokens: Vec::new(),
        brackets: 0,
        indents: vec![0],
    };
    lexer.run()?;
    Some(lexer.tokens)
}

struct Lexer<'t> {
    rest: &'t str,
    tokens: Vec<Token>,
    brackets: usize,
    indents: Vec<usize>,
}

impl Lexer<'_> {
    fn run(&mut self) -> Option<()> {
        let mut fresh = true;
        loop {
            if fresh && self.brackets == 0 {
                self.indentation()?;
                fresh = false;
            }
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            let Some(first) = self.rest.chars().next() else {
                break;
            };
            match first {
                '\n' => {
                    self.rest = &self.rest[1..];
                    if self.brackets == 0 {
                        self.end_line();
                        fresh = true;
                    }
                }
                '#' => {
                    let end = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.rest = &self.rest[end..];
                }
                '\\' => self.rest = self.rest.strip_prefix("\\\n")?,
                '0'..='9' => self.number()?,
                '.' if self.rest[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                    self.number()?;
                }
                '"' | '\'' => self.string("")?,
                'a'..='z' | 'A'..='Z' | '_' => self.name()?,
                _ => self.mark()?,
            }
        }
        if self.brackets > 0 {
            return None;
        }
        self.end_line();
        while self.indents.len() > 1 {
            self.indents.pop();
            self.tokens.push(Token::Dedent);
        }
        Some(())
    }

    fn end_line(&mut self) {
        if !matches!(
            self.tokens.last(),
            None | Some(Token::Line | Token::Indent | Token::Dedent)
        ) {
            self.tokens.push(Token::Line);
        }
    }

    fn indentation(&mut self) -> Option<()> {
        loop {
            let bare = self.rest.trim_start_matches([' ', '\t']);
            let depth = self.rest.len() - bare.len();
            let margin = &self.rest[..depth];
            if bare.starts_with(['\n', '#']) {
                let end = bare.find('\n').map_or(bare.len(), |at| at + 1);
                self.rest = &bare[end..];
                continue;
            }
            if bare.is_empty() {
                self.rest = "";
                return Some(());
            }
            if margin.contains('\t') && margin.contains(' ') {
                return None;
            }
            // A tab counts eight columns where it stands for itself.
            let depth = if margin.contains('\t') {
                depth * 8
            } else {
                depth
            };
            let last = *self.indents.last()?;
            if depth > last {
                self.indents.push(depth);
                self.tokens.push(Token::Indent);
            }
            while depth < *self.indents.last()? {
                self.indents.pop();
                self.tokens.push(Token::Dedent);
            }
            return (depth == *self.indents.last()?).then_some(());
        }
    }

    fn name(&mut self) -> Option<()> {
        let end = self
            .rest
            .find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if rest.starts_with(['"', '\'']) {
            let prefix = name.to_ascii_lowercase();
            return match prefix.as_str() {
                "r" | "b" | "u" | "br" | "rb" => {
                    self.rest = rest;
                    self.string(&prefix)
                }
                _ => None,
            };
        }
        if rest.starts_with(|sign: char| !sign.is_ascii()) {
            return None;
        }
        self.tokens.push(Token::Name(name.to_owned()));
        self.rest = rest;
        Some(())
    }

    fn mark(&mut self) -> Option<()> {
        let mark = *MARKS.iter().find(|mark| self.rest.starts_with(**mark))?;
        match mark {
            "(" | "[" | "{" => self.brackets += 1,
            ")" | "]" | "}" => self.brackets = self.brackets.checked_sub(1)?,
            _ => {}
        }
        self.rest = &self.rest[mark.len()..];
        self.tokens.push(Token::Mark(mark));
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let radix = match self.rest.get(..2) {
            Some("0x" | "0X") => Some(16),
            Some("0o" | "0O") => Some(8),
            Some("0b" | "0B") => Some(2),
            _ => None,
        };
        if let Some(radix) = radix {
            let body = &self.rest[2..];
            let end = body
                .find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'))
                .unwrap_or(body.len());
            let digits = plain_digits(&body[..end])?;
            let number = BigInt::from_str_radix(&digits, radix).ok()?;
            self.rest = &body[end..];
            return self.push_number(Value::Int(number));
        }
        let bytes = self.rest.as_bytes();
        let digits_from = |mut at: usize| {
            while bytes
                .get(at)
                .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'_')
            {
                at += 1;
            }
            at
        };
        let mut end = digits_from(0);
        let mut is_float = false;
        if bytes.get(end) == Some(&b'.') {
            is_float = true;
            end = digits_from(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let after = digits_from(end + 1 + signed);
            if after > end + 1 + signed {
                is_float = true;
                end = after;
            }
        }
        let text = &self.rest[..end];
        let rest = &self.rest[end..];
        let value = if rest.starts_with(['j', 'J']) {
            self.rest = &rest[1..];
            Value::Complex(0.0, float(text)?)
        } else {
            self.rest = rest;
            if is_float {
                Value::Float(float(text)?)
            } else {
                let digits = plain_digits(text)?;
                // Python refuses `012`.
                if digits.starts_with('0') && digits.bytes().any(|digit| digit != b'0') {
                    return None;
                }
                Value::Int(digits.parse().ok()?)
            }
        };
        self.push_number(value)
    }

    fn push_number(&mut self, value: Value) -> Option<()> {
        // `1if` is two tokens to Python; nobody writes it.
        if self
            .rest
            .starts_with(|sign: char| sign.is_alphanumeric() || sign == '_')
        {
            return None;
        }
        self.tokens.push(Token::Literal(value));
        Some(())
    }

    fn string(&mut self, prefix: &str) -> Option<()> {
        let raw = prefix.contains('r');
        let bytes = prefix.contains('b');
        let quote = self.rest.chars().next()?;
        let triple: String = [quote; 3].iter().collect();
        let (close, long) = if self.rest.starts_with(&triple) {
            (triple, true)
        } else {
            (quote.to_string(), false)
        };
        let mut rest = &self.rest[close.len()..];
        let mut text = Vec::new();
        loop {
            if let Some(after) = rest.strip_prefix(close.as_str()) {
                self.rest = after;
                break;
            }
            let sign = rest.chars().next()?;
            rest = &rest[sign.len_utf8()..];
            match sign {
                '\n' if !long => return None,
                '\\' => rest = escape(rest, raw, bytes, &mut text)?,
                _ if bytes && !sign.is_ascii() => return None,
                _ => text.extend(sign.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        self.tokens.push(Token::Literal(if bytes {
            Value::Bytes(text)
        } else {
            Value::Str(text)
        }));
        Some(())
    }
}

/// Reads what follows a backslash and gives what is left after it.
fn escape<'t>(rest: &'t str, raw: bool, bytes: bool, text: &mut Vec<u8>) -> Option<&'t str> {
    let sign = rest.chars().next()?;
    let after = &rest[sign.len_utf8()..];
    if raw {
        if bytes && !sign.is_ascii() {
            return None;
        }
        text.push(b'\\');
        text.extend(sign.encode_utf8(&mut [0; 4]).bytes());
        return Some(after);
    }
    let simple = match sign {
        '\n' => return Some(after),
        '\\' | '\'' | '"' => sign as u8,
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        'x' => return code(after, 2, bytes, text),
        'u' if !bytes => return code(after, 4, bytes, text),
        'U' if !bytes => return code(after, 8, bytes, text),
        '0'..='7' => {
            let end = rest
                .bytes()
                .take(3)
                .take_while(|digit| matches!(digit, b'0'..=b'7'))
                .count();
            push(u32::from_str_radix(&rest[..end], 8).ok()?, bytes, text)?;
            return Some(&rest[end..]);
        }
        // `\N{…}`, and what Python keeps with a warning.
        _ => return None,
    };
    text.push(simple);
    Some(after)
}

fn code<'t>(rest: &'t str, digits: usize, bytes: bool, text: &mut Vec<u8>) -> Option<&'t str> {
    let number = rest.get(..digits)?;
    if !number.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    push(u32::from_str_radix(number, 16).ok()?, bytes, text)?;
    Some(&rest[digits..])
}

fn push(code: u32, bytes: bool, text: &mut Vec<u8>) -> Option<()> {
    if bytes {
        text.push(u8::try_from(code).ok()?);
        return Some(());
    }
    match char::from_u32(code) {
        Some(sign) => text.extend(sign.encode_utf8(&mut [0; 4]).bytes()),
        // A lone surrogate, in the form that the wire has for it.
        None if (0xd800..0xe000).contains(&code) => text.extend([
            0xed,
            0x80 | (code >> 6 & 0x3f) as u8,
            0x80 | (code & 0x3f) as u8,
        ]),
        None => return None,
    }
    Some(())
}

fn plain_digits(text: &str) -> Option<String> {
    let sound = !text.is_empty()
        && text.len() <= MAX_DIGITS
        && !text.starts_with('_')
        && !text.ends_with('_')
        && !text.contains("__");
    sound.then(|| text.replace('_', ""))
}

fn float(text: &str) -> Option<f64> {
    if text.contains('_') || text.len() > MAX_DIGITS {
        return None;
    }
    text.parse().ok()
}
