//! Python's words for text: what its `str` methods and its `re` module call
//! white space, a word character, upper case and the same letter.
//!
//! The reference implementation is written in Python, and its verdicts hang on
//! these. Newly assigned characters apart, the definitions were compared with
//! CPython's for every code point.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::char::is_combining_mark;

/// `str.isspace` of one character, and `\s` of the `re` module: four separators
/// more than Unicode's white space.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// `str.strip()`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.rstrip()`.
pub(super) fn strip_end(text: &str) -> &str {
    text.trim_end_matches(is_space)
}

/// `str.split()`.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// `\w` of the `re` module: letters, numbers of every kind, the underscore; not
/// combining marks, not circled letters.
pub(super) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    c.is_alphanumeric()
        && !is_combining_mark(c)
        && !matches!(c, '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f149}'
            | '\u{1f150}'..='\u{1f169}' | '\u{1f170}'..='\u{1f189}')
}

/// `\d`: decimal digits of every script; not `²`, not `½`.
pub(super) fn is_digit(c: char) -> bool {
    static DIGIT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\d$").expect("the pattern is written here"));
    c.is_ascii_digit()
        || (!c.is_ascii() && c.is_numeric() && DIGIT.is_match(c.encode_utf8(&mut [0; 4])))
}

/// Title case letters (category Lt): neither upper nor lower case.
pub(super) fn is_title(c: char) -> bool {
    matches!(c, 'ǅ' | 'ǈ' | 'ǋ' | 'ǲ' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}'
        | '\u{1fa8}'..='\u{1faf}' | '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}')
}

/// `str.isupper()`: a letter in upper case, and none in lower or title case.
pub(super) fn is_upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(|c| c.is_lowercase() || is_title(c))
}

/// `str.islower()`: a letter in lower case, and none in upper or title case.
pub(super) fn is_lower(text: &str) -> bool {
    text.chars().any(char::is_lowercase) && !text.chars().any(|c| c.is_uppercase() || is_title(c))
}

/// What all characters that `re.IGNORECASE` takes for the same have in common:
/// the capitals of the one small letter. `i`, `I`, `ı` and `İ` are the same,
/// and so are `s` and `ſ`, `k` and the Kelvin sign.
pub(super) type Fold = [char; 3];

/// The class of `c` under `re.IGNORECASE`.
pub(super) fn fold(c: char) -> Fold {
    let mut folded = ['\0'; 3];
    if c.is_ascii() {
        folded[0] = c.to_ascii_uppercase();
        return folded;
    }
    for (slot, upper) in folded.iter_mut().zip(small(c).to_uppercase()) {
        *slot = upper;
    }
    folded
}

/// The small letter of `c`, always one character (`İ` gives `i`).
pub(super) fn small(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    /// Code points from and to, both within.
    type Ranges = Vec<(u32, u32)>;

    #[derive(serde::Deserialize)]
    struct Characters {
        assigned: Ranges,
        space: Ranges,
        word: Ranges,
        digit: Ranges,
        upper: Ranges,
        lower: Ranges,
        title: Ranges,
        same: Vec<(u32, u32)>,
    }

    /// The six that Unicode has counted among the small letters, or no longer,
    /// since version 14, which is that of the file.
    const CHANGED: &str = "ꭩʕꟳჼꟴꟲ";

    #[test]
    fn characters_are_what_they_are_for_python() {
        let file = include_str!("../../../tests/data/ifeval/characters.json");
        let python: Characters = serde_json::from_str(file).unwrap();
        let set = |ranges: &Ranges| -> HashSet<char> {
            let codes = ranges.iter().flat_map(|&(first, last)| first..=last);
            codes.filter_map(char::from_u32).collect()
        };
        let assigned = set(&python.assigned);
        let upper = |c: char| is_upper(c.encode_utf8(&mut [0; 4]));
        let lower = |c: char| is_lower(c.encode_utf8(&mut [0; 4]));
        type Holds<'h> = &'h dyn Fn(char) -> bool;
        let ours: [(&str, &Ranges, Holds); 6] = [
            ("space", &python.space, &is_space),
            ("word", &python.word, &is_word),
            ("digit", &python.digit, &is_digit),
            ("upper", &python.upper, &upper),
            ("lower", &python.lower, &lower),
            ("title", &python.title, &is_title),
        ];
        for (name, ranges, holds) in ours {
            let theirs = set(ranges);
            let other: Vec<char> = assigned
                .iter()
                .copied()
                .filter(|c| holds(*c) != theirs.contains(c) && !CHANGED.contains(*c))
                .collect();
            assert!(other.is_empty(), "{name}: {other:x?}");
        }

        let same: HashMap<u32, u32> = python.same.into_iter().collect();
        let mut classes: HashMap<Fold, u32> = HashMap::new();
        for c in assigned {
            let first = *same.get(&u32::from(c)).unwrap_or(&u32::from(c));
            let class = *classes.entry(fold(c)).or_insert(first);
            assert_eq!(class, first, "{c:?}");
        }
        let firsts: HashSet<u32> = classes.values().copied().collect();
        assert_eq!(firsts.len(), classes.len(), "one class has two folds");
    }
}
