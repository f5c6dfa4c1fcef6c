//! The language of every word: words in, a label each out.
//!
//! The script decides where one known language writes it; the model and the
//! search of [`super::viterbi`] decide between languages of one script. Kana
//! are Japanese; a sentence of eight Han characters or more without kana is not.

use super::han;
use super::model::{GROUPS, Group, of_script};
use super::script::{Kind, Script, kind};
use super::tag::Language;
use super::viterbi::{Observed, columns};
use super::words::{Boundary, Word};

/// Han characters from which a sentence without kana is not Japanese.
const HAN_ALONE: usize = 8;

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// Counts neither for nor against.
    Neutral,
    /// In this language; `None` for one that is not known, and for words of
    /// several scripts.
    In(Option<Language>),
}

/// The labels of the words; neutral words keep out of the search.
pub(super) fn labels(
    text: &str,
    words: &[Word],
    neutral: &[bool],
    target: Option<Language>,
) -> Vec<Label> {
    let mut labels: Vec<Label> = words
        .iter()
        .zip(neutral)
        .map(|(word, neutral)| match neutral {
            true => Label::Neutral,
            false => Label::In(of_script(word.script)),
        })
        .collect();
    for group in &GROUPS {
        search(group, text, words, target, &mut labels);
    }
    kana(text, words, &mut labels);
    if let Some(script @ (Language::ZhHans | Language::ZhHant)) = target {
        variants(text, words, script, &mut labels);
    }
    labels
}

/// Labels the words of one group of languages.
fn search(
    group: &Group,
    text: &str,
    words: &[Word],
    target: Option<Language>,
    labels: &mut [Label],
) {
    let mut members = Vec::new();
    // What stood before neutral words and words of other scripts still stands
    // before the next word, and another script between is a break by itself.
    let mut boundary = Boundary::None;
    for (index, word) in words.iter().enumerate() {
        boundary = boundary.max(word.boundary);
        if labels[index] == Label::Neutral {
            continue;
        }
        if Group::of(word.script) == Some(group) {
            members.push((index, boundary));
            boundary = Boundary::None;
        } else {
            boundary = boundary.max(Boundary::Clause);
        }
    }
    if members.is_empty() {
        return;
    }
    let observed = members.iter().map(|(index, boundary)| Observed {
        word: words[*index].text(text),
        boundary: *boundary,
    });
    let target = target.and_then(|target| group.column(target.base()));
    for ((index, _), column) in members.iter().zip(columns(group, observed, target)) {
        labels[*index] = Label::In(Some(group.languages[usize::from(column)]));
    }
}

/// Makes words with kana Japanese, and Han words without any kana near Chinese.
fn kana(text: &str, words: &[Word], labels: &mut [Label]) {
    let mut start = 0;
    while start < words.len() {
        let length = words[start + 1..]
            .iter()
            .position(|word| word.boundary >= Boundary::Line);
        let end = length.map_or(words.len(), |length| start + 1 + length);
        let mut has_kana = false;
        let mut han = 0;
        for (word, label) in words[start..end].iter().zip(&mut labels[start..end]) {
            match word.script {
                Script::Kana => {
                    has_kana = true;
                    if *label != Label::Neutral {
                        *label = Label::In(Some(Language::Ja));
                    }
                }
                Script::Han => {
                    han += word
                        .text(text)
                        .chars()
                        .filter(|c| kind(*c) == Kind::Letter(Script::Han))
                        .count();
                }
                _ => {}
            }
        }
        if !has_kana && han >= HAN_ALONE {
            for (word, label) in words[start..end].iter().zip(&mut labels[start..end]) {
                if word.script == Script::Han && *label != Label::Neutral {
                    *label = Label::In(Some(Language::Zh));
                }
            }
        }
        start = end;
    }
}

/// Tells the two scripts of Chinese apart. A word with characters of one script
/// only is in that script; a word of shared characters goes with most of its
/// sentence, and where that says nothing with the wanted script.
fn variants(text: &str, words: &[Word], wanted: Language, labels: &mut [Label]) {
    let other = match wanted {
        Language::ZhHans => Language::ZhHant,
        _ => Language::ZhHans,
    };
    let chinese = Label::In(Some(Language::Zh));
    let mut start = 0;
    while start < words.len() {
        let length = words[start + 1..]
            .iter()
            .position(|word| word.boundary >= Boundary::Line);
        let end = length.map_or(words.len(), |length| start + 1 + length);
        let shown: Vec<Option<Language>> = (start..end)
            .map(|index| match labels[index] == chinese {
                true => han::variant(words[index].text(text)),
                false => None,
            })
            .collect();
        let count = |language| {
            shown
                .iter()
                .filter(|shown| **shown == Some(language))
                .count()
        };
        let most = match count(other) > count(wanted) {
            true => other,
            false => wanted,
        };
        for (label, shown) in labels[start..end].iter_mut().zip(&shown) {
            if *label == chinese {
                *label = Label::In(Some(shown.unwrap_or(most)));
            }
        }
        start = end;
    }
}
