//! The value that a sentence states: a sentence in, the range of the one value
//! that it commits to out.
//!
//! `… is VALUE`, `there are N things`, `… rises by VALUE`, and, where the
//! sentence is announced as the answer, `… N things …`. The value stands where
//! the sentence asserts it; a number is never picked for being the only one of
//! a text. Anything that hedges, denies, bounds, compares or attributes refuses
//! the whole sentence. Linear; tables only.

use std::ops::Range;

use super::anchors::wavers;
use super::sentence::{Kind, LONGEST, Part, parts};

/// What stands between a subject and the value it has.
const COPULAS: &[&str] = &["is", "are", "was", "were", "equals", "becomes"];

/// What may follow a copula without changing what it says.
const FILLERS: &[&str] = &[
    "equal",
    "to",
    "exactly",
    "simply",
    "precisely",
    "therefore",
    "thus",
    "indeed",
    "given",
];

/// What changes by a value.
const CHANGES: &[&str] = &[
    "increases",
    "increased",
    "increase",
    "decreases",
    "decreased",
    "decrease",
    "grows",
    "grew",
    "rises",
    "rose",
    "falls",
    "fell",
    "drops",
    "dropped",
    "reduced",
    "changes",
    "changed",
    "exceeds",
];

/// What begins a conclusion.
pub(super) const CONCLUDES: &[&str] = &["therefore", "thus", "hence", "so", "consequently"];

/// Says that the sentence does not assert its value as its own and exact one.
const WITHHOLDS: &[&str] = &[
    "guess",
    "guessed",
    "suppose",
    "assume",
    "assumed",
    "assuming",
    "claim",
    "claims",
    "claimed",
    "says",
    "said",
    "thinks",
    "thought",
    "believes",
    "supposedly",
    "allegedly",
    "might",
    "may",
    "seems",
    "appears",
    "probably",
    "perhaps",
    "maybe",
    "possibly",
    "likely",
    "unlikely",
    "estimate",
    "estimated",
    "approximation",
    "approximate",
    "approximately",
    "roughly",
    "about",
    "around",
    "nearly",
    "almost",
    "neither",
    "nor",
    "either",
    "unknown",
    "unclear",
    "impossible",
    "another",
    "other",
    "candidate",
    "example",
    "say",
    "suggests",
    "pretend",
    "imagine",
    "false",
    "untrue",
    "lie",
    "unlike",
    "than",
    "least",
    "except",
    "although",
    "though",
    "however",
    "instead",
    "originally",
    "initially",
    "formerly",
    "previously",
    "mistakenly",
    "wrongly",
];

/// What makes another value of the number before it, or no value at all.
const MODIFIES: &[&str] = &[
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

/// How the sentence was introduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Introduced {
    /// By a phrase that announces the answer, or by its place.
    Answer,
    /// By a word that concludes.
    Conclusion,
}

/// A stated value, and the words of which it is the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) value: Range<usize>,
    /// Subject and copula; empty where there are none.
    pub(super) subject: Range<usize>,
}

/// The value that `sentence` states. `quantity` says whether a text is a number
/// with its unit or scale, so that "5 cm long" states 5 cm.
pub(super) fn stated(
    sentence: &str,
    introduced: Introduced,
    quantity: &dyn Fn(&str) -> bool,
) -> Option<Stated> {
    let sentence = sentence.trim_end_matches(|c: char| c.is_whitespace() || "*_\"”".contains(c));
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    if sentence.len() > LONGEST
        || sentence.contains(['!', '?', '？', '…', ';', '"', '“', '~', '\n'])
    {
        return None;
    }
    let parts = parts(sentence)?;
    let text = |part: &Part| sentence[part.span.clone()].to_lowercase();
    let is = |part: &Part, table: &[&str]| {
        part.kind == Kind::Word && table.contains(&text(part).as_str())
    };
    let start = match introduced {
        Introduced::Answer => 0,
        Introduced::Conclusion => {
            let first = parts.iter().position(|part| part.kind != Kind::Mark)?;
            is(&parts[first], CONCLUDES).then_some(first + 1)?
        }
    };
    let parts = &parts[start..];
    let prose: String = parts
        .iter()
        .filter(|part| matches!(part.kind, Kind::Word | Kind::Mark))
        .map(|part| text(part) + " ")
        .collect();
    if wavers(&prose) || parts.iter().any(|part| is(part, WITHHOLDS)) {
        return None;
    }
    let sentence = Sentence {
        text: sentence,
        parts,
        quantity,
    };
    let copula = parts.iter().rposition(|part| is(part, COPULAS));
    let change = parts
        .windows(2)
        .rposition(|pair| is(&pair[0], CHANGES) && is(&pair[1], &["by"]))
        .map(|at| at + 1);
    if let Some(at) = copula.max(change)
        && sentence.subject_is_plain(at)
        && let Some(value) = sentence.value_after(at)
    {
        let first = parts.iter().find(|part| part.kind != Kind::Mark)?;
        return Some(Stated {
            value,
            subject: first.span.start..parts[at].span.end,
        });
    }
    let value = match introduced {
        Introduced::Conclusion => sentence.existing(),
        Introduced::Answer => sentence.existing().or_else(|| sentence.counted()),
    };
    value.map(|value| Stated {
        value,
        subject: 0..0,
    })
}

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

/// Whether a word of the prose withholds what it says.
pub(super) fn withholds(prose: &str) -> bool {
    wavers(prose)
        || prose
            .split(|c: char| !c.is_alphabetic())
            .any(|word| WITHHOLDS.contains(&word.to_lowercase().as_str()))
}

struct Sentence<'s> {
    text: &'s str,
    parts: &'s [Part],
    quantity: &'s dyn Fn(&str) -> bool,
}

impl Sentence<'_> {
    fn word(&self, at: usize) -> String {
        match self.parts.get(at) {
            Some(part) if part.kind == Kind::Word => self.text[part.span.clone()].to_lowercase(),
            _ => String::new(),
        }
    }

    fn has(&self, at: usize, table: &[&str]) -> bool {
        table.contains(&self.word(at).as_str())
    }

    fn is_value(&self, at: usize) -> bool {
        self.parts
            .get(at)
            .is_some_and(|part| matches!(part.kind, Kind::Number | Kind::Math))
    }

    /// Whether a part holds a digit.
    fn holds_digit(&self, part: &Part) -> bool {
        self.text[part.span.clone()].contains(char::is_numeric)
    }

    /// Whether what stands before the copula at `end` names one thing, and
    /// states nothing of its own: no "x is 3 and y is 5", no "x = 3, so …".
    fn subject_is_plain(&self, end: usize) -> bool {
        /// What an equation in a subject belongs to.
        const HOLDERS: &[&str] = &[
            "when",
            "where",
            "for",
            "with",
            "at",
            "given",
            "that",
            "of",
            "to",
            "satisfying",
            "equation",
            "function",
            "line",
            "curve",
            "parabola",
            "polynomial",
            "inequality",
            "expression",
            "circle",
            "system",
        ];
        let subject = &self.parts[..end];
        let first = subject
            .iter()
            .position(|part| part.kind != Kind::Mark)
            .unwrap_or(end);
        let named = subject
            .iter()
            .any(|part| !matches!(part.kind, Kind::Mark | Kind::Number | Kind::Odd));
        named
            && !self.has(first, &["one"])
            && subject.iter().enumerate().all(|(at, part)| {
                let text = &self.text[part.span.clone()];
                let relation = text.contains(['=', '<', '>', '≤', '≥', '≈', '≠'])
                    || [
                        "\\le", "\\ge", "\\ne", "\\approx", "\\lt", "\\gt", "\\equiv",
                    ]
                    .iter()
                    .any(|sign| text.contains(sign));
                match part.kind {
                    Kind::Math => !relation || at > 0 && self.has(at - 1, HOLDERS),
                    Kind::Mark => !relation && matches!(text, "," | "(" | ")" | "*" | "'" | "’"),
                    Kind::Word => {
                        let states = COPULAS.contains(&text)
                            || text == "be"
                            || text == "by" && at > 0 && self.has(at - 1, CHANGES);
                        !states || !self.is_value(at + 1)
                    }
                    _ => true,
                }
            })
    }

    /// The value right behind the copula at `at`, where nothing else follows.
    fn value_after(&self, at: usize) -> Option<Range<usize>> {
        let mut from = at + 1;
        while self.has(from, FILLERS) || self.mark(from, ":") || self.mark(from, "*") {
            from += 1;
        }
        let tail = self.parts.get(from..).filter(|tail| !tail.is_empty())?;
        // All of it, whatever it is: `3x + 2`, `(7, 6)`; a list stays a list.
        if tail.iter().all(|part| part.kind != Kind::Word) {
            let last = tail
                .iter()
                .rposition(|part| !is_emphasis(self.text, part))?;
            return Some(tail[0].span.start..tail[last].span.end);
        }
        self.counts_from(from)
    }

    /// "there are 12 distinct sequences".
    fn existing(&self) -> Option<Range<usize>> {
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
    fn counted(&self) -> Option<Range<usize>> {
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
    fn counts_from(&self, at: usize) -> Option<Range<usize>> {
        /// "square units", "12 distinct arithmetic sequences".
        const NOUN: usize = 4;
        let value = self.parts.get(at).filter(|_| self.is_value(at))?;
        let rest = &self.parts[at + 1..];
        let is_word = |part: &&Part| part.kind == Kind::Word;
        if !rest.first().as_ref().is_some_and(is_word)
            || rest.iter().any(|part| {
                self.holds_digit(part) || part.kind == Kind::Mark && !is_emphasis(self.text, part)
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
        let plural = (at + 1..at + 1 + words).any(|at| {
            let word = self.word(at);
            word.len() > 3 && word.ends_with('s') && !word.ends_with("ss")
                || matches!(
                    word.as_str(),
                    "people" | "men" | "women" | "children" | "units"
                )
        });
        let changed = (after..self.parts.len().min(after + NOUN))
            .take_while(|at| !self.word(*at).is_empty())
            .enumerate()
            // Behind a noun, "of" and "in" begin what is said of it.
            .any(|(nth, at)| {
                self.has(at, MODIFIES)
                    && !(nth + unit.unwrap_or(0) > 0
                        && self.has(
                            at,
                            &["of", "in", "with", "to", "after", "before", "and", "by"],
                        ))
            });
        // "3 hours and": something is added behind the noun.
        let goes_on =
            (after..self.parts.len()).any(|at| self.has(at, &["plus", "minus", "and", "half"]));
        if changed || goes_on || (unit.is_none() && !plural) {
            return None;
        }
        let end = match unit {
            Some(count) => rest[count - 1].span.end,
            None => value.span.end,
        };
        Some(value.span.start..end)
    }

    fn mark(&self, at: usize, mark: &str) -> bool {
        self.parts
            .get(at)
            .is_some_and(|part| part.kind == Kind::Mark && &self.text[part.span.clone()] == mark)
    }
}

fn is_emphasis(text: &str, part: &Part) -> bool {
    matches!(&text[part.span.clone()], "*" | "_" | "\\ " | "\\,")
}
