//! Simplified or Traditional: a Chinese word in, the script that only it can be.
//!
//! By the characters that only one of the two has; most are shared and say
//! nothing. Source: Unicode's Unihan database (`kSimplifiedVariant`,
//! `kTraditionalVariant`), made by `training/language/unihan_variants.py`; licence in `LICENSE-UNICODE`.

use super::tag::Language;

/// First line: Simplified only. Second line: Traditional only.
const VARIANTS: &str = include_str!("han_variants.txt");

/// First and last character of the table.
const RANGE: (u32, u32) = (0x4E00, 0x9FFF);

/// 64-bit words of one bit per character of [`RANGE`].
const WORDS: usize = ((RANGE.1 - RANGE.0) as usize >> 6) + 1;

/// One set of characters for each of the two lines.
static SETS: [[u64; WORDS]; 2] = read(VARIANTS.as_bytes());

const fn read(text: &[u8]) -> [[u64; WORDS]; 2] {
    let mut sets = [[0; WORDS]; 2];
    let mut line = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'\n' {
            line += 1;
            at += 1;
            continue;
        }
        // Every character of the table takes three bytes of UTF-8.
        let point = ((text[at] as u32 & 0x0F) << 12)
            | ((text[at + 1] as u32 & 0x3F) << 6)
            | (text[at + 2] as u32 & 0x3F);
        let bit = (point - RANGE.0) as usize;
        sets[line][bit >> 6] |= 1 << (bit & 63);
        at += 3;
    }
    sets
}

/// Which script of Chinese the word shows: `None` if all of its characters are
/// shared, or if it mixes both.
pub(super) fn variant(word: &str) -> Option<Language> {
    let shows = |set: &[u64; WORDS]| {
        word.chars().any(|c| {
            let point = c as u32;
            (RANGE.0..=RANGE.1).contains(&point) && {
                let bit = (point - RANGE.0) as usize;
                set[bit >> 6] >> (bit & 63) & 1 == 1
            }
        })
    };
    match (shows(&SETS[0]), shows(&SETS[1])) {
        (true, false) => Some(Language::ZhHans),
        (false, true) => Some(Language::ZhHant),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_characters_of_one_side_decide() {
        assert_eq!(variant("题目"), Some(Language::ZhHans));
        assert_eq!(variant("題目"), Some(Language::ZhHant));
        for shared in ["的", "后面", "一", "", "abc", "发發"] {
            assert_eq!(variant(shared), None, "{shared}");
        }
    }
}
