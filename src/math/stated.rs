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
use super::counted::{Sentence, is_emphasis};
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

/// Whether a word of the prose withholds what it says.
pub(super) fn withholds(prose: &str) -> bool {
    wavers(prose)
        || prose
            .split(|c: char| !c.is_alphabetic())
            .any(|word| WITHHOLDS.contains(&word.to_lowercase().as_str()))
}

impl Sentence<'_> {
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

    fn mark(&self, at: usize, mark: &str) -> bool {
        self.parts
            .get(at)
            .is_some_and(|part| part.kind == Kind::Mark && &self.text[part.span.clone()] == mark)
    }
}
