//! Counting words well enough for a least length.

/// The number of words: runs of letters and digits, each Han, Kana or Hangul
/// character by itself. Invisible characters and punctuation make no words, so
/// a thinking of zero-width spaces has none.
pub(super) fn count(text: &str) -> usize {
    let mut words = 0;
    let mut inside = false;
    for c in text.chars() {
        let alone = matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}');
        let part = c.is_alphanumeric();
        if part && (alone || !inside) {
            words += 1;
        }
        inside = part && !alone;
    }
    words
}
