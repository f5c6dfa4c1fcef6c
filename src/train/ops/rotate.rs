//! What happens to packed `q | k | v` before attention: the bias, the norm of every
//! head of q and k (Qwen3), and the rotation by position (RoPE, arXiv:2104.09864).
//!
//! The halves of a head are rotated against each other, as `rotate_half` of
//! transformers does it: `(a, b) -> (a cos - b sin, b cos + a sin)`.

use std::f64::consts::PI;

use candle_core::Tensor;
use rayon::prelude::*;

use super::linear::add;
use super::rms_norm::{backward_row, inverse_root};
use super::{AttentionShape, CHUNK_ROWS, HostMatrix, Kernel, Ops, Simd, host, run};
use crate::train::TrainError;
use crate::train::policy::{Rope, RopeScaling};

/// Cosines and sines by position: `[positions, head_dim / 2]` each.
#[derive(Debug)]
pub(crate) struct RopeTable {
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
}

/// The position of every row in its sequence, and the table for them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Positions<'p> {
    /// One per row.
    pub(crate) of_rows: &'p [u32],
    /// At least as long as the largest position.
    pub(crate) table: &'p RopeTable,
}

/// The norms of the heads of q and k: weights `[head_dim]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadNorms<T> {
    pub(crate) q: T,
    pub(crate) k: T,
    pub(crate) epsilon: f64,
}

impl Positions<'_> {
    /// Cosines and sines of all rows, one row after the other.
    pub(crate) fn angles(&self) -> (Vec<f32>, Vec<f32>) {
        let of = |position: &u32| self.table.at(*position);
        let cos = self.of_rows.iter().flat_map(|row| of(row).0);
        let sin = self.of_rows.iter().flat_map(|row| of(row).1);
        (cos.copied().collect(), sin.copied().collect())
    }
}

impl RopeTable {
    /// The table for positions below `positions`.
    ///
    /// Frequencies and angles are rounded to f32 where transformers rounds them, so
    /// that far positions are turned by the same angles.
    pub(crate) fn new(rope: &Rope, head_dim: usize, positions: usize) -> Self {
        let half = head_dim / 2;
        let frequencies: Vec<f32> = (0..half)
            .map(|i| {
                let plain = rope.theta.powf(-((2 * i) as f64) / head_dim as f64);
                scaled(plain, &rope.scaling) as f32
            })
            .collect();
        let angles = (0..positions)
            .flat_map(|position| frequencies.iter().map(move |f| position as f32 * f));
        let (cos, sin) = angles
            .map(|angle| {
                let (sin, cos) = f64::from(angle).sin_cos();
                (cos as f32, sin as f32)
            })
            .unzip();
        Self { cos, sin, half }
    }

    /// The positions it is long enough for.
    pub(crate) fn positions(&self) -> usize {
        self.cos.len() / self.half.max(1)
    }

    #[inline(always)]
    fn at(&self, position: u32) -> (&[f32], &[f32]) {
        let start = position as usize * self.half;
        (
            &self.cos[start..][..self.half],
            &self.sin[start..][..self.half],
        )
    }
}

/// A frequency in the longer contexts that a model was fitted to.
fn scaled(frequency: f64, scaling: &RopeScaling) -> f64 {
    match *scaling {
        RopeScaling::None => frequency,
        RopeScaling::Linear { factor } => frequency / factor,
        // Llama 3.1: long waves are stretched, short ones stay, and between the two
        // bounds the stretch is blended in.
        RopeScaling::Llama3 {
            factor,
            low_frequency_factor,
            high_frequency_factor,
            original_positions,
        } => {
            let turns = original_positions as f64 * frequency / (2.0 * PI);
            if turns < low_frequency_factor {
                return frequency / factor;
            }
            if turns > high_frequency_factor {
                return frequency;
            }
            let span = high_frequency_factor - low_frequency_factor;
            let share = (turns - low_frequency_factor) / span;
            (1.0 - share) * frequency / factor + share * frequency
        }
    }
}

impl Ops {
    /// Adds the bias `[width]`, normalises and rotates `qkv` `[rows, q | k | v]`.
    ///
    /// With norms the matrix before them comes second: the way back needs it.
    pub(crate) fn rotate(
        &self,
        mut qkv: HostMatrix,
        bias: Option<&Tensor>,
        norms: Option<HeadNorms<&Tensor>>,
        shape: AttentionShape,
        positions: Positions<'_>,
    ) -> Result<(HostMatrix, Option<HostMatrix>), TrainError> {
        let chunk = CHUNK_ROWS * shape.width();
        if let Some(bias) = bias {
            let bias = host(bias)?;
            let bias: &[f32] = &bias;
            qkv.data_mut().par_chunks_mut(chunk).for_each(|rows| {
                for row in rows.chunks_exact_mut(bias.len()) {
                    add(row, bias);
                }
            });
        }
        let raw = norms.is_some().then(|| self.copy(&qkv));
        let norms = norms.map(host_norms).transpose()?;
        let norms = norms.as_ref().map(|norms| HeadNorms {
            q: &*norms.q,
            k: &*norms.k,
            epsilon: norms.epsilon,
        });
        let rows = qkv.data_mut().par_chunks_mut(chunk);
        rows.zip(positions.of_rows.par_chunks(CHUNK_ROWS))
            .for_each(|(rows, of_rows)| {
                run(Forward {
                    rows,
                    norms,
                    shape,
                    positions: Positions {
                        of_rows,
                        ..positions
                    },
                });
            });
        Ok((qkv, raw))
    }

    /// Turns the gradient by the rotated `q | k | v` into that by `x W`, in place.
    /// With norms, `raw` is what [`Ops::rotate`] gave and the gradients by their
    /// weights are added to `d_norms`, where they are wanted.
    pub(crate) fn rotate_backward(
        &self,
        d_qkv: &mut HostMatrix,
        raw: Option<&HostMatrix>,
        norms: Option<HeadNorms<&Tensor>>,
        d_norms: [Option<&mut HostMatrix>; 2],
        shape: AttentionShape,
        positions: Positions<'_>,
    ) -> Result<(), TrainError> {
        let norms = norms.map(host_norms).transpose()?;
        let norms = norms.as_ref().zip(raw).map(|(norms, raw)| {
            let weights = HeadNorms {
                q: &*norms.q,
                k: &*norms.k,
                epsilon: norms.epsilon,
            };
            (weights, raw.data())
        });
        let chunk = CHUNK_ROWS * shape.width();
        let sums: Vec<[Vec<f32>; 2]> = d_qkv
            .data_mut()
            .par_chunks_mut(chunk)
            .zip(positions.of_rows.par_chunks(CHUNK_ROWS))
            .enumerate()
            .map(|(index, (d_rows, of_rows))| {
                let width = if norms.is_some() { shape.head_dim } else { 0 };
                let mut sums = [vec![0.0; width], vec![0.0; width]];
                run(Backward {
                    norms: norms.map(|(norms, raw)| {
                        let start = index * chunk;
                        (norms, &raw[start..start + d_rows.len()])
                    }),
                    d_rows,
                    shape,
                    positions: Positions {
                        of_rows,
                        ..positions
                    },
                    sums: &mut sums,
                });
                sums
            })
            .collect();
        for (which, d_norm) in d_norms.into_iter().enumerate() {
            let Some(d_norm) = d_norm else { continue };
            for sums in &sums {
                add(d_norm.data_mut(), &sums[which]);
            }
        }
        Ok(())
    }
}

/// The weights of both norms, held for reading.
fn host_norms(
    norms: HeadNorms<&Tensor>,
) -> Result<HeadNorms<impl std::ops::Deref<Target = [f32]>>, TrainError> {
    Ok(HeadNorms {
        q: host(norms.q)?,
        k: host(norms.k)?,
        epsilon: norms.epsilon,
    })
}

struct Forward<'r> {
    rows: &'r mut [f32],
    norms: Option<HeadNorms<&'r [f32]>>,
    shape: AttentionShape,
    positions: Positions<'r>,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let AttentionShape {
            heads,
            kv_heads,
            head_dim,
        } = self.shape;
        let rows = self.rows.chunks_exact_mut(self.shape.width());
        for (row, position) in rows.zip(self.positions.of_rows) {
            let (cos, sin) = self.positions.table.at(*position);
            let rotated = row.chunks_exact_mut(head_dim).take(heads + kv_heads);
            for (index, head) in rotated.enumerate() {
                if let Some(norms) = self.norms {
                    let weight = if index < heads { norms.q } else { norms.k };
                    let root = inverse_root::<S>(head, norms.epsilon as f32);
                    for i in 0..head_dim {
                        head[i] = head[i] * root * weight[i];
                    }
                }
                turn(head, cos, sin, 1.0);
            }
        }
    }
}

struct Backward<'r> {
    d_rows: &'r mut [f32],
    norms: Option<(HeadNorms<&'r [f32]>, &'r [f32])>,
    shape: AttentionShape,
    positions: Positions<'r>,
    sums: &'r mut [Vec<f32>; 2],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let AttentionShape {
            heads,
            kv_heads,
            head_dim,
        } = self.shape;
        let width = self.shape.width();
        let mut d_normed = vec![0.0; head_dim];
        let rows = self.d_rows.chunks_exact_mut(width);
        for (index, (d_row, position)) in rows.zip(self.positions.of_rows).enumerate() {
            let (cos, sin) = self.positions.table.at(*position);
            let rotated = d_row.chunks_exact_mut(head_dim).take(heads + kv_heads);
            for (head, d_head) in rotated.enumerate() {
                turn(d_head, cos, sin, -1.0);
                let Some((norms, raw)) = self.norms else {
                    continue;
                };
                let raw = &raw[index * width + head * head_dim..][..head_dim];
                let (weight, which) = if head < heads {
                    (norms.q, 0)
                } else {
                    (norms.k, 1)
                };
                d_normed.copy_from_slice(d_head);
                d_head.fill(0.0);
                let epsilon = norms.epsilon as f32;
                let sums = &mut self.sums[which];
                backward_row::<S>(raw, weight, epsilon, &d_normed, d_head, sums);
            }
        }
    }
}

/// Rotates a head by the angles, or back with `sign` -1.
#[inline(always)]
fn turn(head: &mut [f32], cos: &[f32], sin: &[f32], sign: f32) {
    let half = cos.len();
    let (first, second) = head.split_at_mut(half);
    let second = &mut second[..half];
    let sin = &sin[..half];
    for i in 0..half {
        let (a, b) = (first[i], second[i]);
        let sin = sin[i] * sign;
        first[i] = a * cos[i] - b * sin;
        second[i] = b * cos[i] + a * sin;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a key at one position counts for a query at another, with heads of 8.
    fn score(rope: &Rope, query_at: u32, key_at: u32) -> f32 {
        let table = RopeTable::new(rope, 8, 4096);
        let turned = |seed: f32, position: u32| {
            let mut head: Vec<f32> = (0..8).map(|i| (seed * (i + 1) as f32).sin()).collect();
            let (cos, sin) = table.at(position);
            turn(&mut head, cos, sin, 1.0);
            head
        };
        let (query, key) = (turned(1.3, query_at), turned(0.7, key_at));
        query.iter().zip(&key).map(|(q, k)| q * k).sum()
    }

    #[test]
    fn scores_depend_on_the_distance_alone() {
        let scalings = [
            RopeScaling::None,
            RopeScaling::Linear { factor: 4.0 },
            RopeScaling::Llama3 {
                factor: 4.0,
                low_frequency_factor: 1.0,
                high_frequency_factor: 4.0,
                original_positions: 16,
            },
        ];
        for scaling in scalings {
            let rope = Rope {
                theta: 10_000.0,
                scaling,
            };
            for distance in [0, 1, 17, 600] {
                let here = score(&rope, distance, 0);
                for by in [1, 40, 640, 3000] {
                    let there = score(&rope, distance + by, by);
                    assert!((here - there).abs() < 1e-3, "{distance} moved by {by}");
                }
                // The order counts: a key before is not a key behind.
                if distance > 0 {
                    assert!((here - score(&rope, 0, distance)).abs() > 1e-3);
                }
            }
        }
    }
}
