//! Any spelling in, the canonical one out: one linear pass.
//!
//! Layout is dropped, commands become single characters, look-alikes become
//! ASCII, words become functions, units or refusals, and `|` becomes an opening
//! or closing bracket. Brackets are matched and their depth is bounded here, so
//! that the grammar's recursion is.

use unicode_normalization::char::decompose_compatible;

use super::super::anchors::is_hedge;
use super::super::scan::fold;
use super::super::units::unit;
use super::symbols::{self, Symbol};
use super::words::{is_counted, is_doubt, may_be_product};
use super::{ParseFault, ParseLimits};

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
        // A pair of dollars delimits, a single one is a currency.
        delimiters: dollars % 2 == 0,
        latex: text.contains(['\\', '{']),
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
enum Previous {
    Start,
    Operand,
    /// A run of digits.
    Digits,
    Operator,
    Command,
}

struct Writer<'t> {
    source: &'t str,
    at: usize,
    out: Canonical,
    open: Vec<char>,
    previous: Previous,
    gap: bool,
    /// How many function names follow each other.
    functions: usize,
    depth: usize,
    delimiters: bool,
    latex: bool,
}

impl<'t> Writer<'t> {
    fn rest(&self) -> &'t str {
        &self.source[self.at..]
    }

    fn fault(&self) -> ParseFault {
        ParseFault::Unparsed { at: self.at }
    }

    /// Reads one token of the source.
    fn one(&mut self, c: char) -> Result<(), ParseFault> {
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
            '√' | '∛' => self.radical(c),
            '{' if self.rest().starts_with("{}") && !self.out.text.ends_with(['^', '_']) => {
                self.skip(2, false)
            }
            '{' if self.rest().starts_with("{,}") => self.comma(),
            '&' if self.open.contains(&'b') => {
                self.put("&", Previous::Operator)?;
                self.skip(1, false)
            }
            c if c.is_whitespace() => self.skip(c.len_utf8(), true),
            c if c.is_ascii_alphabetic() => self.letters(),
            c => self.character(c),
        }
    }

    fn skip(&mut self, bytes: usize, gap: bool) -> Result<(), ParseFault> {
        self.at += bytes;
        self.gap |= gap;
        Ok(())
    }

    /// Writes a token, with a space where it would merge with the last one.
    fn put(&mut self, token: &str, previous: Previous) -> Result<(), ParseFault> {
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

    fn symbol(&mut self, symbol: Symbol, bytes: usize) -> Result<(), ParseFault> {
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

    fn open(&mut self, c: char) -> Result<(), ParseFault> {
        self.open.push(c);
        if self.open.len() > self.depth {
            return Err(ParseFault::Limit);
        }
        let mut buffer = [0; 4];
        self.put(c.encode_utf8(&mut buffer), Previous::Start)
    }

    fn close(&mut self, c: char) -> Result<(), ParseFault> {
        let c = match (self.open.pop(), c) {
            (Some('m'), ')') => '}',
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
    fn bar(&mut self) -> Result<(), ParseFault> {
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
    fn modulus(&mut self) -> Result<(), ParseFault> {
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
    fn digits(&mut self) -> Result<(), ParseFault> {
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
        self.put(&number, Previous::Digits)?;
        self.at += end;
        Ok(())
    }

    /// A comma; `{,}` and `,\!` that separate no thousands are plain ones.
    fn comma(&mut self) -> Result<(), ParseFault> {
        self.put(",", Previous::Operator)?;
        let bytes = if self.rest().starts_with('{') { 3 } else { 1 };
        self.skip(bytes, false)
    }

    /// A point stands in a number, or ends the text.
    fn point(&mut self) -> Result<(), ParseFault> {
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
    fn pair(&mut self, c: char) -> Result<(), ParseFault> {
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
    fn python_power(&mut self) -> Result<(), ParseFault> {
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
    fn script(&mut self) -> Result<(), ParseFault> {
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

    /// `√12` takes the whole number, unlike `\sqrt 12`.
    fn radical(&mut self, c: char) -> Result<(), ParseFault> {
        let name = if c == '√' { "\\sqrt" } else { "\\sqrt[3]" };
        self.put(name, Previous::Command)?;
        self.at += c.len_utf8();
        let digits = run(self.rest(), |c| c.is_ascii_digit());
        if digits > 1 {
            let group = format!("{{{}}}", &self.rest()[..digits]);
            self.put(&group, Previous::Operand)?;
            self.at += digits;
        }
        Ok(())
    }

    /// The token at a backslash.
    fn command(&mut self) -> Result<(), ParseFault> {
        let rest = self.rest();
        let name = &rest[1..1 + run(&rest[1..], |c| c.is_ascii_alphabetic())];
        if !name.is_empty() {
            let symbol = symbols::command(name).ok_or_else(|| self.fault())?;
            if name == "cbrt" {
                return Err(self.fault());
            }
            return self.symbol(symbol, 1 + name.len());
        }
        match rest[1..].chars().next() {
            Some('{') => self.symbol(Symbol::Open('⦃'), 2),
            Some('}') => self.symbol(Symbol::Close('⦄'), 2),
            Some('%') => self.symbol(Symbol::Operand('%'), 2),
            Some('$') => self.symbol(Symbol::Operator('$'), 2),
            Some('_') => self.symbol(Symbol::Operator('_'), 2),
            Some(',' | ':' | ';' | ' ' | '\n' | '(' | ')' | '[' | ']') => self.skip(2, true),
            Some('!') => self.skip(2, false),
            Some('\\') if self.open.last() == Some(&'b') => {
                self.put("\\\\", Previous::Operator)?;
                self.skip(2, false)
            }
            _ => Err(self.fault()),
        }
    }

    /// Commands whose group is no mathematics.
    fn with_group(&mut self, symbol: Symbol, bytes: usize) -> Result<(), ParseFault> {
        let rest = &self.rest()[bytes..];
        let rest = rest.strip_prefix('*').unwrap_or(rest);
        let Some((inside, after)) = group(rest) else {
            // `\mathbb R`, `\rm cm`, `\overline z`.
            let trimmed = rest.trim_start();
            return match (symbol, trimmed.chars().next()) {
                (Symbol::Overline, Some(c)) if c.is_ascii_alphabetic() => {
                    let token = format!("\\conj{{{c}}}");
                    self.put(&token, Previous::Operand)?;
                    self.at = self.source.len() - trimmed.len() + 1;
                    Ok(())
                }
                (Symbol::Blackboard, Some(c)) if c.is_ascii_alphabetic() => {
                    self.blackboard(&trimmed[..1])?;
                    self.at = self.source.len() - trimmed.len() + 1;
                    Ok(())
                }
                _ => Err(self.fault()),
            };
        };
        let end = self.source.len() - after.len();
        match symbol {
            Symbol::Text => self.text(inside)?,
            Symbol::OperatorName => {
                let name = symbols::word(inside.trim()).ok_or_else(|| self.fault())?;
                self.symbol(name, 0)?;
            }
            Symbol::Blackboard => self.blackboard(inside.trim())?,
            Symbol::Begin => {
                self.open.push('b');
                if self.open.len() > self.depth {
                    return Err(ParseFault::Limit);
                }
                let token = format!("\\begin{{{}}}", inside.trim());
                self.put(&token, Previous::Start)?;
                // The columns of an array.
                if let Some((columns, after)) = group(after).filter(|_| inside.trim() == "array") {
                    let columns: String = columns
                        .chars()
                        .filter(|c| matches!(c, 'c' | 'l' | 'r'))
                        .collect();
                    let token = format!("{{{columns}}}");
                    self.put(&token, Previous::Start)?;
                    self.at = self.source.len() - after.len();
                    return Ok(());
                }
            }
            Symbol::End => {
                if self.open.pop() != Some('b') {
                    return Err(self.fault());
                }
                let token = format!("\\end{{{}}}", inside.trim());
                self.put(&token, Previous::Operand)?;
            }
            _ => return self.overline(inside, rest.len() - after.len() + bytes),
        }
        self.at = end;
        Ok(())
    }

    /// `0.\overline{3}`, `\overline{CD}`, `\overline{1+2i}`.
    fn overline(&mut self, inside: &str, _bytes: usize) -> Result<(), ParseFault> {
        let inside = inside.trim();
        let skipped = self.rest().find('{').ok_or_else(|| self.fault())?;
        if inside.bytes().all(|b| b.is_ascii_digit()) && self.previous == Previous::Digits {
            let token = format!("\\overline{{{inside}}}");
            self.put(&token, Previous::Digits)?;
            self.at += skipped
                + group(&self.rest()[skipped..])
                    .map_or(0, |(_, after)| self.rest().len() - skipped - after.len());
            return Ok(());
        }
        if inside.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.fault());
        }
        let segment = inside.len() == 2 && inside.bytes().all(|b| b.is_ascii_uppercase());
        let name = if segment { "\\segment" } else { "\\conj" };
        self.put(name, Previous::Command)?;
        // Its group is read on.
        self.at += skipped;
        Ok(())
    }

    fn blackboard(&mut self, letter: &str) -> Result<(), ParseFault> {
        let c = symbols::blackboard(letter).ok_or_else(|| self.fault())?;
        self.symbol(Symbol::Operand(c), 0)
    }

    /// The content of `\text{…}`.
    fn text(&mut self, inside: &str) -> Result<(), ParseFault> {
        let flat: String = inside
            .chars()
            .filter(|c| !matches!(c, '$' | '{' | '}' | '\\' | '~'))
            .collect();
        let mut words = flat.trim();
        if inside.contains('\\') && !matches!(words, "%" | "") {
            return Err(self.fault());
        }
        if words.contains(['?', '？']) {
            return Err(ParseFault::Hedge);
        }
        while let Some(rest) = words.strip_prefix([',', ';']) {
            self.put(",", Previous::Operator)?;
            words = rest.trim_start();
        }
        let comma = words.ends_with([',', ';']);
        words = words.trim_end_matches([',', ';', ' ']);
        let lower = words.to_lowercase();
        let after_number = matches!(self.previous, Previous::Digits | Previous::Operand);
        match lower.as_str() {
            "" => self.gap = true,
            "%" | "percent" | "per cent" | "pct" | "percentage" if after_number => {
                self.put("%", Previous::Operand)?
            }
            "degrees" | "degree" | "deg" | "度" | "°" if after_number => {
                self.put("°", Previous::Operand)?
            }
            "e" | "i" | "π" if words == lower => {
                let letter = words.to_owned();
                self.put(&letter, Previous::Operand)?;
            }
            _ => {
                if let Some(Symbol::Operator(c @ ('∧' | '∨'))) = symbols::word(words) {
                    self.symbol(Symbol::Operator(c), 0)?;
                } else if let Some(name) = symbols::function(words) {
                    self.symbol(name, 0)?;
                } else if self.scaled(words)? {
                } else if words.split(|c: char| !c.is_alphabetic()).any(is_doubt)
                    && unit(words, 1).is_none()
                {
                    return Err(ParseFault::Hedge);
                } else {
                    let token = format!(
                        "\\text{{{}}}",
                        words.split_whitespace().collect::<Vec<_>>().join(" ")
                    );
                    self.put(&token, Previous::Operand)?;
                }
            }
        }
        if comma {
            self.put(",", Previous::Operator)?;
        }
        Ok(())
    }

    /// `5 million`, with words after it.
    fn scaled(&mut self, words: &str) -> Result<bool, ParseFault> {
        let (first, more) = words.split_once(' ').unwrap_or((words, ""));
        let Some(factor) = symbols::scale(first).filter(|_| self.previous == Previous::Digits)
        else {
            return Ok(false);
        };
        let token = format!("*{factor}");
        self.gap = false;
        self.put(&token, Previous::Digits)?;
        if !more.is_empty() {
            let token = format!("\\text{{{more}}}");
            self.put(&token, Previous::Operand)?;
        }
        Ok(true)
    }

    /// A run of ASCII letters: a variable, a function, a unit, a word.
    fn letters(&mut self) -> Result<(), ParseFault> {
        let rest = self.rest();
        let end = run(rest, |c| c.is_ascii_alphabetic());
        let word = &rest[..end];
        let single = word.len() == 1;
        if single && !matches!(word, "U") {
            self.put(word, Previous::Operand)?;
            return self.skip(1, false);
        }
        if word == "cbrt" {
            self.put("\\sqrt[3]", Previous::Command)?;
            return self.skip(end, false);
        }
        // `FF_{16}`
        if word.bytes().all(|b| b.is_ascii_uppercase()) && rest[end..].starts_with('_') {
            self.put(word, Previous::Operand)?;
            return self.skip(end, false);
        }
        if let Some(taken) = self.unit_words(rest)? {
            return self.skip(taken, false);
        }
        if let Some(symbol) =
            symbols::word(word).filter(|s| *s != Symbol::Operator('∪') || !single || self.gap)
        {
            return self.symbol(symbol, end);
        }
        if single {
            self.put(word, Previous::Operand)?;
            return self.skip(1, false);
        }
        // `sinx`
        let (most, last) = word.split_at(word.len() - 1);
        if let Some(function) = symbols::function(most).filter(|_| most.len() > 1) {
            self.symbol(function, most.len())?;
            self.put(last, Previous::Operand)?;
            return self.skip(1, false);
        }
        if matches!(word, "abs" | "floor" | "ceil") {
            return Err(self.fault());
        }
        if is_hedge(word) {
            return Err(ParseFault::Hedge);
        }
        // `f(x)`, `1.5e3` and the like are the grammar's business.
        let glued = self.previous == Previous::Digits && !self.gap;
        // `5 foo` is no product.
        let operand = matches!(self.previous, Previous::Operand | Previous::Digits);
        if word.len() > 2 && self.gap && operand {
            return Err(self.fault());
        }
        if !(may_be_product(word) || glued && may_be_product(&word[1..])) {
            return Err(self.fault());
        }
        self.put(word, Previous::Operand)?;
        self.skip(end, false)
    }

    /// Units, percent and scale words in plain text after a number.
    fn unit_words(&mut self, rest: &str) -> Result<Option<usize>, ParseFault> {
        /// "square centimeters", "miles per gallon"
        const WORDS: usize = 3;
        if !matches!(self.previous, Previous::Digits | Previous::Operand) {
            return Ok(None);
        }
        let mut ends = Vec::with_capacity(WORDS);
        let mut at = 0;
        while ends.len() < WORDS {
            let end = at
                + run(&rest[at..], |c| {
                    c.is_alphabetic() || c == '.' && at > 0 && false
                });
            if end == at {
                break;
            }
            ends.push(end);
            at = end + run(&rest[end..], |c| c == ' ');
            if at == end {
                break;
            }
        }
        for end in ends.into_iter().rev() {
            let words = &rest[..end];
            let joined: String = words.split_whitespace().collect();
            let lower = joined.to_ascii_lowercase();
            let number = self.previous == Previous::Digits
                || !self.out.text.ends_with(|c: char| c.is_alphabetic());
            // `mi n` is no minute.
            let whole = words == joined
                || words.split_whitespace().all(|word| word.chars().count() > 1);
            let known = unit(&joined, 1).is_some() && joined.len() > 1 && number && whole;
            match lower.as_str() {
                "percent" | "pct" | "percentage" => self.put("%", Previous::Operand)?,
                "degrees" | "degree" | "deg" | "度" => self.put("°", Previous::Operand)?,
                _ if known || (number && is_counted(words)) => {
                    self.gap = false;
                    let token = format!("\\text{{{words}}}");
                    self.put(&token, Previous::Operand)?;
                }
                _ => {
                    if words.contains(' ') || !self.scaled(words)? {
                        continue;
                    }
                }
            }
            return Ok(Some(end));
        }
        Ok(None)
    }

    /// Any other character.
    fn character(&mut self, c: char) -> Result<(), ParseFault> {
        if let Some(symbol) = symbols::character(c) {
            return self.symbol(symbol, c.len_utf8());
        }
        if c.is_ascii() {
            return Err(self.fault());
        }
        for (of, open) in [
            (symbols::superscript as fn(char) -> Option<char>, "^{"),
            (symbols::subscript, "_{"),
        ] {
            if of(c).is_some() {
                let rest = self.rest();
                let end = run(rest, |c| of(c).is_some());
                let inside: String = rest[..end].chars().filter_map(of).collect();
                let token = format!("{open}{inside}}}");
                if inside.contains(['(', ')']) {
                    return Err(self.fault());
                }
                self.put(&token, Previous::Operand)?;
                return self.skip(end, false);
            }
        }
        if let Some(fraction) = symbols::vulgar(c) {
            let token = format!("\\frac{fraction}");
            self.put(&token, Previous::Operand)?;
            return self.skip(c.len_utf8(), false);
        }
        if ('α'..='ω').contains(&c) || "ϑϕΓΔΘΛΞΠΣΦΨΩℓ".contains(c) {
            return self.symbol(Symbol::Operand(c), c.len_utf8());
        }
        // Chinese and other words.
        let end = run(self.rest(), |c| !c.is_ascii() && c.is_alphabetic());
        let word = &self.rest()[..end];
        if end > 0 && word.chars().all(|c| ('\u{2fff}'..'\u{ff00}').contains(&c)) {
            self.text(word)?;
            return self.skip(end, false);
        }
        self.look_alike(c)
    }

    /// What phase one folds, and compatibility characters: `１`, `（`, `𝑥`, `٤`.
    fn look_alike(&mut self, c: char) -> Result<(), ParseFault> {
        let mut buffer = [0; 4];
        let folded = fold(c.encode_utf8(&mut buffer)).into_owned();
        let mut plain = match folded.chars().next() {
            None => return self.skip(c.len_utf8(), false),
            Some('~' | ' ') => return self.skip(c.len_utf8(), true),
            Some(first) => first,
        };
        if !plain.is_ascii() {
            decompose_compatible(c, |d| plain = d);
        }
        match plain {
            '0'..='9' => {
                // Digits of other scripts join one number.
                let mut digit = [0; 4];
                let previous = self.previous;
                let joins = previous == Previous::Digits && !self.gap;
                self.put(plain.encode_utf8(&mut digit), Previous::Digits)?;
                let _ = joins;
                self.skip(c.len_utf8(), false)
            }
            '.' | ',' | '?' => {
                match plain {
                    '?' => return Err(ParseFault::Hedge),
                    ',' => self.put(",", Previous::Operator)?,
                    _ if self.rest()[c.len_utf8()..].trim().is_empty() => {}
                    _ => self.put(".", Previous::Digits)?,
                }
                self.skip(c.len_utf8(), false)
            }
            'a'..='z' | 'A'..='Z' => {
                let mut letter = [0; 4];
                self.put(plain.encode_utf8(&mut letter), Previous::Operand)?;
                self.skip(c.len_utf8(), false)
            }
            plain if plain != c => {
                let symbol = symbols::character(plain)
                    .or_else(|| {
                        ('α'..='ω')
                            .contains(&plain)
                            .then_some(Symbol::Operand(plain))
                    })
                    .ok_or_else(|| self.fault())?;
                self.symbol(symbol, c.len_utf8())
            }
            _ => Err(self.fault()),
        }
    }
}

/// The next three digits of a number after layout that only groups: `{,}`,
/// `,\!`, `\,` or a space; not where a mixed number may follow.
fn next_group(rest: &str) -> Option<(&str, usize)> {
    let gaps: &[&str] = &[
        "{,}", ",\\! ", ",\\!", ", \\! ", ", \\!", "\\,", "\\:", "\\;", "\\ ", " ", "~",
        "\u{2009}", "\u{202f}", "\u{a0}",
    ];
    let gap = gaps.iter().find(|gap| rest.starts_with(**gap))?;
    let digits = &rest[gap.len()..];
    let count = run(digits, |c| c.is_ascii_digit());
    let fraction = digits[count..].trim_start().starts_with('/') && !gap.contains(',');
    (count == 3 && !fraction).then(|| (&digits[..3], gap.len() + 3))
}

/// A balanced `{…}` after spaces, and what follows it.
fn group(rest: &str) -> Option<(&str, &str)> {
    let inside = rest.trim_start().strip_prefix('{')?;
    let mut depth = 1_usize;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inside[..at], &inside[at + 1..]));
        }
    }
    None
}

/// The length in bytes of the longest prefix whose characters all satisfy `is`.
fn run(text: &str, is: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is(c)).unwrap_or(text.len())
}
