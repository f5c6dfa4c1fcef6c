//! The scanner: text in, every marker with its position out, in one pass.

use aho_corasick::{AhoCorasick, MatchKind};

use super::completion::Marker;

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

    /// The markers in text order; they do not overlap.
    pub(super) fn find_all(&self, text: &str) -> Vec<Marker> {
        self.automaton
            .find_iter(text)
            .map(|found| Marker {
                name: self.names[found.pattern().as_usize()],
                span: found.range(),
            })
            .collect()
    }
}
