//! Words that count neither for nor against: words in, the set of neutral ones
//! out.
//!
//! Single letters (variables), acronyms, names of functions and units, short
//! pieces of names of code (`x1`, `3rd`), the caller's own list, and names in
//! Latin letters inside a text of another script. Each rule is bounded, so that
//! sentences cannot be written in neutral words: three acronyms in a row count
//! as words, so do three capitalised words, and so do all of them in a text of
//! little else.

use super::options::{LanguageOptions, Names};
use super::script::Kind;
use super::script::{Script, kind};
use super::tag::Language;
use super::words::{Boundary, Word};

/// Longest acronym, in letters; and most in a row.
const ACRONYM_LETTERS: usize = 5;
const ACRONYMS: usize = 2;

/// Most capitalised Latin words in a row that are a name.
const NAME_WORDS: usize = 2;

/// Names and acronyms that a text may have however few other words it has; with
/// more they are neutral only up to one for every two words that count.
const FEW_NAMES: usize = 3;

/// Longest piece of a name of code, in letters.
const JOINED_LETTERS: usize = 3;

/// Most Han words in the brackets that explain a Korean word.
const GLOSS_WORDS: usize = 3;

/// For each word, whether it is neutral.
pub(super) fn neutral(
    text: &str,
    words: &[Word],
    target: Option<Language>,
    options: &LanguageOptions,
) -> Vec<bool> {
    let allow: Vec<String> = options
        .allow
        .iter()
        .map(|word| word.to_lowercase())
        .collect();
    let mut neutral: Vec<bool> = words
        .iter()
        .map(|word| is_notation(text, word) || is_allowed(text, word, &allow))
        .collect();
    let notation = neutral.clone();
    acronyms(text, words, &mut neutral);
    if options.names == Names::Neutral && target.is_some_and(|target| !writes_latin(target)) {
        names(text, words, &mut neutral);
    }
    if target == Some(Language::Ko) {
        glosses(words, &mut neutral);
    }
    // Whoever writes in nothing but names and acronyms has written words.
    let counted = neutral.iter().filter(|neutral| !**neutral).count();
    let named = words.len() - counted - notation.iter().filter(|neutral| **neutral).count();
    match named > FEW_NAMES && 2 * named > counted {
        true => notation,
        false => neutral,
    }
}

/// A single letter, a function, a unit, or a short piece of a name of code.
fn is_notation(text: &str, word: &Word) -> bool {
    if !matches!(
        word.script,
        Script::Latin | Script::Greek | Script::Cyrillic | Script::Mixed
    ) {
        return false;
    }
    let letters = word.text(text);
    if letters.len() > 24 {
        return false;
    }
    match letter_count(letters) {
        0 | 1 => true,
        count if word.joined && count <= JOINED_LETTERS => true,
        _ if is_roman_numeral(letters) => true,
        // `μm`, `Δx`: two scripts, but no disguise.
        2 if word.script == Script::Mixed => true,
        2..=6 if letters.len() <= 6 => is_function_or_unit(letters),
        _ => false,
    }
}

/// `II`, `XIV`: up to five capitals that are digits.
fn is_roman_numeral(letters: &str) -> bool {
    letters.len() <= ACRONYM_LETTERS && letters.bytes().all(|byte| b"IVXLCDM".contains(&byte))
}

/// Functions and units that every language writes alike, in any case.
fn is_function_or_unit(letters: &str) -> bool {
    let mut lower = [0; 6];
    let lower = &mut lower[..letters.len().min(6)];
    lower.copy_from_slice(&letters.as_bytes()[..lower.len()]);
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"arccos"
            | b"arcsin"
            | b"arctan"
            | b"arg"
            | b"cm"
            | b"cos"
            | b"cosh"
            | b"cot"
            | b"csc"
            | b"det"
            | b"dm"
            | b"exp"
            | b"gcd"
            | b"ghz"
            | b"hz"
            | b"inf"
            | b"kb"
            | b"kg"
            | b"khz"
            | b"km"
            | b"kw"
            | b"lcm"
            | b"lim"
            | b"ln"
            | b"log"
            | b"max"
            | b"mb"
            | b"mg"
            | b"mhz"
            | b"min"
            | b"ml"
            | b"mm"
            | b"mod"
            | b"ms"
            | b"nm"
            | b"pi"
            | b"qed"
            | b"rad"
            | b"sec"
            | b"sin"
            | b"sinh"
            | b"sqrt"
            | b"sup"
            | b"tan"
    )
}

fn is_allowed(text: &str, word: &Word, allow: &[String]) -> bool {
    !allow.is_empty() && {
        let lower = word.text(text).to_lowercase();
        allow.contains(&lower)
    }
}

/// Capitals only, up to five, and no more than two such words in a row.
fn acronyms(text: &str, words: &[Word], neutral: &mut [bool]) {
    let is_acronym = |word: &Word| {
        let letters = word.text(text);
        matches!(
            word.script,
            Script::Latin | Script::Cyrillic | Script::Greek
        ) && letters.len() <= 4 * ACRONYM_LETTERS
            && (2..=ACRONYM_LETTERS).contains(&letter_count(letters))
            && letters
                .chars()
                .all(|c| c.is_uppercase() || kind(c) == Kind::Mark)
    };
    each_run(words, &is_acronym, |run| {
        if run.len() <= ACRONYMS {
            neutral[run].fill(true);
        }
    });
}

/// One or two Latin words in a row, each with a capital.
fn names(text: &str, words: &[Word], neutral: &mut [bool]) {
    let before: Vec<bool> = neutral.to_vec();
    each_run(words, &|word| word.script == Script::Latin, |run| {
        let mut counted = run.clone().filter(|index| !before[*index]);
        let few = counted.clone().count() <= NAME_WORDS;
        if few && counted.all(|index| words[index].text(text).starts_with(char::is_uppercase)) {
            neutral[run].fill(true);
        }
    });
}

/// Han words in brackets right behind a Korean word, as in `대한민국(大韓民國)`.
fn glosses(words: &[Word], neutral: &mut [bool]) {
    for start in 1..words.len() {
        if !words[start].gloss || words[start - 1].script != Script::Hangul {
            continue;
        }
        let length = words[start..]
            .iter()
            .enumerate()
            .take_while(|(index, word)| {
                word.script == Script::Han && (*index == 0 || word.boundary == Boundary::None)
            })
            .count();
        if length <= GLOSS_WORDS {
            neutral[start..start + length].fill(true);
        }
    }
}

/// Calls `see` with each longest run of words that satisfy `belongs`; a new
/// line or sentence begins a new run.
fn each_run(
    words: &[Word],
    belongs: &dyn Fn(&Word) -> bool,
    mut see: impl FnMut(std::ops::Range<usize>),
) {
    let mut start = 0;
    while start < words.len() {
        if !belongs(&words[start]) {
            start += 1;
            continue;
        }
        let mut end = start + 1;
        while end < words.len() && words[end].boundary < Boundary::Line && belongs(&words[end]) {
            end += 1;
        }
        see(start..end);
        start = end;
    }
}

fn letter_count(word: &str) -> usize {
    match word.is_ascii() {
        true => word.len(),
        false => word.chars().filter(|c| kind(*c) != Kind::Mark).count(),
    }
}

fn writes_latin(language: Language) -> bool {
    use Language::*;
    matches!(
        language,
        En | Es | Fr | De | It | Pt | Nl | Pl | Tr | Sv | Id | Vi
    )
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn counted<'t>(text: &'t str, target: &str) -> Vec<&'t str> {
        let words = words(text, &[]);
        let target = Some(target.parse().unwrap());
        let neutral = neutral(text, &words, target, &LanguageOptions::default());
        words
            .iter()
            .zip(neutral)
            .filter(|(_, neutral)| !neutral)
            .map(|(word, _)| word.text(text))
            .collect()
    }

    #[test]
    fn rules_and_their_bounds() {
        for (text, target, expected) in [
            ("x is sin y", "en", &["is"][..]),
            ("the DNA test", "en", &["the", "test"]),
            ("WE ADD BOTH", "en", &["WE", "ADD", "BOTH"]),
            ("the 3rd H2O", "en", &["the"]),
            ("根据 Fermat 定理", "zh", &["根据", "定理"]),
            (
                "根据 Fermat little 定理",
                "zh",
                &["根据", "Fermat", "little", "定理"],
            ),
            (
                "根据 The Train Moves",
                "zh",
                &["根据", "The", "Train", "Moves"],
            ),
            ("한국(韓國)의", "ko", &["한국", "의"]),
            ("한국 韓國", "ko", &["한국", "韓國"]),
            ("5 μm", "en", &[]),
            ("II, III, IV and V", "en", &["and"]),
        ] {
            assert_eq!(counted(text, target), expected, "{text}");
        }
    }
}
