//! Python regular expressions as the reference implementation uses them:
//! pattern in, "does it occur" and "how often" out.
//!
//! Keywords, forbidden words, section markers and postscript markers are
//! patterns there, not texts: `C.` finds `Co`. The `regex` crate has another
//! idea of `\b`, `\w` and of ignoring case (combining marks, `İ` and `ı`), and
//! these decide verdicts; so the patterns run on a machine of our own, without
//! backtracking: linear in the text, whatever the pattern.
//!
//! Not taken over, and refused: look-around, back references, named and atomic
//! groups, inline flags, possessive quantifiers except after the last
//! character (`C++` means "one `C` or more" since Python 3.11), classes of
//! classes, repetitions of what may be empty, and patterns that match the empty text, which every response follows.

mod machine;
mod parse;
mod program;

use machine::find_end;
use program::Program;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    program: Program,
    captures: usize,
}

/// What the letters and the anchors of a pattern mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// `re.IGNORECASE`.
    pub(super) ignore_case: bool,
    /// `re.MULTILINE`.
    pub(super) multi_line: bool,
}

impl Pattern {
    /// Compiles `source`; the error says what is wrong with it, in words that
    /// follow "the pattern".
    pub(super) fn new(source: &str, flags: Flags) -> Result<Self, String> {
        let (node, captures) = parse::parse(source)?;
        if node.matches_empty() {
            return Err("matches the empty text, so that it occurs everywhere".to_owned());
        }
        let program = program::compile(&node, flags)?;
        Ok(Self { program, captures })
    }

    /// Whether it has groups `(…)`, which `re.split` counts as parts.
    pub(super) fn has_captures(&self) -> bool {
        self.captures > 0
    }

    /// `re.search` is not `None`.
    pub(super) fn occurs_in(&self, text: &str) -> bool {
        self.count_up_to(text, 1) == 1
    }

    /// `len(re.findall(…))`, but at most `limit`: so a text is not read further
    /// than the verdict needs.
    pub(super) fn count_up_to(&self, text: &str, limit: u64) -> u64 {
        let (mut from, mut count) = (0, 0);
        while count < limit {
            // Every match ends after its start, because none is empty.
            match find_end(&self.program, text, from) {
                Some(end) => (from, count) = (end, count + 1),
                None => break,
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(source: &str, flags: Flags, text: &str) -> u64 {
        Pattern::new(source, flags)
            .unwrap()
            .count_up_to(text, u64::MAX)
    }

    const CASE: Flags = Flags {
        ignore_case: true,
        multi_line: false,
    };
    const LINES: Flags = Flags {
        ignore_case: false,
        multi_line: true,
    };

    /// Counts of CPython 3.11, `len(re.findall(pattern, text, flags))`.
    #[test]
    fn counts_are_those_of_python() {
        let cases = [
            ("cat", CASE, "Cat cAt concatenate", 3),
            ("c.t", CASE, "cat c\nt cut", 2),
            ("C++", CASE, "ccc C++ c", 3),
            (r"\bsky\b", CASE, "sky SKY skyline sky\u{301} ²sky _sky", 3),
            ("i", CASE, "iIıİ", 4),
            ("s", CASE, "sSſß", 3),
            ("K", CASE, "k\u{212a}", 2),
            ("[a-c]+", CASE, "ABCabc d B", 2),
            ("[^a-c]", CASE, "Ab d", 2),
            (r"a{2,3}", CASE, "aaaaaaa", 2),
            (r"a{,2}b", CASE, "aaab b", 2),
            (r"a{x", CASE, "a{x", 1),
            ("a|ab", CASE, "abab", 2),
            ("(?:ab|a)b", CASE, "abb ab", 2),
            ("a+?", CASE, "aaa", 3),
            (r"^\s*\*[^\*].*$", LINES, "* a\n*\nb\n** c\n  * d", 3),
            (r"^\s*-.*$", LINES, "- a\n\n\n - b\n--- \nc - d", 3),
            (r"a$", CASE, "a\na\n", 1),
            (r"a$", LINES, "a\na\n", 2),
            (r"\d+", CASE, "12 ٣٤ ²", 2),
            (r"\W", CASE, "a\u{301}-²", 2),
            (r"\x41\u00e9", CASE, "aÉ", 1),
            ("[]a]", CASE, "]a", 2),
            ("[a-]", CASE, "a-b", 2),
            (r"[\w-]+", CASE, "a-b c", 2),
            ("ﬅ", CASE, "ﬆ", 1),
            (r"\Bb", CASE, "ab b", 1),
            (r"\Aa", LINES, "a\na", 1),
            (r"a\Z", LINES, "a\na", 1),
        ];
        for (source, flags, text, expected) in cases {
            assert_eq!(
                count(source, flags, text),
                expected,
                "`{source}` in {text:?}"
            );
        }
    }

    #[test]
    fn refuses_what_it_does_not_take_over() {
        for source in [
            "",
            "a*",
            "(",
            ")",
            "[",
            "*a",
            "a**",
            "a|",
            "(?=a)b",
            "(?i)a",
            r"(a)\1",
            "(?P<n>a)",
            "a++b",
            "(?>a)",
            r"\q",
            r"\b",
            "a{3,2}",
            "[z-a]",
            "a\\",
            "a{1000}{1000}",
            ".*+",
            "(a*)*b",
            "((((((((((((((((((((((((((((((((((((((((((((((((((((a",
        ] {
            assert!(Pattern::new(source, CASE).is_err(), "`{source}`");
        }
    }

    #[derive(serde::Deserialize)]
    struct Case {
        pattern: String,
        ignore_case: bool,
        text: String,
        count: Option<u64>,
        why: Option<String>,
    }

    /// Random patterns: what is taken over counts as in CPython, and what is no
    /// pattern there is none here.
    #[test]
    fn random_patterns_count_as_in_python() {
        let lines = include_str!("../../../../tests/data/ifeval/patterns.jsonl");
        let (mut compared, mut refused) = (0, 0);
        for line in lines.lines() {
            let case: Case = serde_json::from_str(line).unwrap();
            let flags = Flags {
                ignore_case: case.ignore_case,
                multi_line: !case.ignore_case,
            };
            match (Pattern::new(&case.pattern, flags), case.count) {
                (Ok(pattern), Some(count)) => {
                    let ours = pattern.count_up_to(&case.text, u64::MAX);
                    assert_eq!(ours, count, "{line}");
                    compared += 1;
                }
                (Ok(_), None) => panic!("{:?}: {line}", case.why),
                (Err(_), Some(_)) => refused += 1,
                (Err(_), None) => {}
            }
        }
        assert!(
            compared > 4 * refused,
            "{compared} compared, {refused} refused"
        );
    }
}
