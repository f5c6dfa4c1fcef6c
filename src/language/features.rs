//! What the model sees of a word: its letters in, table rows out.
//!
//! Lower case, compatibility forms undone, no vowel points; then every n-gram
//! of 1 to 4 letters with the ends of the word marked, and the word itself,
//! each hashed into a row. The trainer and the model share this file: the
//! shipped model is only right for these features.

use unicode_normalization::UnicodeNormalization;

/// Letters of a word that are looked at.
const MAX_LETTERS: usize = 40;

/// Marks the two ends of a word; no letter.
const EDGE: u32 = 0x20;

/// An odd number with bits spread evenly (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Hash of no letters, for n-grams and for whole words.
const GRAM_SEED: u64 = 0x51AF_D7ED_558C_CD25;
const WORD_SEED: u64 = 0xC4CE_B9FE_1A85_EC53;

/// A word's letters, folded, between two edges.
pub(super) struct Letters {
    letters: [u32; MAX_LETTERS + 2],
    length: usize,
}

impl Letters {
    /// Folds a word.
    pub(super) fn of(word: &str) -> Self {
        let mut letters = Self {
            letters: [EDGE; MAX_LETTERS + 2],
            length: 1,
        };
        if word.is_ascii() {
            for byte in word.bytes().take(MAX_LETTERS) {
                letters.push(u32::from(byte.to_ascii_lowercase()));
            }
        } else if word.chars().take(4 * MAX_LETTERS).any(has_other_form) {
            for c in word.chars().take(4 * MAX_LETTERS).nfkc() {
                letters.fold(c);
            }
        } else {
            for c in word.chars().take(2 * MAX_LETTERS) {
                letters.fold(c);
            }
        }
        letters.letters[letters.length] = EDGE;
        letters.length += 1;
        letters
    }

    fn fold(&mut self, c: char) {
        match c {
            '’' | '‘' | 'ʼ' => self.push(u32::from(b'\'')),
            // Vowel points, the stretched line, joiners, controls.
            '\u{64B}'..='\u{652}' | '\u{640}' | '\u{AD}' | '\u{200B}'..='\u{200F}' => {}
            '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' => {}
            // What is left of the dot of a Turkish capital, or has no composed form.
            '\u{300}'..='\u{36F}' => {}
            _ => {
                for lower in c.to_lowercase().filter(|lower| *lower != '\u{307}') {
                    self.push(lower as u32);
                }
            }
        }
    }

    fn push(&mut self, letter: u32) {
        if self.length <= MAX_LETTERS {
            self.letters[self.length] = letter;
            self.length += 1;
        }
    }

    /// Calls `see` with the row of every feature, in a table of `1 << bits` rows.
    pub(super) fn rows(&self, bits: u32, mut see: impl FnMut(usize)) {
        let shift = u64::BITS - bits;
        let letters = &self.letters[..self.length];
        let mut word = WORD_SEED;
        for (start, first) in letters.iter().enumerate() {
            word = step(word, *first);
            let mut gram = step(GRAM_SEED, *first);
            if *first != EDGE {
                see((gram >> shift) as usize);
            }
            for next in letters[start + 1..].iter().take(3) {
                gram = step(gram, *next);
                see((gram >> shift) as usize);
            }
        }
        see((word >> shift) as usize);
    }
}

fn step(hash: u64, letter: u32) -> u64 {
    let mixed = (hash ^ u64::from(letter)).wrapping_mul(SPREAD);
    mixed ^ (mixed >> 29)
}

/// Whether a character may have another form after NFKC: marks to compose,
/// full-width, styled, circled and presentation forms.
fn has_other_form(c: char) -> bool {
    matches!(
        c as u32,
        0x300..=0x36F
            | 0x24B6..=0x24E9
            | 0xF900..=0xFAFF
            | 0xFB00..=0xFDFF
            | 0xFE70..=0xFEFF
            | 0xFF21..=0xFF9F
            | 0x1D400..=0x1D7FF
            | 0x1F110..=0x1F189
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(word: &str) -> Vec<usize> {
        let mut rows = Vec::new();
        Letters::of(word).rows(16, |row| rows.push(row));
        rows
    }

    #[test]
    fn forms_of_a_word_are_one() {
        for (left, right) in [
            ("WORD", "word"),
            ("été", "e\u{301}te\u{301}"),
            ("ｗｏｒｄ", "word"),
            ("𝐰𝐨𝐫𝐝", "word"),
            ("l’eau", "l'eau"),
            ("İzmir", "izmir"),
            ("مُحَمَّد", "محمد"),
        ] {
            assert_eq!(rows(left), rows(right), "{left} {right}");
        }
        assert_ne!(rows("año"), rows("ano"));
    }

    #[test]
    fn long_words_are_cut() {
        assert!(rows(&"a".repeat(1_000_000)).len() <= 4 * (MAX_LETTERS + 2) + 1);
        assert!(rows(&"\u{301}".repeat(1_000_000)).len() < 10);
    }
}
