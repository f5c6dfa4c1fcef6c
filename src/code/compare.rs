//! What a program printed against what it should have printed.
//!
//! Bytes are read as strict UTF-8 before anything else. Numbers are ASCII, and
//! `nan` and `inf` are words: they equal themselves and are close to nothing.

use serde::{Deserialize, Serialize};

/// How outputs are compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compare {
    /// What the units are.
    pub mode: CompareMode,
    /// Numbers may differ by this much, absolutely.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abs: Option<f64>,
    /// Numbers may differ by this share of the expected one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rel: Option<f64>,
    /// Small and capital letters are the same.
    pub ignore_case: bool,
    /// Source of a program that decides, for [`CompareMode::Checker`]: it defines
    /// `check(input, expected, output)`, which returns `True` for a right output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checker: Option<String>,
}

/// The units that are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareMode {
    /// Words between blanks, wherever lines end.
    #[default]
    Tokens,
    /// The words of each line; empty lines at the end do not count.
    Lines,
    /// The same, lines in any order.
    UnorderedLines,
    /// Every byte.
    Exact,
    /// A program of the task decides, in a guest of its own.
    Checker,
}

impl Compare {
    /// Whether `got` will do for `expected`. A checker is not asked here.
    ///
    /// ```
    /// use goldstone::code::{Compare, CompareMode};
    ///
    /// let tokens = Compare::default();
    /// assert!(tokens.accepts(b"1 2\n3", "1\n2 3\n"));
    /// assert!(!tokens.accepts(b"1 2", "1 2 3"));
    /// let near = Compare { abs: Some(1e-6), ..Compare::default() };
    /// assert!(near.accepts(b"0.3333333", "0.33333333"));
    /// assert!(!near.accepts(b"nan", "0.33333333"));
    /// ```
    #[must_use]
    pub fn accepts(&self, got: &[u8], expected: &str) -> bool {
        let Ok(got) = std::str::from_utf8(got) else {
            return false;
        };
        match self.mode {
            CompareMode::Exact => {
                self.ignore_case && folded(got) == folded(expected) || got == expected
            }
            CompareMode::Tokens => {
                let mut got = tokens(got);
                let mut expected = tokens(expected);
                loop {
                    match (got.next(), expected.next()) {
                        (None, None) => return true,
                        (Some(got), Some(expected)) if self.same(got, expected) => {}
                        _ => return false,
                    }
                }
            }
            CompareMode::Lines => self.same_lines(&lines(got), &lines(expected)),
            CompareMode::UnorderedLines => {
                let (mut got, mut expected) = (lines(got), lines(expected));
                let order = |one: &Vec<&str>, other: &Vec<&str>| {
                    let keys = |line: &[&str]| -> Vec<String> {
                        line.iter().map(|word| self.key(word)).collect()
                    };
                    keys(one).cmp(&keys(other))
                };
                got.sort_by(order);
                expected.sort_by(order);
                self.same_lines(&got, &expected)
            }
            CompareMode::Checker => false,
        }
    }

    fn key(&self, word: &str) -> String {
        if self.ignore_case {
            folded(word)
        } else {
            word.to_owned()
        }
    }

    fn same_lines(&self, got: &[Vec<&str>], expected: &[Vec<&str>]) -> bool {
        got.len() == expected.len()
            && got.iter().zip(expected).all(|(got, expected)| {
                got.len() == expected.len()
                    && got
                        .iter()
                        .zip(expected)
                        .all(|(got, expected)| self.same(got, expected))
            })
    }

    fn same(&self, got: &str, expected: &str) -> bool {
        if got == expected || self.ignore_case && folded(got) == folded(expected) {
            return true;
        }
        if self.abs.is_none() && self.rel.is_none() {
            return false;
        }
        let (Some(got), Some(expected)) = (number(got), number(expected)) else {
            return false;
        };
        let distance = (got - expected).abs();
        distance <= self.abs.unwrap_or(0.0) || distance <= self.rel.unwrap_or(0.0) * expected.abs()
    }
}

fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Words between ASCII blanks; other blanks are part of a word.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split_ascii_whitespace()
}

/// The words of each line, without the empty lines at the end.
fn lines(text: &str) -> Vec<Vec<&str>> {
    let mut lines: Vec<Vec<&str>> = text
        .split('\n')
        .map(|line| tokens(line).collect())
        .collect();
    while lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

/// A finite number in plain ASCII notation: no `nan`, no `inf`, no underscores.
fn number(word: &str) -> Option<f64> {
    let is_plain = word
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !is_plain || word.len() > 400 {
        return None;
    }
    word.parse().ok().filter(|number: &f64| number.is_finite())
}
