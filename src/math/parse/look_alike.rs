//! Characters outside ASCII, and those that stand for others.

use unicode_normalization::char::decompose_compatible;

use super::super::scan::fold;
use super::ParseFault;
use super::normalise::{Previous, Writer, run};
use super::symbols::{self, Symbol};

impl Writer<'_> {
    /// Any other character.
    pub(super) fn character(&mut self, c: char) -> Result<(), ParseFault> {
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
        if ('α'..='ω').contains(&c) || "ϑϕΓΔΘΛΞΠΣΦΨΩℓħ".contains(c) {
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
    pub(super) fn look_alike(&mut self, c: char) -> Result<(), ParseFault> {
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
                self.put(plain.encode_utf8(&mut digit), Previous::Digits)?;
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

    /// `√12` takes the whole number, unlike `\sqrt 12`.
    pub(super) fn radical(&mut self, c: char) -> Result<(), ParseFault> {
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
}
