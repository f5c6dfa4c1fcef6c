//! The trainer of the model: labelled text in, the bytes of `model.bin` out.
//!
//! Multinomial logistic regression on the features of `features.rs`, one
//! model for each group of languages that share a script, over windows of 1 to
//! 8 words, with AdaGrad steps (Duchi et al. 2011). Same text, same bytes: the
//! order is drawn by a fixed generator, and nothing but IEEE addition,
//! multiplication, division and square root is used.
//!
//! Not part of scoring; `examples/train_language.rs` runs it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::features::Letters;
use super::mask::{Masking, mask};
use super::model::{BYTES, COLUMNS, GROUPS, Group, NAT};
use super::tag::Language;
use super::words::words;

/// Passes over the text.
const PASSES: usize = 12;

/// Length of a step.
const RATE: f32 = 0.05;

/// Pull of every weight towards 0, at each step that touches it.
const DECAY: f32 = 1e-5;

/// One window in so many loses its accents, for those who write without.
const PLAIN_EVERY: u64 = 8;

/// Lengths of windows, in words.
const WINDOWS: [usize; 6] = [1, 2, 3, 4, 5, 8];

/// A text and its language.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'t> {
    /// What it is written in.
    pub language: Language,
    /// The text.
    pub text: &'t str,
}

/// Whether a line of the corpus is kept out of the training: one in five, by
/// the FNV-1a hash of its bytes.
#[must_use]
pub fn is_held_out(line: &str) -> bool {
    let hash = line.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    (hash >> 32).is_multiple_of(5)
}

/// Trains the model; the samples of languages that their script decides are
/// passed over.
#[must_use]
pub fn train(samples: &[Sample<'_>]) -> Vec<u8> {
    let mut model = vec![0; BYTES];
    for group in &GROUPS {
        let weights = Trainer::new(group, samples).run();
        let table = &mut model[group.offset..group.offset + (group.stride << group.bits)];
        for (row, weights) in table.chunks_mut(group.stride).zip(&weights) {
            for (byte, weight) in row.iter_mut().zip(&weights[..group.languages.len()]) {
                let units = (weight * NAT as f32).round().clamp(-127.0, 127.0);
                *byte = (units as i8).to_ne_bytes()[0];
            }
        }
    }
    model
}

/// One text: the rows of each of its words, with and without accents.
struct Example {
    column: usize,
    words: Vec<[Vec<u32>; 2]>,
}

struct Trainer {
    languages: usize,
    examples: Vec<Example>,
    weights: Vec<[f32; COLUMNS]>,
    /// Sums of squared slopes.
    steps: Vec<[f32; COLUMNS]>,
    random: Random,
}

impl Trainer {
    fn new(group: &Group, samples: &[Sample<'_>]) -> Self {
        let examples = samples
            .iter()
            .filter_map(|sample| {
                let column = group.column(sample.language.base())?;
                let regions = mask(sample.text, Masking::Plain);
                let words: Vec<_> = words(sample.text, &regions)
                    .iter()
                    .filter(|word| Group::of(word.script) == Some(group))
                    .map(|word| {
                        let word = word.text(sample.text);
                        [rows(word, group.bits), rows(&plain(word), group.bits)]
                    })
                    .collect();
                (!words.is_empty()).then_some(Example { column, words })
            })
            .collect();
        Self {
            languages: group.languages.len(),
            examples,
            weights: vec![[0.0; COLUMNS]; 1 << group.bits],
            steps: vec![[0.0; COLUMNS]; 1 << group.bits],
            random: Random(0x0123_4567_89AB_CDEF),
        }
    }

    fn run(mut self) -> Vec<[f32; COLUMNS]> {
        // A language with little text is seen more often.
        let mut sizes = vec![0_usize; self.languages];
        for example in &self.examples {
            sizes[example.column] += example.words.len();
        }
        let largest = sizes.iter().copied().max().unwrap_or(0);
        let mut order: Vec<usize> = Vec::new();
        for (index, example) in self.examples.iter().enumerate() {
            let repeats = (largest / sizes[example.column].max(1)).clamp(1, 4);
            order.extend(std::iter::repeat_n(index, repeats));
        }
        for _ in 0..PASSES {
            for place in (1..order.len()).rev() {
                let other = self.random.below(place as u64 + 1) as usize;
                order.swap(place, other);
            }
            for &index in &order {
                self.learn_example(index);
            }
        }
        self.weights
    }

    fn learn_example(&mut self, index: usize) {
        let example = std::mem::replace(
            &mut self.examples[index],
            Example {
                column: 0,
                words: Vec::new(),
            },
        );
        let mut start = 0;
        while start < example.words.len() {
            let length = WINDOWS[self.random.below(WINDOWS.len() as u64) as usize];
            let end = example.words.len().min(start + length);
            let form = usize::from(self.random.below(PLAIN_EVERY) == 0);
            let rows: Vec<u32> = example.words[start..end]
                .iter()
                .flat_map(|word| word[form].iter().copied())
                .collect();
            self.learn(&rows, example.column);
            start = end;
        }
        self.examples[index] = example;
    }

    /// One step on one window.
    fn learn(&mut self, rows: &[u32], column: usize) {
        let mut scores = [0.0_f32; COLUMNS];
        for row in rows {
            for (score, weight) in scores.iter_mut().zip(&self.weights[*row as usize]) {
                *score += weight;
            }
        }
        let mut slopes = softmax(&scores, self.languages);
        slopes[column] -= 1.0;
        for row in rows {
            let weights = &mut self.weights[*row as usize];
            let steps = &mut self.steps[*row as usize];
            for language in 0..self.languages {
                let slope = slopes[language] + DECAY * weights[language];
                steps[language] += slope * slope;
                weights[language] -= RATE * slope / (steps[language] + 1e-3).sqrt();
            }
        }
    }
}

fn rows(word: &str, bits: u32) -> Vec<u32> {
    let mut rows = Vec::new();
    Letters::of(word).rows(bits, |row| rows.push(row as u32));
    rows
}

/// The word without accents.
fn plain(word: &str) -> String {
    word.nfd().filter(|c| !is_combining_mark(*c)).collect()
}

fn softmax(scores: &[f32; COLUMNS], languages: usize) -> [f32; COLUMNS] {
    let top = scores[..languages].iter().copied().fold(f32::MIN, f32::max);
    let mut shares = [0.0; COLUMNS];
    let mut sum = 0.0;
    for (share, score) in shares[..languages].iter_mut().zip(scores) {
        *share = exp(score - top);
        sum += *share;
    }
    for share in &mut shares[..languages] {
        *share /= sum;
    }
    shares
}

/// `e^x` for `x ≤ 0`, the same on every machine: `(1 + y + … + y⁵/5!)^1024` with
/// `y = x/1024`.
fn exp(x: f32) -> f32 {
    let y = f64::from(x.max(-60.0)) / 1024.0;
    let mut power = 1.0 + y * (1.0 + y / 2.0 * (1.0 + y / 3.0 * (1.0 + y / 4.0 * (1.0 + y / 5.0))));
    for _ in 0..10 {
        power *= power;
    }
    power as f32
}

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exp() {
        for x in [0.0, -0.5, -1.0, -10.0, -40.0_f32] {
            assert!((exp(x) - x.exp()).abs() <= 1e-6 * x.exp(), "{x}");
        }
    }

    #[test]
    fn the_same_text_gives_the_same_bytes() {
        let samples = [
            Sample {
                language: Language::Ru,
                text: "это предложение по-русски",
            },
            Sample {
                language: Language::Uk,
                text: "це речення українською",
            },
        ];
        assert_eq!(train(&samples), train(&samples));
    }
}
