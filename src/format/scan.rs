//! The scanner: text in, every marker with its position out, in one pass.
//!
//! A text can be nothing but markers, so only the first are kept; of each
//! role the number, the first and the last are known, and who needs the rest
//! (loosened options, harmony's messages) walks through the text again.

use std::ops::Range;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::completion::{MAX_MARKERS, Marker};

/// Finds the markers of one format.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    automaton: AhoCorasick,
    names: Vec<&'static str>,
}

/// Which letters a marker may be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Exact,
    /// ASCII letters in either case.
    Ignored,
}

/// The markers of one text, in text order; they do not overlap.
pub(super) struct Markers<'t> {
    scanner: &'t Scanner,
    text: &'t str,
    hidden: Vec<Range<usize>>,
    kept: Vec<Marker>,
    /// How many there are that are not hidden.
    pub(super) count: usize,
    /// How many there are, hidden ones included.
    pub(super) written: usize,
    seen: Vec<Seen>,
}

/// What is known of all markers of one literal.
#[derive(Clone, Debug, Default)]
struct Seen {
    count: usize,
    first: Range<usize>,
    last: Range<usize>,
}

impl Scanner {
    /// A scanner for `(name, literal)`; of literals that begin at the same
    /// place the longest wins. Literals are not empty.
    pub(super) fn new(markers: &[(&'static str, &str)], case: Case) -> Result<Self, String> {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(case == Case::Ignored)
            .build(markers.iter().map(|(_, literal)| literal))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            automaton,
            names: markers.iter().map(|(name, _)| *name).collect(),
        })
    }

    /// Finds the markers; those that begin in a hidden range are text. The
    /// ranges are in order and disjoint.
    pub(super) fn find_all<'t>(&'t self, text: &'t str, hidden: Vec<Range<usize>>) -> Markers<'t> {
        let mut markers = Markers {
            scanner: self,
            text,
            hidden,
            kept: Vec::new(),
            count: 0,
            written: 0,
            seen: vec![Seen::default(); self.names.len()],
        };
        for found in self.automaton.find_iter(text) {
            markers.written += 1;
            let span = found.range();
            if is_hidden(&markers.hidden, span.start) {
                continue;
            }
            markers.count += 1;
            let literal = found.pattern().as_usize();
            let seen = &mut markers.seen[literal];
            if seen.count == 0 {
                seen.first = span.clone();
            }
            seen.count += 1;
            seen.last = span.clone();
            if markers.kept.len() < MAX_MARKERS {
                markers.kept.push(Marker {
                    name: self.names[literal],
                    span,
                });
            }
        }
        markers
    }
}

impl Markers<'_> {
    /// The first markers, up to [`MAX_MARKERS`].
    pub(super) fn kept(&self) -> &[Marker] {
        &self.kept
    }

    /// The same, for who is done with the rest.
    pub(super) fn into_kept(self) -> Vec<Marker> {
        self.kept
    }

    /// All of them; those that are not kept are searched for again.
    pub(super) fn iter(&self) -> impl Iterator<Item = Marker> {
        let from = match self.count > self.kept.len() {
            true => self.kept.last().map_or(0, |marker| marker.span.end),
            false => self.text.len(),
        };
        let rest = self
            .scanner
            .automaton
            .find_iter(Input::new(self.text).span(from..self.text.len()))
            .filter(|found| !is_hidden(&self.hidden, found.start()))
            .map(|found| Marker {
                name: self.scanner.names[found.pattern().as_usize()],
                span: found.range(),
            });
        self.kept.iter().cloned().chain(rest)
    }

    /// Where the first marker of that name stands.
    pub(super) fn first(&self, name: &str) -> Option<Range<usize>> {
        self.seen(name).map(|seen| seen.first.clone())
    }

    /// Where the last marker of that name stands.
    pub(super) fn last(&self, name: &str) -> Option<Range<usize>> {
        self.seen(name).map(|seen| seen.last.clone())
    }

    /// Where the marker of that name stands, if there is exactly one.
    pub(super) fn only(&self, name: &str) -> Option<Range<usize>> {
        self.seen(name)
            .filter(|seen| seen.count == 1)
            .map(|seen| seen.first.clone())
    }

    /// Names of shipped formats belong to one literal each.
    fn seen(&self, name: &str) -> Option<&Seen> {
        let literal = self.scanner.names.iter().position(|known| *known == name)?;
        Some(&self.seen[literal]).filter(|seen| seen.count > 0)
    }
}

fn is_hidden(hidden: &[Range<usize>], at: usize) -> bool {
    let after = hidden.partition_point(|range| range.start <= at);
    after
        .checked_sub(1)
        .is_some_and(|index| at < hidden[index].end)
}
