//! The score: labels counted, spans joined, and what is said of them.

use std::ops::Range;

use serde_json::{Value, json};

use super::label::{Label, labels};
use super::mask::{Masking, mask};
use super::model::{COLUMNS, Group, NAT};
use super::neutral::neutral;
use super::options::{LanguageOptions, Shaping};
use super::tag::Language;
use super::words::{Word, words};
use crate::verdict::Measure;

/// Longest text that is judged, in bytes; a longer one abstains.
const MAX_BYTES: usize = 64 << 20;

/// Spans that a measure's detail keeps.
const SHOWN_SPANS: usize = 32;

/// Share of the words from which a language is the language of a text.
const CLEAR_SHARE: f64 = 0.6;

/// What was found in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Consistency {
    /// The language that was asked for.
    pub target: Language,
    /// Words that count.
    pub words: usize,
    /// Words in the target language.
    pub target_words: usize,
    /// How often the language changes from one word to the next.
    pub switches: usize,
    /// The language of most words; `None` without words, or if it is not known.
    pub dominant: Option<Language>,
    /// The stretches that are not in the target language, in order.
    pub spans: Vec<Span>,
    /// The share of the text's bytes that was masked, in `[0, 1]`.
    pub masked_fraction: f64,
    /// Why there is no score.
    pub abstains: Option<&'static str>,
}

/// A stretch of words in one language.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// From its first word to its last, in bytes of the text.
    pub range: Range<usize>,
    /// The language; `None` if it is not known.
    pub language: Option<Language>,
    /// How sure that is against the next best language, in `[0, 1]`.
    pub probability: f64,
    /// Words that count.
    pub words: usize,
}

impl Consistency {
    /// The share of words in the target language, in `[0, 1]`; `None` abstains.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        match self.abstains {
            Some(_) => None,
            None => Some(self.target_words as f64 / self.words as f64),
        }
    }

    /// The score as a measure, shaped, with the evidence: `target`, `dominant`,
    /// `words`, `target_words`, `switches`, `masked_fraction`, and the first 32
    /// `spans` as `[start, end, language, probability]`.
    #[must_use]
    pub fn into_measure(self, shaping: Shaping) -> Measure {
        let value = match (self.score(), shaping) {
            (Some(share), Shaping::Threshold(least)) => Some(f64::from(share >= least)),
            (Some(share), Shaping::AllSame) => Some(f64::from(share >= CLEAR_SHARE)),
            (share, Shaping::Linear) => share,
            (None, _) => None,
        };
        let spans: Vec<Value> = self
            .spans
            .iter()
            .take(SHOWN_SPANS)
            .map(|span| {
                let Range { start, end } = span.range;
                json!([start, end, code(span.language), span.probability])
            })
            .collect();
        let measure = Measure {
            value,
            reason: self.abstains,
            ..Measure::default()
        };
        measure
            .with("target", self.target.code())
            .with("dominant", self.dominant.map(Language::code))
            .with("words", self.words)
            .with("target_words", self.target_words)
            .with("switches", self.switches)
            .with("masked_fraction", rounded(self.masked_fraction))
            .with("spans", spans)
    }
}

/// BCP 47's code for a language that is not known.
fn code(language: Option<Language>) -> &'static str {
    language.map_or("und", Language::code)
}

/// Three decimals: enough to read, and the same on every machine.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Measures how much of the text is in the target language.
///
/// Abstains with `no_words` where nothing counts as a word, `too_few_words`
/// below [`LanguageOptions::min_words`], `text_too_long` above 64 MiB. Time and
/// memory grow linearly with the text.
///
/// ```
/// use goldstone::language::{Language, LanguageOptions, measure};
/// let options = LanguageOptions::default();
/// let text = "所以答案是七。";
/// assert_eq!(measure(text, Language::Zh, &options).score(), Some(1.0));
/// assert_eq!(measure(text, Language::Ko, &options).score(), Some(0.0));
/// ```
#[must_use]
pub fn measure(text: &str, target: Language, options: &LanguageOptions) -> Consistency {
    if text.len() > MAX_BYTES {
        return Consistency {
            abstains: Some("text_too_long"),
            ..Consistency::empty(target)
        };
    }
    let read = Read::new(text, Some(target), options);
    let mut found = Consistency::empty(target);
    found.masked_fraction = read.masked_fraction;
    let mut last = None;
    for (word, label) in read.words.iter().zip(&read.labels) {
        let Label::In(language) = *label else {
            continue;
        };
        let count = word.count as usize;
        found.words += count;
        found.switches += usize::from(last.is_some_and(|last| last != language));
        if belongs(language, target) {
            found.target_words += count;
        } else {
            let range = word.start as usize..word.end as usize;
            match found.spans.last_mut() {
                Some(span) if last == Some(language) => {
                    span.range.end = range.end;
                    span.words += count;
                }
                _ => found.spans.push(Span {
                    range,
                    language,
                    probability: 1.0,
                    words: count,
                }),
            }
        }
        last = Some(language);
    }
    found.dominant = read.dominant().and_then(|(language, _)| language);
    read.weigh(&mut found.spans);
    found.abstains = match found.words {
        0 => Some("no_words"),
        words if words < options.min_words as usize => Some("too_few_words"),
        _ => None,
    };
    found
}

/// The language of most of the text's words, and how clear that is: its share of
/// the words, or less where the model is less sure. `None` where no word counts
/// or the language of most is not known.
///
/// ```
/// use goldstone::language::{Language, detect};
/// let (language, share) = detect("Quelle est la somme des deux nombres ?").unwrap();
/// assert_eq!(language, Language::Fr);
/// assert!(share > 0.9);
/// assert_eq!(detect("12 + 30 = ?"), None);
/// ```
#[must_use]
pub fn detect(text: &str) -> Option<(Language, f64)> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let read = Read::new(text, None, &LanguageOptions::default());
    let (language, share) = read.dominant()?;
    let language = language?;
    let labelled = read.words.iter().zip(&read.labels);
    let words = labelled
        .filter(|(_, label)| **label == Label::In(Some(language)))
        .map(|(word, _)| word);
    Some((language, share.min(probability(text, words, language))))
}

/// What [`all_same`] compares.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'t> {
    /// What was asked.
    pub prompt: &'t str,
    /// The thinking.
    pub think: &'t str,
    /// The answer.
    pub answer: &'t str,
}

/// Whether prompt, thinking and answer are in one language: 1 or 0.
///
/// A part without words (an answer that is a number) is in every language. A
/// part with less than 60 % of its words in one language is in none. Abstains
/// with `no_words` where the prompt or the thinking has no words. The detail
/// has the language of each part.
#[must_use]
pub fn all_same(parts: Parts<'_>) -> Measure {
    let languages = [parts.prompt, parts.think, parts.answer].map(language_of);
    let measure = match languages {
        [Part::NoWords, _, _] | [_, Part::NoWords, _] => Measure::abstain("no_words"),
        [Part::In(prompt), Part::In(think), answer]
            if prompt == think && matches!(answer, Part::NoWords | Part::In(_)) =>
        {
            let same = answer == Part::NoWords || answer == Part::In(think);
            verdict(same)
        }
        _ => verdict(false),
    };
    let [prompt, think, answer] = languages.map(|part| match part {
        Part::In(language) => Some(language.code()),
        _ => None,
    });
    measure
        .with("prompt", prompt)
        .with("think", think)
        .with("answer", answer)
}

fn verdict(same: bool) -> Measure {
    let reason = if same { "all_same" } else { "mixed_languages" };
    Measure::of(f64::from(same)).because(reason)
}

/// The language of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    NoWords,
    Unclear,
    In(Language),
}

fn language_of(text: &str) -> Part {
    if text.len() > MAX_BYTES {
        return Part::Unclear;
    }
    let read = Read::new(text, None, &LanguageOptions::default());
    match read.dominant() {
        None => Part::NoWords,
        Some((Some(language), share)) if share >= CLEAR_SHARE => Part::In(language),
        Some(_) => Part::Unclear,
    }
}

impl Consistency {
    fn empty(target: Language) -> Self {
        Self {
            target,
            words: 0,
            target_words: 0,
            switches: 0,
            dominant: None,
            spans: Vec::new(),
            masked_fraction: 0.0,
            abstains: None,
        }
    }
}

fn belongs(language: Option<Language>, target: Language) -> bool {
    match (language, target) {
        (Some(language), Language::Zh) => language.base() == Language::Zh,
        (Some(language), target) => language == target,
        (None, _) => false,
    }
}

/// A text, its words and their labels.
struct Read<'t> {
    text: &'t str,
    words: Vec<Word>,
    labels: Vec<Label>,
    masked_fraction: f64,
}

impl<'t> Read<'t> {
    fn new(text: &'t str, target: Option<Language>, options: &LanguageOptions) -> Self {
        let masking = match options.strict_mask {
            true => Masking::Strict,
            false => Masking::Plain,
        };
        let regions = mask(text, masking);
        let masked: usize = regions.iter().map(|region| region.range.len()).sum();
        let words = words(text, &regions);
        let neutral = neutral(text, &words, target, options);
        let labels = labels(text, &words, &neutral, target);
        Self {
            text,
            words,
            labels,
            masked_fraction: masked as f64 / text.len().max(1) as f64,
        }
    }

    /// The commonest label and its share of the words.
    fn dominant(&self) -> Option<(Option<Language>, f64)> {
        let mut counts = [0_usize; 32];
        let mut total = 0;
        for (word, label) in self.words.iter().zip(&self.labels) {
            if let Label::In(language) = label {
                let index = language.map_or(counts.len() - 1, |language| language as usize);
                counts[index] += word.count as usize;
                total += word.count as usize;
            }
        }
        // The first of equals, so that order decides nothing.
        let most = (0..counts.len()).rev().max_by_key(|index| counts[*index])?;
        (total > 0).then(|| {
            let language = Language::all().find(|language| *language as usize == most);
            (language, counts[most] as f64 / total as f64)
        })
    }

    /// Sets how sure the languages of the spans are: the model's odds of all
    /// words of the span together, against the next best language.
    fn weigh(&self, spans: &mut [Span]) {
        let mut from = 0;
        for span in spans.iter_mut().take(SHOWN_SPANS) {
            let Some(language) = span.language else {
                continue;
            };
            from +=
                self.words[from..].partition_point(|word| (word.start as usize) < span.range.start);
            let inside = self.words[from..].iter().zip(&self.labels[from..]);
            let inside = inside
                .take_while(|(word, _)| (word.start as usize) < span.range.end)
                .filter(|(_, label)| **label != Label::Neutral)
                .map(|(word, _)| word);
            span.probability = probability(self.text, inside, language);
        }
    }
}

/// How sure the language of the words is: the model's odds of all of them
/// together against the next best language; 1 where their script decides.
fn probability<'w>(text: &str, words: impl Iterator<Item = &'w Word>, language: Language) -> f64 {
    let mut sums = [0_i64; COLUMNS];
    let mut model = None;
    for word in words {
        if let Some(group) = Group::of(word.script) {
            model = Some(group);
            for (sum, score) in sums.iter_mut().zip(group.scores(word.text(text))) {
                *sum += i64::from(score);
            }
        }
    }
    let column = model.and_then(|group| group.column(language.base()));
    let (Some(group), Some(column)) = (model, column) else {
        return 1.0;
    };
    let next = (0..group.languages.len())
        .filter(|other| *other != column)
        .map(|other| sums[other])
        .max()
        .unwrap_or(i64::MIN / 2);
    let odds = (sums[column] - next) as f64 / f64::from(NAT);
    rounded(1.0 / (1.0 + (-odds).exp()))
}
