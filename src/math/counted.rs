//! The number of things: "there are 12 distinct sequences", "33 eggs". A
//! sentence in parts in, the range of the number that it counts with out.
//!
//! The words behind the number are its unit, which belongs to it, or a plural
//! noun with its adjectives; what would make another number of it ("33 dozen",
//! "33 squared", "33 more") refuses it.

use std::ops::Range;

use super::anchors::wavers;
use super::restated::names_number;
use super::sentence::{Kind, Part, parts};

/// What makes another value of the number before it, or no value at all.
const MODIFIES: &[&str] = &[
    "percents",
    "percentage",
    "percentages",
    "half",
    "halves",
    "third",
    "thirds",
    "quarter",
    "quarters",
    "fourth",
    "fourths",
    "fifths",
    "sixths",
    "sevenths",
    "eighths",
    "ninths",
    "tenths",
    "hundredths",
    "thousandths",
    "hundred",
    "hundreds",
    "thousand",
    "thousands",
    "million",
    "millions",
    "billion",
    "billions",
    "trillion",
    "trillions",
    "dozen",
    "dozens",
    "score",
    "scores",
    "gross",
    "lakh",
    "lakhs",
    "crore",
    "crores",
    "pair",
    "pairs",
    "couple",
    "couples",
    "times",
    "time",
    "fold",
    "percent",
    "permille",
    "squared",
    "square",
    "cubed",
    "cube",
    "factorial",
    "choose",
    "mod",
    "modulo",
    "plus",
    "minus",
    "over",
    "divided",
    "multiplied",
    "raised",
    "more",
    "less",
    "fewer",
    "greater",
    "smaller",
    "larger",
    "higher",
    "lower",
    "most",
    "to",
    "through",
    "until",
    "point",
    "and",
    "of",
    "off",
    "out",
    "versus",
    "vs",
    "per",
    "by",
    "below",
    "above",
    "under",
    "before",
    "after",
    "past",
    "short",
    "base",
    "binary",
    "octal",
    "ternary",
    "hexadecimal",
    "rounded",
    "am",
    "pm",
    "noon",
    "midnight",
    "o'clock",
    "power",
    "powers",
    "bc",
    "root",
    "degrees",
    "degree",
    "radians",
    "pi",
    "ratio",
    "with",
    "remainder",
    "wait",
    "actually",
    "when",
    "in",
    "as",
    "th",
    "modulus",
];

/// What makes a label or a bound of the number behind it.
const LABELS: &[&str] = &[
    "least",
    "most",
    "to",
    "until",
    "within",
    "between",
    "from",
    "after",
    "before",
    "every",
    "step",
    "steps",
    "case",
    "equation",
    "problem",
    "question",
    "part",
    "page",
    "figure",
    "section",
    "option",
    "method",
    "number",
    "day",
    "chapter",
    "line",
    "phase",
    "round",
    "first",
    "last",
    "next",
    "top",
    "all",
    "the",
    "these",
    "those",
    "by",
    "over",
    "under",
    "times",
    "minus",
    "plus",
    "of",
    "other",
    "remaining",
    "exceeds",
    "exceed",
];

/// The number of a text that is nothing but a number and what it counts:
/// "33 eggs".
pub(super) fn count(text: &str, quantity: &dyn Fn(&str) -> bool) -> Option<Range<usize>> {
    /// "12 distinct arithmetic sequences".
    const WORDS: usize = 4;
    let text = text.trim_end();
    let text = text.strip_suffix('.').unwrap_or(text);
    let parts = parts(text)?;
    if parts.len() > WORDS + 1 || wavers(text) {
        return None;
    }
    let sentence = Sentence {
        text,
        parts: &parts,
        quantity,
    };
    sentence
        .counts_from(0)
        .filter(|_| parts.first().is_some_and(|part| part.kind == Kind::Number))
}

/// A sentence in its parts.
pub(super) struct Sentence<'s> {
    pub(super) text: &'s str,
    pub(super) parts: &'s [Part],
    /// Whether a text is a number with its unit or scale.
    pub(super) quantity: &'s dyn Fn(&str) -> bool,
}

impl Sentence<'_> {
    fn word(&self, at: usize) -> String {
        match self.parts.get(at) {
            Some(part) if part.kind == Kind::Word => self.text[part.span.clone()].to_lowercase(),
            _ => String::new(),
        }
    }

    pub(super) fn has(&self, at: usize, table: &[&str]) -> bool {
        table.contains(&self.word(at).as_str())
    }

    pub(super) fn is_value(&self, at: usize) -> bool {
        self.parts
            .get(at)
            .is_some_and(|part| matches!(part.kind, Kind::Number | Kind::Math))
    }

    /// Whether a part holds a digit.
    fn holds_digit(&self, part: &Part) -> bool {
        self.text[part.span.clone()].contains(char::is_numeric)
    }

    /// "there are 12 distinct sequences".
    pub(super) fn existing(&self) -> Option<Range<usize>> {
        let first = self.parts.iter().position(|part| part.kind != Kind::Mark)?;
        if !self.has(first, &["there"]) || !self.has(first + 1, &["are", "is", "were", "exist"]) {
            return None;
        }
        let mut from = first + 2;
        while self.has(
            from,
            &[
                "exactly",
                "only",
                "precisely",
                "total",
                "of",
                "in",
                "therefore",
            ],
        ) || self
            .parts
            .get(from)
            .is_some_and(|part| &self.text[part.span.clone()] == "a")
        {
            from += 1;
        }
        self.counts_from(from)
    }

    /// "Jane started growing it 3 hours ago": the one number, and what it counts.
    pub(super) fn counted(&self) -> Option<Range<usize>> {
        let mut numbers = (0..self.parts.len()).filter(|at| self.holds_digit(&self.parts[*at]));
        let (at, None) = (numbers.next()?, numbers.next()) else {
            return None;
        };
        let introduced =
            at > 0 && self.parts[at - 1].kind == Kind::Word && !self.has(at - 1, LABELS);
        introduced.then(|| self.counts_from(at)).flatten()
    }

    /// The number at `at` with its unit, where the rest of the sentence is
    /// words that say what is counted, and holds no other number.
    pub(super) fn counts_from(&self, at: usize) -> Option<Range<usize>> {
        /// "square units", "12 distinct arithmetic sequences".
        const NOUN: usize = 4;
        let value = self.parts.get(at).filter(|_| self.is_value(at))?;
        let rest = &self.parts[at + 1..];
        let is_word = |part: &&Part| part.kind == Kind::Word;
        if !rest.first().as_ref().is_some_and(is_word)
            || rest.iter().any(|part| {
                let article = self.text[part.span.clone()].eq_ignore_ascii_case("a");
                self.holds_digit(part)
                    || part.kind == Kind::Symbol && !article
                    || part.kind == Kind::Mark && !is_emphasis(self.text, part)
            })
        {
            return None;
        }
        // The unit is a part of the value.
        let words = rest.iter().take(NOUN).take_while(is_word).count();
        let unit = (1..=words.min(2)).rev().find(|count| {
            let plain: String = self.text[value.span.start..rest[count - 1].span.end]
                .chars()
                .filter(|c| *c != '$')
                .collect();
            (self.quantity)(&plain)
        });
        let after = at + 1 + unit.unwrap_or(0);
        let plural = (at + 1..at + 1 + words).any(|at| is_plural(&self.word(at)));
        let changed = (after..self.parts.len().min(after + NOUN))
            .take_while(|at| !self.word(*at).is_empty())
            .enumerate()
            // Behind a noun, "of" and "in" begin what is said of it.
            .any(|(nth, at)| {
                resizes(&self.word(at))
                    || self.has(at, MODIFIES)
                        && !(nth + unit.unwrap_or(0) > 0
                            && self.has(
                                at,
                                &["of", "in", "with", "to", "after", "before", "and", "by"],
                            ))
            });
        // "34 feet two inches" adds; "the three conditions" are known ones.
        let adds = (after..self.parts.len()).any(|at| {
            names_number(&self.word(at)) && !self.has(at - 1, &["the", "these", "those", "all"])
        });
        // "33 eggs of" lacks what it is about.
        let breaks_off = self.has(
            self.parts.len() - 1,
            &["of", "in", "to", "with", "by", "per", "the"],
        );
        // "3 hours and": something is added behind the noun.
        let goes_on =
            (after..self.parts.len()).any(|at| self.has(at, &["plus", "minus", "and", "half"]));
        if changed || adds || breaks_off || goes_on || (unit.is_none() && !plural) {
            return None;
        }
        let end = match unit {
            Some(count) => rest[count - 1].span.end,
            None => value.span.end,
        };
        Some(value.span.start..end)
    }
}

/// Whether a word has the form of a plural.
fn is_plural(word: &str) -> bool {
    word.len() > 3 && word.ends_with('s') && !word.ends_with("ss")
        || matches!(
            word,
            "people" | "men" | "women" | "children" | "units" | "fish" | "dice"
        )
}

/// Whether words in lower case are nothing but what is counted, a plural with its
/// adjectives: no size, no part, no operation.
pub(super) fn counts_things(words: &str) -> bool {
    let plural = words.rsplit(' ').next().is_some_and(is_plural);
    plural
        && !names_number(words)
        && words
            .split(' ')
            .all(|word| !resizes(word) && !MODIFIES.contains(&word))
}

/// Whether a word behind a number makes another number of it.
pub(super) fn resizes(word: &str) -> bool {
    const SIZES: &[&str] = &[
        "twice",
        "thrice",
        "double",
        "triple",
        "minus",
        "plus",
        "dozen",
        "dozens",
        "score",
        "gross",
        "squared",
        "cubed",
        "factorial",
        "half",
        "halves",
        "third",
        "thirds",
        "quarter",
        "quarters",
        "hundred",
        "hundreds",
        "thousand",
        "thousands",
        "million",
        "millions",
        "pairs",
        "lakh",
        "crore",
        "billions",
        "trillions",
        "tens",
        "trios",
        "duos",
        "doubles",
        "triples",
        "grosses",
        "decades",
        "kilos",
        "nths",
        "mods",
        "negatives",
        "reciprocals",
        "opposites",
        "factorials",
    ];
    // "fifths", "thirteenths", "thousandths".
    const FRACTIONS: [&str; 13] = [
        "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "teenth",
        "tieth", "dredth", "sandth", "llionth",
    ];
    let singular = word.strip_suffix('s').unwrap_or(word);
    SIZES.contains(&word) || FRACTIONS.iter().any(|end| singular.ends_with(end))
}

/// Whether the words right behind a number, in the same sentence, name things
/// that are no `label`.
pub(super) fn names_other_things(after: &str, label: &str) -> bool {
    /// "distinct arithmetic sequences".
    const NOUN: usize = 4;
    let rest = after
        .trim_start_matches([' ', '$', '}', '*', ')', '\\', ','])
        .trim_start_matches("text{")
        .trim_start();
    let words: Vec<String> = rest
        .split(|c: char| !(c.is_alphabetic() || c == ' '))
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .take(NOUN)
        .map(str::to_lowercase)
        .collect();
    let label: Vec<&str> = label.split(' ').filter(|word| !word.is_empty()).collect();
    let same = !label.is_empty() && label.iter().zip(&words).all(|(a, b)| a == b);
    !same
        && words
            .iter()
            .any(|word| is_plural(word) && !matches!(word.as_str(), "this" | "thus" | "always"))
}

pub(super) fn is_emphasis(text: &str, part: &Part) -> bool {
    matches!(&text[part.span.clone()], "*" | "_" | "\\ " | "\\,")
}
