//! The log-probability and the entropy of scored tokens, without a matrix of
//! `[tokens, vocabulary]`.
//!
//! Logits are made for some rows and some of the vocabulary at a time; peak, sum
//! and weighted sum of the exponentials are carried along, as in online softmax
//! (arXiv:1805.02867). The way back makes each block of logits again.

use candle_core::Tensor;
use rayon::prelude::*;

use super::gemm::{View, gemm};
use super::simd::{LANES, exp, largest, sum_lanes};
use super::{HostMatrix, Kernel, Ops, Output, Simd, host, run};
use crate::train::TrainError;

/// Rows whose logits are made at once.
const ROWS: usize = 512;
/// Words of the vocabulary whose logits are made at once: with [`ROWS`], 8 MiB.
const WORDS: usize = 4096;
/// Rows that one task works on.
const TASK_ROWS: usize = 32;

/// The weights that turn a hidden state into logits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Head<T> {
    /// Its own: `[d, vocabulary]`.
    Own(T),
    /// The embedding table: `[vocabulary, d]`.
    Tied(T),
}

/// What is scored: a hidden state for every scored token, and the token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scored<'s> {
    /// `[scored, d]`, normalised.
    pub(crate) hidden: &'s HostMatrix,
    /// The weights of the logits.
    pub(crate) head: Head<&'s Tensor>,
    /// One per row, each in the vocabulary.
    pub(crate) targets: &'s [u32],
    /// Logits are divided by it.
    pub(crate) temperature: f64,
}

/// What the forward pass found for every scored token.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScoredTape {
    pub(crate) logps: Vec<f32>,
    pub(crate) entropies: Vec<f32>,
    log_sums: Vec<f32>,
}

impl Ops {
    /// Logits `[rows, vocabulary]` of a few hidden states.
    pub(crate) fn logits(
        &self,
        hidden: &HostMatrix,
        head: Head<&Tensor>,
    ) -> Result<HostMatrix, TrainError> {
        let words = head.words()?;
        let weights = head.host()?;
        let mut logits = self.matrix(hidden.rows(), words);
        let weights = weights.view(words, 0, words);
        let hidden = View::new(hidden.data(), hidden.rows(), hidden.columns());
        gemm(logits.data_mut(), words, Output::Set, hidden, weights);
        Ok(logits)
    }

    /// Log-probabilities and entropies, in nats, of `softmax(logits / temperature)`.
    pub(crate) fn scores(&self, scored: &Scored<'_>) -> Result<ScoredTape, TrainError> {
        let words = scored.head.words()?;
        let weights = scored.head.host()?;
        let inverse = (1.0 / scored.temperature) as f32;
        let mut running = vec![Running::default(); scored.targets.len()];
        let width = scored.hidden.columns();
        let mut logits = self.matrix(ROWS.min(running.len()), WORDS.min(words));
        for (first, running) in (0..).step_by(ROWS).zip(running.chunks_mut(ROWS)) {
            let rows = running.len();
            let hidden = &scored.hidden.data()[first * width..(first + rows) * width];
            let hidden = View::new(hidden, rows, width);
            let targets = &scored.targets[first..first + rows];
            for start in (0..words).step_by(WORDS) {
                let count = WORDS.min(words - start);
                let block = &mut logits.data_mut()[..rows * count];
                let weights = weights.view(words, start, count);
                gemm(block, count, Output::Set, hidden, weights);
                let tasks = running.par_chunks_mut(TASK_ROWS);
                let tasks = tasks.zip(targets.par_chunks(TASK_ROWS));
                tasks.zip(block.par_chunks(TASK_ROWS * count)).for_each(
                    |((running, targets), logits)| {
                        run(Forward {
                            logits,
                            targets,
                            start,
                            inverse,
                            running,
                        });
                    },
                );
            }
        }
        let log_sums: Vec<f32> = running.iter().map(Running::log_sum).collect();
        Ok(ScoredTape {
            logps: (running.iter().zip(&log_sums))
                .map(|(row, log_sum)| row.target - log_sum)
                .collect(),
            entropies: (running.iter().zip(&log_sums))
                .map(|(row, log_sum)| log_sum - row.weighted / row.sum)
                .collect(),
            log_sums,
        })
    }

    /// The gradient by the hidden states; that by the head is added to `gradient`,
    /// which has the shape of the head's tensor.
    pub(crate) fn scores_backward(
        &self,
        scored: &Scored<'_>,
        tape: &ScoredTape,
        d_logps: &[f32],
        d_entropies: Option<&[f32]>,
        mut gradient: Option<&mut HostMatrix>,
    ) -> Result<HostMatrix, TrainError> {
        let words = scored.head.words()?;
        let weights = scored.head.host()?;
        let inverse = (1.0 / scored.temperature) as f32;
        let (all, width) = (scored.targets.len(), scored.hidden.columns());
        let mut d_hidden = self.matrix(all, width);
        let mut logits = self.matrix(ROWS.min(all), WORDS.min(words));
        for first in (0..all).step_by(ROWS) {
            let rows = ROWS.min(all - first);
            let of_rows = first * width..(first + rows) * width;
            let hidden = View::new(&scored.hidden.data()[of_rows.clone()], rows, width);
            let d_hidden = &mut d_hidden.data_mut()[of_rows];
            for start in (0..words).step_by(WORDS) {
                let count = WORDS.min(words - start);
                let block = &mut logits.data_mut()[..rows * count];
                let view = weights.view(words, start, count);
                gemm(block, count, Output::Set, hidden, view);
                block
                    .par_chunks_mut(TASK_ROWS * count)
                    .enumerate()
                    .for_each(|(task, logits)| {
                        let from = first + task * TASK_ROWS;
                        let to = from + logits.len() / count;
                        run(Backward {
                            targets: &scored.targets[from..to],
                            log_sums: &tape.log_sums[from..to],
                            entropies: &tape.entropies[from..to],
                            d_logps: &d_logps[from..to],
                            d_entropies: d_entropies.map(|d| &d[from..to]),
                            logits,
                            start,
                            inverse,
                        });
                    });
                let d_logits = View::new(block, rows, count);
                let output = if start == 0 { Output::Set } else { Output::Add };
                let back = view.transposed();
                gemm(d_hidden, width, output, d_logits, back);
                if let Some(gradient) = gradient.as_deref_mut() {
                    let gradient = gradient.data_mut();
                    scored
                        .head
                        .add_product(gradient, (words, start), hidden, d_logits, width);
                }
            }
        }
        Ok(d_hidden)
    }
}

impl<T> Head<T> {
    /// Adds `hidden^T d_logits`, the gradient by the words from `start` on.
    fn add_product(
        &self,
        gradient: &mut [f32],
        (words, start): (usize, usize),
        hidden: View<'_>,
        d_logits: View<'_>,
        width: usize,
    ) {
        match self {
            Self::Own(_) => {
                let block = &mut gradient[start..];
                let hidden = hidden.transposed();
                gemm(block, words, Output::Add, hidden, d_logits);
            }
            Self::Tied(_) => {
                let block = &mut gradient[start * width..];
                let d_logits = d_logits.transposed();
                gemm(block, width, Output::Add, d_logits, hidden);
            }
        }
    }
}

impl<'t> Head<&'t Tensor> {
    /// The size of the vocabulary.
    fn words(self) -> Result<usize, TrainError> {
        Ok(match self {
            Self::Own(weights) => weights.dim(1)?,
            Self::Tied(table) => table.dim(0)?,
        })
    }

    fn host(self) -> Result<Head<impl std::ops::Deref<Target = [f32]> + use<'t>>, TrainError> {
        Ok(match self {
            Self::Own(weights) => Head::Own(host(weights)?),
            Self::Tied(table) => Head::Tied(host(table)?),
        })
    }
}

impl<G: std::ops::Deref<Target = [f32]>> Head<G> {
    /// `count` words from `start` on, as `[d, count]`.
    fn view(&self, words: usize, start: usize, count: usize) -> View<'_> {
        match self {
            Self::Own(weights) => {
                let width = weights.len() / words;
                View::strided(&weights[start..], width, count, words)
            }
            Self::Tied(table) => {
                let width = table.len() / words;
                let rows = &table[start * width..(start + count) * width];
                View::new(rows, count, width).transposed()
            }
        }
    }
}

/// One row on its way through the vocabulary.
#[derive(Clone, Copy, Debug)]
struct Running {
    /// The largest scaled logit.
    peak: f32,
    /// The sum of `e^(z - peak)`.
    sum: f32,
    /// The sum of `z e^(z - peak)`.
    weighted: f32,
    /// The scaled logit of the target.
    target: f32,
}

impl Default for Running {
    fn default() -> Self {
        Self {
            peak: f32::NEG_INFINITY,
            sum: 0.0,
            weighted: 0.0,
            target: f32::NAN,
        }
    }
}

impl Running {
    fn log_sum(&self) -> f32 {
        self.peak + self.sum.ln()
    }
}

struct Forward<'r> {
    logits: &'r [f32],
    targets: &'r [u32],
    start: usize,
    inverse: f32,
    running: &'r mut [Running],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let count = self.logits.len() / self.targets.len();
        let rows = self.logits.chunks_exact(count).zip(self.targets);
        for ((logits, target), running) in rows.zip(self.running) {
            if let Some(logit) = logits.get((*target as usize).wrapping_sub(self.start)) {
                running.target = logit * self.inverse;
            }
            let peak = largest(logits) * self.inverse;
            if peak > running.peak {
                let shrink = exp::<S>(running.peak - peak);
                running.sum *= shrink;
                running.weighted *= shrink;
                running.peak = peak;
            }
            let (sum, weighted) = sums::<S>(logits, self.inverse, running.peak);
            running.sum += sum;
            running.weighted += weighted;
        }
    }
}

/// The sums of `e^(z - peak)` and of `z e^(z - peak)`.
#[inline(always)]
fn sums<S: Simd>(logits: &[f32], inverse: f32, peak: f32) -> (f32, f32) {
    let mut sum = [0.0_f32; LANES];
    let mut weighted = [0.0_f32; LANES];
    let chunks = logits.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for lane in 0..LANES {
            let z = chunk[lane] * inverse;
            let power = exp::<S>(z - peak);
            sum[lane] += power;
            weighted[lane] = S::multiply_add(z, power, weighted[lane]);
        }
    }
    let mut totals = (sum_lanes(sum), sum_lanes(weighted));
    for logit in rest {
        let z = logit * inverse;
        let power = exp::<S>(z - peak);
        totals.0 += power;
        totals.1 += z * power;
    }
    totals
}

struct Backward<'r> {
    /// Logits in, their gradient out.
    logits: &'r mut [f32],
    targets: &'r [u32],
    log_sums: &'r [f32],
    entropies: &'r [f32],
    d_logps: &'r [f32],
    d_entropies: Option<&'r [f32]>,
    start: usize,
    inverse: f32,
}

impl Kernel for Backward<'_> {
    type Output = ();

    /// With `p` the probabilities and `H` the entropy, by the scaled logit `j`:
    /// the log-probability of `t` has the slope `[j = t] - p_j`, the entropy
    /// `-p_j (ln p_j + H)`.
    #[inline(always)]
    fn run<S: Simd>(self) {
        let count = self.logits.len() / self.targets.len();
        for (row, logits) in self.logits.chunks_exact_mut(count).enumerate() {
            let (d_logp, log_sum) = (self.d_logps[row], self.log_sums[row]);
            let d_entropy = self.d_entropies.map_or(0.0, |d| d[row]);
            let entropy = self.entropies[row];
            for logit in logits.iter_mut() {
                let logp = S::multiply_add(*logit, self.inverse, -log_sum);
                let slope = S::multiply_add(d_entropy, logp + entropy, d_logp);
                *logit = -exp::<S>(logp) * slope * self.inverse;
            }
            let target = (self.targets[row] as usize).wrapping_sub(self.start);
            if let Some(logit) = logits.get_mut(target) {
                *logit += d_logp * self.inverse;
            }
        }
    }
}
