//! Words as `nltk.word_tokenize` cuts them: text in, how many are in capitals out.
//!
//! Source: the rules of the Penn Treebank's tokenizer (Robert MacIntyre, 1995)
//! in the form and the order of nltk 3.10's `NLTKWordTokenizer`: marks are set
//! apart by spaces, one rule after the other, sentence by sentence; what stands
//! between spaces is a word. `DON'T` is two words, `A-B` and `A/B` are one.
//! nltk's rules for `'tis` and `'twas` never find anything, and are not here.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::python::{fold, is_space, is_upper, is_word, words};
use super::sentences::sentences;

/// How many words of `text` have capitals and no small letter.
pub(super) fn capital_words(text: &str) -> u64 {
    sentences(text)
        .into_iter()
        .map(|sentence| {
            let spaced = spaced(&text[sentence]);
            words(&spaced).filter(|word| is_upper(word)).count() as u64
        })
        .sum()
}

/// A pattern and what it becomes.
type Rule = (Regex, &'static str);

fn rules(sources: &[(&str, &'static str)]) -> Vec<Rule> {
    let compiled = |&(source, becomes): &(&str, &'static str)| {
        (
            Regex::new(source).expect("the pattern is written here"),
            becomes,
        )
    };
    sources.iter().map(compiled).collect()
}

static OPENING_QUOTES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    rules(&[
        ("([«“‘„]|`+)", " ${1} "),
        ("^\"", "``"),
        ("``", " `` "),
        (r#"([ (\[{<])("|'{2})"#, "${1} `` "),
    ])
});

static MARKS: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    rules(&[
        (r#"([^.])(\.)([\])}>"'»”’ ]*)\s*$"#, "${1} ${2} ${3} "),
        (r"([:,])([^\d])", " ${1} ${2}"),
        (r"([:,])$", " ${1} "),
        (r"\.{2,}", " ${0} "),
        (r"[;@#$%&]", " ${0} "),
        (r"[\u{2012}-\u{2015}]", " ${0} "),
        (r#"([^.])(\.)([\])}>"']*)\s*$"#, "${1} ${2}${3} "),
        (r"[?!]", " ${0} "),
        (r"([^'])' ", "${1} ' "),
        (r"[*]", " ${0} "),
        (r"[\[\](){}<>]", " ${0} "),
        (r"--", " -- "),
    ])
});

static CLOSING_QUOTES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    rules(&[
        ("[»”’]", " ${0} "),
        ("''", " '' "),
        ("\"", " '' "),
        (r"\s+", " "),
        (r"([^' ])('[sSmMdD]|') ", "${1} ${2} "),
        (r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "${1} ${2} "),
    ])
});

/// One sentence with spaces between its words.
fn spaced(sentence: &str) -> String {
    let opened = applied(&OPENING_QUOTES, Cow::Borrowed(sentence));
    let marked = applied(&MARKS, Cow::Owned(without_single_quotes(&opened)));
    let closed = applied(&CLOSING_QUOTES, Cow::Owned(format!(" {marked} ")));
    contractions_apart(&closed)
}

fn applied<'t>(rules: &[Rule], mut text: Cow<'t, str>) -> Cow<'t, str> {
    for (pattern, becomes) in rules {
        if let Cow::Owned(changed) = pattern.replace_all(&text, *becomes) {
            text = Cow::Owned(changed);
        }
    }
    text
}

/// Sets an opening `'` apart, unless it begins one of the short forms (`'s`).
fn without_single_quotes(text: &str) -> String {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\w+").expect("the pattern is written here"));
    static LAST: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\w$").expect("the pattern is written here"));
    let mut spaced = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, _) in text.match_indices('\'') {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| LAST.is_match(c.encode_utf8(&mut [0; 4]))) {
            continue;
        }
        let Some(word) = WORD.find(&text[at + 1..]) else {
            continue;
        };
        let is_short_form = ["re", "ve", "ll", "m", "t", "s", "d", "n"]
            .iter()
            .any(|form| word.as_str().eq_ignore_ascii_case(form));
        if !is_short_form {
            spaced.push_str(&text[copied..=at]);
            spaced.push(' ');
            copied = at + 1;
        }
    }
    spaced.push_str(&text[copied..]);
    spaced
}

/// Words that are two: the first, and what follows in the same run of letters
/// or after an apostrophe.
const CONTRACTIONS: [(&str, &str); 8] = [
    ("can", "not"),
    ("d", "'ye"),
    ("gim", "me"),
    ("gon", "na"),
    ("got", "ta"),
    ("lem", "me"),
    ("more", "'n"),
    ("wan", "na"),
];

fn contractions_apart(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        spaced.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = run_end(rest, 0);
        // The run after an apostrophe, where there is one.
        let far_end = match rest[end..].strip_prefix('\'') {
            Some(_) => run_end(rest, end + 1),
            None => end,
        };
        let parts = CONTRACTIONS.iter().find_map(|&(first, second)| {
            let whole = if second.starts_with('\'') {
                far_end
            } else {
                end
            };
            let follows = second != "na" || first != "wan" || rest[end..].starts_with(is_space);
            let folded = rest[..whole].chars().map(fold);
            (follows && folded.eq(first.chars().chain(second.chars()).map(fold))).then(|| {
                let cut = rest
                    .char_indices()
                    .nth(first.len())
                    .map_or(whole, |(at, _)| at);
                (cut, whole)
            })
        });
        match parts {
            Some((cut, whole)) => {
                spaced.extend([" ", &rest[..cut], " ", &rest[cut..whole], " "]);
                rest = &rest[whole..];
            }
            None => {
                spaced.push_str(&rest[..end]);
                rest = &rest[end..];
            }
        }
    }
    spaced.push_str(rest);
    spaced
}

/// The end of the run of word characters that starts at `start`.
fn run_end(text: &str, start: usize) -> usize {
    text[start..]
        .find(|c| !is_word(c))
        .map_or(text.len(), |length| start + length)
}
