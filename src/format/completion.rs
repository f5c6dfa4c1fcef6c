//! A parsed completion: its sections, its markers, and what is wrong with it.

use std::borrow::Cow;
use std::ops::Range;

/// Most markers that a completion keeps.
pub(super) const MAX_MARKERS: usize = 256;

/// A completion as the format sees it. All positions are byte offsets into the
/// text that was parsed, on character boundaries.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The thinking; `None` where the completion is invalid or has none.
    pub think: Option<Section>,
    /// The answer; `None` where the completion is invalid.
    pub answer: Option<Section>,
    /// The first rule that was broken; `None` for a valid completion.
    pub violation: Option<Violation>,
    /// The markers in text order, also those of an invalid completion: the
    /// first 256, so that a text of nothing but markers takes no memory.
    pub markers: Vec<Marker>,
    /// How many markers there are, kept or not. All of them decide.
    pub marker_count: usize,
    /// How many things look like a marker and are none (`<THINK>`, `＜think＞`);
    /// 0 where the option `lookalike` is `ignore`.
    pub lookalikes: usize,
    /// See [`Completion::tag_score`].
    pub(super) tags: TagCount,
    /// What is said after the thinking, whether the completion is valid or
    /// not, for lenient extraction: all after the last marker that closes the
    /// thinking, and all of the text where no thinking was opened. `None`
    /// where the thinking was opened, by the prompt or by a marker, and never
    /// closed: what a policy thinks is not what it answers. In harmony, the
    /// last final message alone; with a user's grammar, its answer.
    pub response: Option<Range<usize>>,
}

/// A part of the text, trimmed: one byte range, or several where the format
/// spreads a section over messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub(super) spans: Vec<Range<usize>>,
    pub(super) newlines: Newlines,
}

/// What becomes of line ends in [`Section::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Newlines {
    Keep,
    Lf,
}

/// A broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one; see [`REASON_CODES`](super::REASON_CODES).
    pub code: &'static str,
    /// Where it shows: the offending marker or character, or the end of the
    /// text where something is missing.
    pub at: usize,
}

/// One marker of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Its role: `think_open`, `think_close`, `answer_open`, `answer_close`;
    /// for harmony the token's name; for a user grammar `literal`.
    pub name: &'static str,
    /// Where it stands.
    pub span: Range<usize>,
}

/// The parts of the graded score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TagCount {
    /// Markers that the template wants.
    pub(super) wanted: usize,
    /// Those that occur exactly once and in order.
    pub(super) right: usize,
}

impl Completion {
    /// Whether the completion has the demanded format.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.violation.is_none()
    }

    /// Partial credit for the format, in `[0, 1]`.
    ///
    /// With `n` wanted markers: each that occurs exactly once, after the
    /// wanted markers before it, earns `1 / (n + 1)`, and a valid completion
    /// earns the last `1 / (n + 1)`. So the score is 1 exactly where
    /// [`Completion::is_valid`]. For `r1`, text after `</answer>` gives 0.8.
    /// Formats without fixed markers (`text`, `harmony`, user grammars) give
    /// 0 or 1. A policy can earn the partial credit with tags alone: use it to
    /// start training, not to end it.
    #[must_use]
    pub fn tag_score(&self) -> f64 {
        if self.is_valid() {
            return 1.0;
        }
        // Counts of at most four: exact in f64.
        self.tags.right as f64 / (self.tags.wanted + 1) as f64
    }
}

impl Section {
    /// The byte ranges in text order; at least one.
    #[must_use]
    pub fn spans(&self) -> &[Range<usize>] {
        &self.spans
    }

    /// The section's text; several ranges are joined by one line feed. `text`
    /// is what was parsed; another text gives an empty string where the
    /// ranges do not fit it.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let joined = match self.spans.as_slice() {
            [span] => Cow::Borrowed(text.get(span.clone()).unwrap_or_default()),
            spans => {
                let parts: Vec<&str> = spans
                    .iter()
                    .map(|span| text.get(span.clone()).unwrap_or_default())
                    .collect();
                Cow::Owned(parts.join("\n"))
            }
        };
        match self.newlines {
            Newlines::Lf if joined.contains('\r') => {
                Cow::Owned(joined.replace("\r\n", "\n").replace('\r', "\n"))
            }
            Newlines::Lf | Newlines::Keep => joined,
        }
    }
}

/// White space of the format: space, tab, CR and LF, nothing else.
pub(super) const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// The range without the white space at its ends.
pub(super) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start_matches(BLANKS).len());
    start..start + inner.trim_matches(BLANKS).len()
}

/// Where the first character stands that is no white space.
pub(super) fn first_solid(text: &str, range: Range<usize>) -> Option<usize> {
    let trimmed = trim(text, range);
    (!trimmed.is_empty()).then_some(trimmed.start)
}
