//! Whether text between the delimiters of code or a formula reads as prose.
//!
//! Prose has many words and few signs; code and formulas have a sign for every
//! few words. Known gap: whoever strews enough signs between the words passes
//! for code. What that gains is seen in `masked_fraction`.

/// Words below which a range is too short to hide anything in.
const MIN_WORDS: usize = 8;

/// A range with at least one sign for so many words is code or a formula.
const WORDS_PER_SIGN: usize = 6;

/// Whether the text is prose: at least 8 words, and more than six for every
/// sign of code. Two characters of a script without spaces count as a word.
pub(super) fn is_prose(text: &str) -> bool {
    let mut tally = Tally::default();
    tally.read(text);
    tally.is_prose()
}

/// Whether the pieces together are prose.
pub(super) fn is_prose_in_pieces<'t>(pieces: impl Iterator<Item = &'t str>) -> bool {
    let mut tally = Tally::default();
    pieces.for_each(|piece| tally.read(piece));
    tally.is_prose()
}

/// What was seen.
#[derive(Default)]
struct Tally {
    words: usize,
    signs: usize,
    /// Characters of scripts without spaces.
    dense: usize,
}

impl Tally {
    fn is_prose(&self) -> bool {
        let words = self.words + self.dense / 2;
        words >= MIN_WORDS && words > self.signs * WORDS_PER_SIGN
    }

    fn read(&mut self, text: &str) {
        let Self {
            words,
            signs,
            dense,
        } = self;
        let mut letters = 0;
        let mut command = false;
        let mut end_word = |letters: &mut usize, command: &mut bool| {
            if *letters >= 2 && !*command {
                *words += 1;
            }
            *letters = 0;
            *command = false;
        };
        for c in text.chars() {
            match c {
                'a'..='z' | 'A'..='Z' => letters += 1,
                '\u{0E00}'..='\u{0EFF}' | '\u{3005}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFF}' => {
                    *dense += usize::from(c.is_alphabetic());
                }
                c if c.is_alphabetic() => letters += 1,
                _ => {
                    end_word(&mut letters, &mut command);
                    command = c == '\\';
                    *signs += usize::from(matches!(
                        c,
                        '=' | '+'
                            | '*'
                            | '/'
                            | '\\'
                            | '{'
                            | '['
                            | '('
                            | '<'
                            | '>'
                            | '_'
                            | '#'
                            | '|'
                            | '&'
                            | '^'
                            | '%'
                            | '~'
                            | '@'
                            | ';'
                    ));
                }
            }
        }
        end_word(&mut letters, &mut command);
    }
}

#[cfg(test)]
mod tests {
    use super::is_prose;

    #[test]
    fn prose_and_code() {
        for text in [
            "First, let us restate the problem carefully before doing any computation.",
            "首先，我们需要仔细重新阅读题目，弄清楚已知条件和要求的结果。",
            "We set $x$ to be the number of apples, so that the whole cost is then seven.",
        ] {
            assert!(is_prose(text), "{text}");
        }
        for text in [
            "for all positive integers",
            "x = 5",
            "\\sum_{k=1}^{n} k^2 = \\frac{n(n+1)}{6} \\quad \\text{for all positive integers } n",
            "def solve(total, fixed, unit):\n    # compute the number of items bought\n    return (total - fixed) // unit\n",
            "\\alpha \\beta \\gamma \\delta \\epsilon \\zeta \\eta \\theta \\iota",
        ] {
            assert!(!is_prose(text), "{text}");
        }
    }
}
