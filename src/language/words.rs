//! The words of a text: unmasked text in, words with their scripts out.
//!
//! A word is a run of letters as in Unicode's UAX #29, with these differences,
//! each of which keeps a policy from joining words or hiding them: a full stop,
//! a colon or a `_` between letters ends a word; so does a change of script,
//! except between scripts that look alike, where the word is
//! [`Script::Mixed`]. Runs of Han, kana and Thai, which write no spaces, are
//! cut by ICU's dictionary.

use icu_segmenter::options::WordBreakInvariantOptions;
use icu_segmenter::{WordSegmenter, WordSegmenterBorrowed};

use super::mask::{Kind as MaskKind, Region};
use super::script::{Kind, Script, kind};

/// Letters above which a word counts as one word for every eight letters:
/// nobody writes such words, and leaving out the spaces must not pay.
const LONG_WORD: usize = 64;

/// Bytes of a run that the dictionary sees at once; bounds its memory.
const RUN_BYTES: usize = 3072;

/// What stands between a word and the word before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Boundary {
    /// Spaces, or something masked inside a sentence.
    None,
    /// A comma, a bracket, a quote.
    Clause,
    /// The end of a line.
    Line,
    /// The end of a sentence or of a paragraph.
    Sentence,
}

/// One word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// First byte in the text.
    pub(super) start: u32,
    /// The byte after the last.
    pub(super) end: u32,
    /// How many words it counts for: 1, except in runs of very many letters.
    pub(super) count: u32,
    pub(super) script: Script,
    pub(super) boundary: Boundary,
    /// A digit or `_` stands right before or behind it: part of a name of code.
    pub(super) joined: bool,
    /// Stands between brackets right behind the word before it.
    pub(super) gloss: bool,
}

impl Word {
    /// The word's letters.
    pub(super) fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start as usize..self.end as usize]
    }
}

/// The words outside the masked regions. The text has at most `u32::MAX` bytes.
pub(super) fn words(text: &str, masked: &[Region]) -> Vec<Word> {
    let mut scanner = Scanner {
        text,
        segmenter: WordSegmenter::new_dictionary(WordBreakInvariantOptions::default()),
        words: Vec::with_capacity(text.len() / 8),
        boundary: Boundary::Sentence,
        bracket: None,
    };
    let mut from = 0;
    for region in masked {
        scanner.piece(from, region.range.start);
        scanner.boundary = scanner.boundary.max(match region.kind {
            MaskKind::Inline => Boundary::None,
            MaskKind::Between => Boundary::Clause,
            MaskKind::Block => Boundary::Sentence,
        });
        from = region.range.end;
    }
    scanner.piece(from, text.len());
    scanner.words
}

struct Scanner<'t> {
    text: &'t str,
    segmenter: WordSegmenterBorrowed<'static>,
    words: Vec<Word>,
    /// What has been seen since the last word.
    boundary: Boundary,
    /// Where a bracket opened right behind a word, and nothing but that since.
    bracket: Option<usize>,
}

impl Scanner<'_> {
    /// The words of `text[from..to]`.
    fn piece(&mut self, from: usize, to: usize) {
        let bytes = self.text.as_bytes();
        let mut at = from;
        while at < to {
            let byte = bytes[at];
            if byte.is_ascii() && !byte.is_ascii_alphabetic() {
                self.between(byte as char, at, to);
                at += 1;
                continue;
            }
            let c = next_char(self.text, at);
            match kind(c) {
                Kind::Letter(script) if script.has_no_spaces() => at = self.run(at, to, script),
                Kind::Letter(script) => at = self.word(at, to, script),
                Kind::Mark => at += c.len_utf8(),
                Kind::Break => {
                    self.between(c, at, to);
                    at += c.len_utf8();
                }
            }
        }
    }

    /// A character between words.
    fn between(&mut self, c: char, at: usize, to: usize) {
        let seen = match c {
            ' ' | '0'..='9' | '_' => return,
            '\n' if self.boundary == Boundary::Line => Boundary::Sentence,
            '\n' => Boundary::Line,
            '.' => match self.text.as_bytes().get(at + 1) {
                Some(next) if at + 1 < to && !next.is_ascii_whitespace() => Boundary::None,
                _ => Boundary::Sentence,
            },
            '!' | '?' | '。' | '！' | '？' | '؟' | '۔' | '।' | '…' | '．' => {
                Boundary::Sentence
            }
            '(' | '（' | '[' | '【' => {
                let behind_word = self
                    .words
                    .last()
                    .is_some_and(|word| word.end as usize == at);
                self.bracket = behind_word.then_some(self.words.len());
                Boundary::Clause
            }
            ',' | ';' | ':' | ')' | '"' | '|' | '，' | '、' | '；' | '：' | '）' | '،' | '؛'
            | '“' | '”' | '„' | '«' | '»' | '‹' | '›' | '「' | '」' | '『' | '』' | '《' | '》'
            | ']' | '】' | '—' | '–' => Boundary::Clause,
            _ => Boundary::None,
        };
        self.boundary = self.boundary.max(seen);
    }

    /// A word of a script with spaces; returns where it ends.
    fn word(&mut self, start: usize, to: usize, first: Script) -> usize {
        let bytes = self.text.as_bytes();
        let mut script = first;
        let mut letters = 0;
        let mut at = start;
        while at < to {
            let byte = bytes[at];
            if byte.is_ascii_alphabetic() && script == Script::Latin {
                letters += 1;
                at += 1;
                continue;
            }
            let c = next_char(self.text, at);
            let behind = at + c.len_utf8();
            match kind(c) {
                Kind::Letter(other) if other == script => letters += 1,
                Kind::Letter(other) if other.looks_like(script) => {
                    letters += 1;
                    script = Script::Mixed;
                }
                Kind::Mark => {}
                Kind::Break if is_apostrophe(c) && behind < to => {
                    match kind(next_char(self.text, behind)) {
                        Kind::Letter(next) if next == script => {}
                        _ => break,
                    }
                }
                _ => break,
            }
            at = behind;
        }
        let count = match letters {
            0..=LONG_WORD => 1,
            more => more / 8,
        };
        self.push(start, at, script, count, at < to);
        at
    }

    /// A run of a script without spaces, cut by dictionary; returns its end.
    fn run(&mut self, start: usize, to: usize, first: Script) -> usize {
        let mut end = start;
        let limit = to.min(start + RUN_BYTES);
        for c in self.text[start..to].chars() {
            let goes_on = match kind(c) {
                Kind::Letter(Script::Thai) => first == Script::Thai,
                Kind::Letter(script) => script.has_no_spaces() && first != Script::Thai,
                Kind::Mark => true,
                Kind::Break => false,
            };
            if !goes_on || end + c.len_utf8() > limit {
                break;
            }
            end += c.len_utf8();
        }
        let run = &self.text[start..end];
        let mut cut = 0;
        let segmenter = self.segmenter;
        for next in segmenter.segment_str(run).skip(1) {
            let mut script = None;
            for c in run[cut..next].chars() {
                match kind(c) {
                    Kind::Letter(Script::Kana) => script = Some(Script::Kana),
                    Kind::Letter(other) => script = script.or(Some(other)),
                    _ => {}
                }
            }
            if let Some(script) = script {
                self.push(start + cut, start + next, script, 1, false);
            }
            cut = next;
        }
        end
    }

    fn push(&mut self, start: usize, end: usize, script: Script, count: usize, more: bool) {
        let bytes = self.text.as_bytes();
        let joins = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        let joined = (start > 0 && joins(bytes[start - 1])) || (more && joins(bytes[end]));
        self.words.push(Word {
            start: start as u32,
            end: end as u32,
            count: count as u32,
            script,
            boundary: self.boundary,
            joined,
            gloss: self.bracket == Some(self.words.len()),
        });
        self.boundary = Boundary::None;
    }
}

fn next_char(text: &str, at: usize) -> char {
    text[at..].chars().next().expect("`at` is inside the text")
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | '·' | '״' | '׳')
}

#[cfg(test)]
mod tests {
    use super::super::mask::{Masking, mask};
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let regions = mask(text, Masking::Plain);
        let words = words(text, &regions);
        words.iter().map(|word| word.text(text)).collect()
    }

    #[test]
    fn cuts() {
        for (text, expected) in [
            ("It's 3x + y_1", &["It's", "x", "y"][..]),
            ("a.b.c", &["a", "b", "c"]),
            ("l'hypothèse d’abord", &["l'hypothèse", "d’abord"]),
            ("KBS에서 x는", &["KBS", "에서", "x", "는"]),
            ("می\u{200C}دانیم که", &["می\u{200C}دانیم", "که"]),
            ("我们need先计算", &["我们", "need", "先", "计算"]),
            ("读 `code` 题", &["读", "题"]),
            ("①②③ Ⅳ ½ 12", &[]),
            ("e\u{301}t\u{e9}", &["e\u{301}t\u{e9}"]),
            ("\u{202B}نعم\u{202C}", &["نعم\u{202C}"]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn look_alikes_are_one_mixed_word() {
        let text = "thе";
        let words = words(text, &[]);
        assert_eq!((words.len(), words[0].script), (1, Script::Mixed));
    }

    #[test]
    fn a_word_without_end_counts_for_many() {
        let text = "a".repeat(800);
        assert_eq!(words(&text, &[])[0].count, 100);
    }
}
