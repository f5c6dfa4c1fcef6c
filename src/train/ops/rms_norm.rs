//! Root mean square normalisation: `y = x / sqrt(mean(x^2) + eps) * w`.
//!
//! Source: arXiv:1910.07467. The root is not kept for the way back: taking it
//! again costs one pass over a row that has to be read anyway.

use candle_core::Tensor;
use rayon::prelude::*;

use super::linear::add;
use super::simd::{LANES, dot, sum_lanes};
use super::{CHUNK_ROWS, HostMatrix, Kernel, Ops, Simd, host, run};
use crate::train::TrainError;

impl Ops {
    /// Normalises every row of `x` `[rows, d]` with `weight` `[d]`.
    pub(crate) fn rms_norm(
        &self,
        x: &HostMatrix,
        weight: &Tensor,
        epsilon: f64,
    ) -> Result<HostMatrix, TrainError> {
        let weight = host(weight)?;
        let mut out = self.matrix(x.rows(), x.columns());
        let chunk = CHUNK_ROWS * weight.len().max(1);
        let pieces = out.data_mut().par_chunks_mut(chunk);
        pieces.zip(x.data().par_chunks(chunk)).for_each(|(out, x)| {
            run(Forward {
                x,
                weight: &weight,
                epsilon: epsilon as f32,
                out,
            });
        });
        Ok(out)
    }

    /// Adds the gradient by the input to `d_x`, and that by the weight to
    /// `d_weight` `[1, d]` if it is wanted.
    pub(crate) fn rms_norm_backward(
        &self,
        x: &HostMatrix,
        weight: &Tensor,
        epsilon: f64,
        d_out: &HostMatrix,
        d_x: &mut HostMatrix,
        d_weight: Option<&mut HostMatrix>,
    ) -> Result<(), TrainError> {
        let weight = host(weight)?;
        let width = weight.len();
        let chunk = CHUNK_ROWS * width.max(1);
        let pieces = d_x.data_mut().par_chunks_mut(chunk);
        let inputs = x.data().par_chunks(chunk);
        let outputs = d_out.data().par_chunks(chunk);
        let sums: Vec<Vec<f32>> = pieces
            .zip(inputs)
            .zip(outputs)
            .map(|((d_x, x), d_out)| {
                let mut d_weight = vec![0.0; width];
                run(Backward {
                    x,
                    weight: &weight,
                    epsilon: epsilon as f32,
                    d_out,
                    d_x,
                    d_weight: &mut d_weight,
                });
                d_weight
            })
            .collect();
        if let Some(d_weight) = d_weight {
            for sums in sums {
                add(d_weight.data_mut(), &sums);
            }
        }
        Ok(())
    }
}

struct Forward<'r> {
    x: &'r [f32],
    weight: &'r [f32],
    epsilon: f32,
    out: &'r mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let width = self.weight.len();
        let rows = self.x.chunks_exact(width);
        for (x, out) in rows.zip(self.out.chunks_exact_mut(width)) {
            let scale = inverse_root::<S>(x, self.epsilon);
            for i in 0..width {
                out[i] = x[i] * scale * self.weight[i];
            }
        }
    }
}

struct Backward<'r> {
    x: &'r [f32],
    weight: &'r [f32],
    epsilon: f32,
    d_out: &'r [f32],
    d_x: &'r mut [f32],
    d_weight: &'r mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let width = self.weight.len();
        let rows = self.x.chunks_exact(width);
        let rows = rows.zip(self.d_out.chunks_exact(width));
        for ((x, d_out), d_x) in rows.zip(self.d_x.chunks_exact_mut(width)) {
            backward_row::<S>(x, self.weight, self.epsilon, d_out, d_x, self.d_weight);
        }
    }
}

/// `1 / sqrt(mean(x^2) + eps)`.
#[inline(always)]
pub(super) fn inverse_root<S: Simd>(x: &[f32], epsilon: f32) -> f32 {
    1.0 / (dot::<S>(x, x) / x.len() as f32 + epsilon).sqrt()
}

/// One row backward: with `r` the inverse root and `g = dy * w`,
/// `dx += r g - x r^3 (g . x) / d`, `dw += dy x r`.
#[inline(always)]
pub(super) fn backward_row<S: Simd>(
    x: &[f32],
    weight: &[f32],
    epsilon: f32,
    d_out: &[f32],
    d_x: &mut [f32],
    d_weight: &mut [f32],
) {
    let width = weight.len();
    let (x, d_out) = (&x[..width], &d_out[..width]);
    let (d_x, d_weight) = (&mut d_x[..width], &mut d_weight[..width]);
    let root = inverse_root::<S>(x, epsilon);
    let along = dot_weighted::<S>(d_out, weight, x);
    let along = along * root * root * root / width as f32;
    for i in 0..width {
        d_weight[i] += d_out[i] * x[i] * root;
        d_x[i] += d_out[i] * weight[i] * root - x[i] * along;
    }
}

/// The sum of `a b c`.
#[inline(always)]
fn dot_weighted<S: Simd>(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (c, c_rest) = c.as_chunks::<LANES>();
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        for lane in 0..LANES {
            lanes[lane] = S::multiply_add(a[lane] * b[lane], c[lane], lanes[lane]);
        }
    }
    let rest = a_rest.iter().zip(b_rest).zip(c_rest);
    sum_lanes(lanes) + rest.map(|((a, b), c)| a * b * c).sum::<f32>()
}
