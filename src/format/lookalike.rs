//! Counts what looks like a marker and is none: `<THINK>`, `< think >`,
//! `[think]`, `&lt;think&gt;`, `＜think＞`, a Cyrillic letter, a zero-width
//! space inside.
//!
//! A metric, never a rule: a look-alike is ordinary text. Many of them show
//! that a policy (or a tokenizer) writes tags that nobody will count.

use std::borrow::Cow;

use aho_corasick::{AhoCorasick, MatchKind};

/// Finds the words of the markers between anything like brackets.
#[derive(Clone, Debug)]
pub(super) struct Lookalikes {
    words: AhoCorasick,
}

impl Lookalikes {
    /// For these markers.
    pub(super) fn new<'m>(markers: impl Iterator<Item = &'m str>) -> Result<Self, String> {
        let mut words: Vec<String> = markers
            .map(|marker| {
                marker
                    .chars()
                    .filter(|c| c.is_alphanumeric() || *c == '_')
                    .collect()
            })
            .collect();
        words.sort_unstable();
        words.dedup();
        let words = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(words)
            .map_err(|error| error.to_string())?;
        Ok(Self { words })
    }

    /// How many there are beside the `exact` true markers.
    pub(super) fn count(&self, text: &str, exact: usize) -> usize {
        let folded = fold(text);
        let bytes = folded.as_bytes();
        let found = self
            .words
            .find_iter(bytes)
            .filter(|word| opens(&bytes[..word.start()]) && closes(&bytes[word.end()..]));
        found.count().saturating_sub(exact)
    }
}

/// Longest filling (` `, `/`, `|`) between bracket and word.
const FILLING: usize = 4;

fn filling(byte: &u8) -> bool {
    matches!(byte, b' ' | b'/' | b'|' | b'\\' | b'\t')
}

fn opens(before: &[u8]) -> bool {
    let skipped = before
        .iter()
        .rev()
        .take(FILLING)
        .take_while(|byte| filling(byte))
        .count();
    let before = &before[..before.len() - skipped];
    before.ends_with(b"<") || before.ends_with(b"[") || before.ends_with(b"&lt;")
}

fn closes(after: &[u8]) -> bool {
    let skipped = after
        .iter()
        .take(FILLING)
        .take_while(|byte| filling(byte))
        .count();
    let after = &after[skipped..];
    let attribute = after
        .iter()
        .take(16)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    after.starts_with(b">")
        || after.starts_with(b"]")
        || after.starts_with(b"&gt;")
        || (skipped > 0 && attribute > 0 && after.get(attribute) == Some(&b'='))
}

/// The text with confusable characters replaced by what they imitate; ASCII
/// text is not copied.
fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(wide) = rest.bytes().position(|byte| !byte.is_ascii()) {
        folded.push_str(&rest[..wide]);
        let mut chars = rest[wide..].chars();
        if let Some(c) = chars.next().and_then(imitated) {
            folded.push(c);
        }
        rest = chars.as_str();
    }
    folded.push_str(rest);
    Cow::Owned(folded)
}

/// The imitated character; `None` for an invisible one.
fn imitated(c: char) -> Option<char> {
    Some(match c {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => return None,
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
        '‹' | '⟨' | '〈' | '《' | '◁' | '【' => '<',
        '›' | '⟩' | '〉' | '》' | '▷' | '】' => '>',
        // Full-width forms stand in ASCII order.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        'а' | 'α' | 'А' => 'a',
        'е' | 'ε' | 'Е' => 'e',
        'һ' | 'Н' => 'h',
        'і' | 'ι' | 'ı' | 'І' => 'i',
        'к' | 'κ' | 'К' => 'k',
        'п' | 'ո' | 'ν' => 'n',
        'о' | 'ο' | 'О' => 'o',
        'р' | 'ρ' | 'г' => 'r',
        'ѕ' | 'Ѕ' => 's',
        'т' | 'τ' | 'Т' => 't',
        'ѡ' | 'ԝ' | 'ω' => 'w',
        _ => c,
    })
}
