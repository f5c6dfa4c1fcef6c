//! Any spelling in, the canonical one out: one linear pass.
//!
//! Layout is dropped, commands become single characters, look-alikes become
//! ASCII, words become functions, units or refusals, and `|` becomes an opening
//! or closing bracket. Brackets are matched and their depth is bounded here, so
//! that the grammar's recursion is.

use super::symbols::{self, Symbol};
use super::{ParseFault, ParseLimits, vectors};

/// A text in canonical spelling.
#[derive(Debug, Default)]
pub(super) struct Canonical {
    pub(super) text: String,
    /// Places of the canonical text with their places in the original.
    marks: Vec<(usize, usize)>,
}

impl Canonical {
    /// The place in the original text of a place in the canonical one.
    pub(super) fn origin(&self, at: usize) -> usize {
        let next = self.marks.partition_point(|mark| mark.0 <= at);
        next.checked_sub(1).map_or(0, |index| self.marks[index].1)
    }
}

/// The canonical spelling of `text`.
///
/// # Errors
/// [`ParseFault::Limit`] for brackets too deep, [`ParseFault::Hedge`] for words
/// of doubt and question marks, [`ParseFault::Unparsed`] for what no table
/// knows and for brackets that do not match.
pub(super) fn normalise(text: &str, limits: &ParseLimits) -> Result<Canonical, ParseFault> {
    let dollars = text.matches('$').count() - text.matches("\\$").count();
    let mut writer = Writer {
        source: text,
        at: 0,
        out: Canonical::default(),
        open: Vec::new(),
        previous: Previous::Start,
        gap: false,
        functions: 0,
        depth: limits.depth,
        axes: vectors::has_axes(text),
        // A pair of dollars delimits, a single one is a currency.
        delimiters: dollars.is_multiple_of(2),
    };
    while let Some(c) = writer.rest().chars().next() {
        writer.one(c)?;
    }
    match writer.open.is_empty() {
        true => Ok(writer.out),
        false => Err(writer.fault()),
    }
}

/// What was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Previous {
    Start,
    Operand,
    /// A run of digits.
    Digits,
    Operator,
    Command,
}

pub(super) struct Writer<'t> {
    pub(super) source: &'t str,
    pub(super) at: usize,
    pub(super) out: Canonical,
    pub(super) open: Vec<char>,
    pub(super) previous: Previous,
    pub(super) gap: bool,
    /// How many function names follow each other.
    pub(super) functions: usize,
    pub(super) depth: usize,
    pub(super) delimiters: bool,
    /// Whether decorated letters are unit vectors.
    pub(super) axes: bool,
}

impl<'t> Writer<'t> {
    pub(super) fn rest(&self) -> &'t str {
        &self.source[self.at..]
    }

    pub(super) fn fault(&self) -> ParseFault {
        ParseFault::Unparsed { at: self.at }
    }

    /// Reads one token of the source.
    pub(super) fn one(&mut self, c: char) -> Result<(), ParseFault> {
        match c {
            '0'..='9' => self.digits(),
            '\\' => self.command(),
            '?' | '？' => Err(ParseFault::Hedge),
            '$' if self.delimiters => self.skip(1, true),
            '~' => self.skip(1, true),
            '\'' if self.rest().starts_with("''") => {
                self.put("''", Previous::Operand)?;
                self.skip(2, false)
            }
            ',' => self.comma(),
            '.' => self.point(),
            '<' | '>' | '!' | '=' | '*' => self.pair(c),
            '^' => self.script(),
            '_' => self.subscript(),
            '√' | '∛' => self.radical(c),
            '{' if self.rest().starts_with("{}") && !self.out.text.ends_with(['^', '_']) => {
                self.skip(2, false)
            }
            '{' if self.rest().starts_with("{,}") => self.comma(),
            '&' if self.open.contains(&'b') || self.open.contains(&'c') => {
                self.put("&", Previous::Operator)?;
                self.skip(1, false)
            }
            c if c.is_whitespace() => self.skip(c.len_utf8(), true),
            c if c.is_ascii_alphabetic() => self.letters(),
            c => self.character(c),
        }
    }

    pub(super) fn skip(&mut self, bytes: usize, gap: bool) -> Result<(), ParseFault> {
        self.at += bytes;
        self.gap |= gap;
        Ok(())
    }

    /// Writes a token, with a space where it would merge with the last one.
    pub(super) fn put(&mut self, token: &str, previous: Previous) -> Result<(), ParseFault> {
        let last = self.out.text.bytes().next_back();
        let first = token.bytes().next();
        let alphanumeric = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        let gap = self.gap
            && (alphanumeric(last)
                || matches!(last, Some(b',' | b'.'))
                || !last.is_none_or(|b| b.is_ascii()));
        let merges =
            self.previous == Previous::Command && first.is_some_and(|b| b.is_ascii_alphabetic());
        if (gap && alphanumeric(first)) || merges {
            self.out.text.push(' ');
        }
        self.out.marks.push((self.out.text.len(), self.at));
        self.out.text.push_str(token);
        self.gap = false;
        self.previous = previous;
        self.functions = 0;
        Ok(())
    }

    pub(super) fn symbol(&mut self, symbol: Symbol, bytes: usize) -> Result<(), ParseFault> {
        let mut buffer = [0; 4];
        match symbol {
            Symbol::Operand(c) => self.put(c.encode_utf8(&mut buffer), Previous::Operand)?,
            Symbol::Operator(c) => self.put(c.encode_utf8(&mut buffer), Previous::Operator)?,
            Symbol::Open(c) => self.open(c)?,
            Symbol::Close(c) => self.close(c)?,
            Symbol::AbsOpen => self.open('⟦')?,
            Symbol::AbsClose => self.close('⟧')?,
            Symbol::Bar => self.bar()?,
            Symbol::Command(name) => {
                self.put(name, Previous::Command)?;
                if name == "\\pmod" {
                    // `\pmod 5`
                    self.gap = false;
                }
            }
            Symbol::Function(name) => {
                let functions = self.functions + 1;
                self.put(name, Previous::Command)?;
                self.functions = functions;
                if self.open.len() + functions > self.depth {
                    return Err(ParseFault::Limit);
                }
            }
            Symbol::Nothing => {}
            Symbol::Space => self.gap = true,
            Symbol::Modulus => self.modulus()?,
            Symbol::Text
            | Symbol::OperatorName
            | Symbol::Blackboard
            | Symbol::Overline
            | Symbol::Begin
            | Symbol::End => return self.with_group(symbol, bytes),
        }
        self.at += bytes;
        Ok(())
    }

    pub(super) fn open(&mut self, c: char) -> Result<(), ParseFault> {
        self.open.push(c);
        if self.open.len() > self.depth {
            return Err(ParseFault::Limit);
        }
        let mut buffer = [0; 4];
        self.put(c.encode_utf8(&mut buffer), Previous::Start)
    }

    pub(super) fn close(&mut self, c: char) -> Result<(), ParseFault> {
        let c = match (self.open.pop(), c) {
            (Some('m'), ')') => '}',
            (Some('A'), ')') => '⟧',
            (Some('F'), ')') => '⌋',
            (Some('K'), ')') => '⌉',
            (Some('(' | '['), ')' | ']')
            | (Some('{'), '}')
            | (Some('⦃'), '⦄')
            | (Some('⟦'), '⟧')
            | (Some('⟨'), '⟩')
            | (Some('⌊'), '⌋')
            | (Some('⌈'), '⌉') => c,
            _ => return Err(self.fault()),
        };
        let mut buffer = [0; 4];
        self.put(c.encode_utf8(&mut buffer), Previous::Operand)
    }

    /// `|` closes what is open and has something in it, else it opens; after
    /// the variable of a set it means "such that".
    pub(super) fn bar(&mut self) -> Result<(), ParseFault> {
        let operand = matches!(self.previous, Previous::Operand | Previous::Digits);
        match (self.open.last(), operand) {
            (Some('⟦'), true) => self.close('⟧'),
            (Some('⦃'), true) if !self.rest()[1..].contains('|') => {
                self.put("∣", Previous::Operator)
            }
            _ => self.open('⟦'),
        }
    }

    /// `\bmod`, and `(\bmod 5)` as `\pmod{5}`.
    pub(super) fn modulus(&mut self) -> Result<(), ParseFault> {
        if self.out.text.ends_with('(') {
            self.out.text.pop();
            self.open.pop();
            self.open.push('m');
            self.put("\\pmod{", Previous::Start)
        } else {
            self.put("\\bmod", Previous::Command)
        }
    }

    /// A run of digits, joined with the groups of thousands after it that only
    /// layout separates.
    pub(super) fn digits(&mut self) -> Result<(), ParseFault> {
        let rest = self.rest();
        let mut end = run(rest, |c| c.is_ascii_digit());
        let fresh = !matches!(
            self.out.text.chars().next_back(),
            Some('.' | ',' | '^' | '_' | '0'..='9')
        ) || (self.gap && self.out.text.ends_with(','));
        let mut number = rest[..end].to_owned();
        if fresh && end <= 3 && !rest.starts_with('0') {
            while let Some((digits, taken)) = next_group(&rest[end..]) {
                number.push_str(digits);
                end += taken;
            }
        }
        // `2^6 3^5` and `3!3!` are products; `2 3`, `2^6 3` and `3!3` are none.
        // The degrees of `\sin^2 15^\circ` are no power.
        let raised = rest[end..].trim_start().strip_prefix('^');
        let is_power = raised.is_some_and(|script| !is_degree(script));
        let after = rest[end..].trim_start();
        let is_factorial = after.starts_with('!') && !after.starts_with("!=");
        if is_power && self.ends_with_power() || is_factorial && self.out.text.ends_with('!') {
            self.put("*", Previous::Operator)?;
        }
        self.put(&number, Previous::Digits)?;
        self.at += end;
        Ok(())
    }

    /// Whether the last operand is a power that no digit can continue.
    fn ends_with_power(&self) -> bool {
        let text = &self.out.text;
        let Some(inside) = text.strip_suffix('}') else {
            let mut last = text.chars().rev();
            return self.gap
                && last.next().is_some_and(char::is_alphanumeric)
                && last.next() == Some('^');
        };
        let mut depth = 1_usize;
        for (at, c) in inside.char_indices().rev() {
            match c {
                '}' => depth += 1,
                '{' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return inside[..at].ends_with('^');
            }
        }
        false
    }

    /// A comma; `{,}` and `,\!` that separate no thousands are plain ones.
    pub(super) fn comma(&mut self) -> Result<(), ParseFault> {
        self.put(",", Previous::Operator)?;
        let bytes = if self.rest().starts_with('{') { 3 } else { 1 };
        self.skip(bytes, false)
    }

    /// A point stands in a number, or ends the text.
    pub(super) fn point(&mut self) -> Result<(), ParseFault> {
        let rest = self.rest();
        if rest.starts_with("...") {
            self.put("…", Previous::Operand)?;
            return self.skip(run(rest, |c| c == '.'), false);
        }
        let next = rest[1..].chars().next();
        let in_number = next.is_some_and(|c| c.is_ascii_digit() || matches!(c, '\\' | '(' | '…'))
            || (self.previous == Previous::Digits && next.is_some());
        // "2 . 3" and "2. 3" are no numbers.
        if in_number
            && self.gap
            && self.previous != Previous::Operator
            && self.previous != Previous::Start
        {
            return Err(self.fault());
        }
        if in_number {
            self.put(".", Previous::Digits)?;
            return self.skip(1, false);
        }
        match rest[1..].trim().is_empty() || rest[1..].trim().bytes().all(|b| b == b'$') {
            true => self.skip(1, true),
            false => Err(self.fault()),
        }
    }

    /// `<=`, `>=`, `!=`, `==`, `**`.
    pub(super) fn pair(&mut self, c: char) -> Result<(), ParseFault> {
        let symbol = match &self.rest().as_bytes()[..self.rest().len().min(2)] {
            b"<=" => "≤",
            b">=" => "≥",
            b"!=" => "≠",
            b"==" => "=",
            b"**" => return self.python_power(),
            _ => return self.character(c),
        };
        self.put(symbol, Previous::Operator)?;
        self.skip(2, false)
    }

    /// `x**10` takes the whole number.
    pub(super) fn python_power(&mut self) -> Result<(), ParseFault> {
        let after = &self.rest()[2..];
        let digits = run(after, |c| c.is_ascii_digit());
        match digits {
            0 => self.put("^", Previous::Operator)?,
            n => {
                let group = format!("^{{{}}}", &after[..n]);
                self.put(&group, Previous::Operand)?;
            }
        }
        self.skip(2 + digits, false)
    }

    /// `^`, with `^\circ` and `^\prime` as marks.
    pub(super) fn script(&mut self) -> Result<(), ParseFault> {
        let rest = self.rest()[1..].trim_start();
        let braced = rest.starts_with('{');
        let inner = rest.trim_start_matches(['{', ' ']);
        for (name, mark) in [
            ("\\circ", "°"),
            ("\\degree", "°"),
            ("\\prime", "'"),
            ("°", "°"),
            ("o}", "°"),
            ("o", "°"),
        ] {
            let Some(after) = inner.strip_prefix(name) else {
                continue;
            };
            let after = match (braced, name) {
                (true, "o}") | (false, _) => after,
                (true, _) => match after.trim_start().strip_prefix('}') {
                    Some(after) => after,
                    None => break,
                },
            };
            let degree = name == "o" && self.previous == Previous::Digits;
            if !braced
                && (name == "o}"
                    || name == "o" && !degree
                    || after.starts_with(|c: char| c.is_ascii_alphabetic()))
            {
                continue;
            }
            self.put(mark, Previous::Operand)?;
            self.at = self.source.len() - after.len();
            return Ok(());
        }
        self.put("^", Previous::Operator)?;
        self.skip(1, false)
    }

    /// The token at a backslash.
    pub(super) fn command(&mut self) -> Result<(), ParseFault> {
        let rest = self.rest();
        if self.axes
            && let Some((axis, bytes)) = vectors::axis(rest)
        {
            self.put(axis, Previous::Operand)?;
            return self.skip(bytes, false);
        }
        let name = &rest[1..1 + run(&rest[1..], |c| c.is_ascii_alphabetic())];
        if !name.is_empty() {
            let (symbol, bytes) = symbols::command(name)
                .map(|symbol| (symbol, name.len()))
                .or_else(|| symbols::glued(name))
                .ok_or_else(|| self.fault())?;
            return self.symbol(symbol, 1 + bytes);
        }
        match rest[1..].chars().next() {
            Some('{') => self.symbol(Symbol::Open('⦃'), 2),
            Some('}') => self.symbol(Symbol::Close('⦄'), 2),
            Some('%') => self.symbol(Symbol::Operand('%'), 2),
            Some('$') => self.symbol(Symbol::Operator('$'), 2),
            Some('_') => self.symbol(Symbol::Operator('_'), 2),
            Some(',' | ':' | ';' | ' ' | '\n' | '(' | ')' | '[' | ']') => self.skip(2, true),
            Some('!') => self.skip(2, false),
            Some('\\') if matches!(self.open.last(), Some('b' | 'c')) => {
                self.put("\\\\", Previous::Operator)?;
                self.skip(2, false)
            }
            // `\\frac`, escaped once too often.
            Some('\\') if known_command(&rest[2..]) => self.skip(1, false),
            _ => Err(self.fault()),
        }
    }
}

/// Whether the text begins with a command that only lacks its backslash.
fn known_command(rest: &str) -> bool {
    let name = &rest[..run(rest, |c| c.is_ascii_alphabetic())];
    name.len() > 1 && symbols::command(name).is_some()
}

/// The next three digits of a number after layout that only groups: `{,}`,
/// `,\!`, `\,` or a space; not where a mixed number may follow.
fn next_group(rest: &str) -> Option<(&str, usize)> {
    let gaps: &[&str] = &[
        "{,}", ",\\! ", ",\\!", ", \\! ", ", \\!", "\\,", "\\:", "\\;", "\\ ", " ", "~",
        "\u{2009}", "\u{202f}", "\u{a0}",
    ];
    let gap = match gaps.iter().find(|gap| rest.starts_with(**gap)) {
        // `14 {, }916`: blanks print nothing round a comma in braces.
        Some(&" ") | None => {
            spaced_group_comma(rest).or_else(|| rest.starts_with(' ').then_some(" "))?
        }
        Some(gap) => gap,
    };
    let digits = &rest[gap.len()..];
    let count = run(digits, |c| c.is_ascii_digit());
    let fraction = digits[count..].trim_start().starts_with('/') && !gap.contains(',');
    (count == 3 && !fraction).then(|| (&digits[..3], gap.len() + 3))
}

/// A comma in braces with blanks round it and in it.
fn spaced_group_comma(rest: &str) -> Option<&str> {
    let inside = rest.trim_start_matches(' ').strip_prefix('{')?;
    let after = inside
        .trim_start_matches(' ')
        .strip_prefix(',')?
        .trim_start_matches(' ')
        .strip_prefix('}')?
        .trim_start_matches(' ');
    Some(&rest[..rest.len() - after.len()])
}

/// The length in bytes of the longest prefix whose characters all satisfy `is`.
pub(super) fn run(text: &str, is: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is(c)).unwrap_or(text.len())
}

/// Whether a script is a degree sign.
fn is_degree(script: &str) -> bool {
    let script = script.trim_start().trim_start_matches(['{', ' ']);
    script.starts_with("\\circ") || script.starts_with('°')
}
