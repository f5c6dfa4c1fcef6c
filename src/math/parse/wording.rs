//! Commands whose group is words, and words in plain text: units, functions,
//! separators, refusals.

use super::super::anchors::is_hedge;
use super::super::units::unit;
use super::ParseFault;
use super::labels;
use super::labels::names_things;
use super::normalise::{Previous, Writer, run};
use super::symbols::{self, Symbol};
use super::words::{is_classifier, is_doubt, may_be_product};

impl Writer<'_> {
    /// Commands whose group is no mathematics.
    pub(super) fn with_group(&mut self, symbol: Symbol, bytes: usize) -> Result<(), ParseFault> {
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
                (Symbol::Overline, Some('\\')) => {
                    let length = run(&trimmed[1..], |c| c.is_ascii_alphabetic());
                    let letter =
                        symbols::greek(&trimmed[1..=length]).ok_or_else(|| self.fault())?;
                    let token = format!("\\conj{{{letter}}}");
                    self.put(&token, Previous::Operand)?;
                    self.at = self.source.len() - trimmed.len() + 1 + length;
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
                let name = environment(inside);
                self.open.push(if name == "cases" { 'c' } else { 'b' });
                if self.open.len() > self.depth {
                    return Err(ParseFault::Limit);
                }
                let token = format!("\\begin{{{name}}}");
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
                if !matches!(self.open.pop(), Some('b' | 'c')) {
                    return Err(self.fault());
                }
                let token = format!("\\end{{{}}}", environment(inside));
                self.put(&token, Previous::Operand)?;
            }
            _ => return self.overline(inside, end),
        }
        self.at = end;
        Ok(())
    }

    /// `0.\overline{3}`, `\overline{CD}`, `\overline{1+2i}`.
    pub(super) fn overline(&mut self, inside: &str, end: usize) -> Result<(), ParseFault> {
        let inside = inside.trim();
        if inside.bytes().all(|b| b.is_ascii_digit()) && self.previous == Previous::Digits {
            let token = format!("\\overline{{{inside}}}");
            self.put(&token, Previous::Digits)?;
            self.at = end;
            return Ok(());
        }
        if inside.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.fault());
        }
        let segment = inside.len() == 2 && inside.bytes().all(|b| b.is_ascii_uppercase());
        let name = if segment { "\\segment" } else { "\\conj" };
        self.put(name, Previous::Command)?;
        // Its group is read on.
        self.at += self.rest().find('{').unwrap_or(0);
        Ok(())
    }

    pub(super) fn blackboard(&mut self, letter: &str) -> Result<(), ParseFault> {
        let c = symbols::blackboard(letter).ok_or_else(|| self.fault())?;
        self.symbol(Symbol::Operand(c), 0)
    }

    /// Words between the value of a branch and its condition: `\text{if }`,
    /// `\text{otherwise}`; what follows them is left.
    fn condition<'w>(&mut self, words: &'w str) -> Result<&'w str, ParseFault> {
        const OTHERWISE: [&str; 4] = ["otherwise", "else", "elsewhere", "in other cases"];
        let (first, more) = words.split_once(' ').unwrap_or((words, ""));
        let otherwise = OTHERWISE.contains(&words.trim_end_matches('.'));
        if !otherwise && !matches!(first, "if" | "for" | "when" | "where") {
            return Ok(words);
        }
        if !self.out.text.ends_with('&') {
            self.put("&", Previous::Operator)?;
        }
        if otherwise {
            self.put("⊤", Previous::Operand)?;
        }
        Ok(if otherwise { "" } else { more.trim() })
    }

    /// The content of `\text{…}`.
    pub(super) fn text(&mut self, inside: &str) -> Result<(), ParseFault> {
        let spelled = match self.previous {
            Previous::Digits | Previous::Operand => labels::without_commands(inside),
            _ => inside.into(),
        };
        let inside = spelled.as_ref();
        let flat: String = inside
            .chars()
            .filter(|c| !matches!(c, '$' | '{' | '}' | '\\' | '~'))
            .collect();
        let mut words = flat.trim();
        if self.open.last() == Some(&'c') {
            words = words.trim_start_matches([',', ' ']);
            let more = self.condition(words)?;
            if more.len() < words.len() && more.is_empty() {
                self.gap = true;
                return Ok(());
            }
            words = more;
        }
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
        if matches!(words, "C" | "F") && self.out.text.ends_with('°') {
            self.out.text.pop();
            let token = format!("\\text{{°{words}}}");
            return self.put(&token, Previous::Operand);
        }
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
                    // Written as a factor.
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
    pub(super) fn scaled(&mut self, words: &str) -> Result<bool, ParseFault> {
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
    pub(super) fn letters(&mut self) -> Result<(), ParseFault> {
        let rest = self.rest();
        let end = run(rest, |c| c.is_ascii_alphabetic());
        let word = &rest[..end];
        let single = word.len() == 1;
        if let Some((open, close)) = bracket_function(word)
            && rest[end..].starts_with('(')
        {
            self.open(open)?;
            // What its parenthesis closes.
            self.open.pop();
            self.open.push(close);
            return self.skip(end + 1, false);
        }
        if word == "x" && self.previous == Previous::Digits && self.is_times(&rest[1..]) {
            self.put("*", Previous::Operator)?;
            return self.skip(1, false);
        }
        // `k \in Z`
        if matches!(word, "Z" | "N" | "Q" | "R")
            && self.out.text.ends_with('∈')
            && !rest[1..].starts_with(['_', '^', '(', '\''])
        {
            self.blackboard(word)?;
            return self.skip(1, false);
        }
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
            symbols::word(word).filter(|_| !single || self.out.text.ends_with([')', ']', '⦄']))
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
        if is_hedge(word) {
            return Err(ParseFault::Hedge);
        }
        // The `ex` of `1.5ex` may be an exponent letter or a product.
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

    /// Whether an x behind a number is a sign of multiplication: `1.5x10^3`.
    fn is_times(&self, after: &str) -> bool {
        let ten = after.trim_start_matches(' ');
        (ten.len() < after.len()) == self.gap && (ten.starts_with("10^") || ten.starts_with("10**"))
    }

    /// Units, percent and scale words in plain text after a number.
    pub(super) fn unit_words(&mut self, rest: &str) -> Result<Option<usize>, ParseFault> {
        /// "square centimeters", "miles per gallon"
        const WORDS: usize = 3;
        if !matches!(self.previous, Previous::Digits | Previous::Operand) {
            return Ok(None);
        }
        let mut ends = Vec::with_capacity(WORDS);
        let mut at = 0;
        while ends.len() < WORDS {
            let end = at + run(&rest[at..], |c| c.is_alphabetic());
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
                || words
                    .split_whitespace()
                    .all(|word| word.chars().count() > 1);
            let known = unit(&joined, 1).is_some() && joined.len() > 1 && number && whole;
            match lower.as_str() {
                "percent" | "pct" | "percentage" => self.put("%", Previous::Operand)?,
                "degrees" | "degree" | "deg" | "度" => self.put("°", Previous::Operand)?,
                _ if known || (number && (is_classifier(words) || names_things(words))) => {
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
}

/// The bracket that a function of plain text opens, and the mark of what closes it.
fn bracket_function(name: &str) -> Option<(char, char)> {
    match name {
        "abs" | "Abs" => Some(('⟦', 'A')),
        "floor" => Some(('⌊', 'F')),
        "ceil" | "ceiling" => Some(('⌈', 'K')),
        _ => None,
    }
}

/// The name of an environment; some are only laid out differently.
fn environment(name: &str) -> &str {
    match name.trim() {
        "dcases" | "rcases" => "cases",
        name => name,
    }
}

/// The deepest braces that are looked into.
const NESTED: usize = 128;

/// A balanced `{…}` after spaces, and what follows it.
pub(super) fn group(rest: &str) -> Option<(&str, &str)> {
    let inside = rest.trim_start().strip_prefix('{')?;
    let mut depth = 1_usize;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        // Deeper ones are refused anyway; here they cost no more than a glance.
        if depth > NESTED {
            return None;
        }
        if depth == 0 {
            return Some((&inside[..at], &inside[at + 1..]));
        }
    }
    None
}
