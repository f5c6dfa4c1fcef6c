//! Attention backward: the gradient by what it gave in, that by `q | k | v` out.

use std::ops::Range;

use rayon::prelude::*;

use super::{AttentionShape, BLOCK, gather, gather_transposed, pieces};
use crate::train::ops::gemm::Output;
use crate::train::ops::simd::{LANES, dot, exp};
use crate::train::ops::tile::{Left, Size, multiply, padded};
use crate::train::ops::{HostMatrix, Kernel, Ops, Simd, run};

impl Ops {
    /// The gradient by `qkv`, from what [`Ops::attention`] took and gave.
    pub(crate) fn attention_backward(
        &self,
        qkv: &HostMatrix,
        shape: AttentionShape,
        sequences: &[Range<usize>],
        (out, log_sums): (&HostMatrix, &HostMatrix),
        d_out: &HostMatrix,
    ) -> HostMatrix {
        let mut d_qkv = self.matrix(qkv.rows(), shape.width());
        let rows = pieces(d_qkv.data_mut(), sequences, shape.width());
        sequences
            .par_iter()
            .zip(rows)
            .for_each(|(sequence, d_qkv)| {
                let of = |matrix: &'_ HostMatrix| {
                    let width = matrix.columns();
                    sequence.start * width..sequence.end * width
                };
                run(Backward {
                    qkv: &qkv.data()[of(qkv)],
                    shape,
                    out: &out.data()[of(out)],
                    log_sums: &log_sums.data()[of(log_sums)],
                    d_out: &d_out.data()[of(d_out)],
                    d_qkv,
                });
            });
        d_qkv
    }
}

/// One sequence.
struct Backward<'r> {
    qkv: &'r [f32],
    shape: AttentionShape,
    out: &'r [f32],
    log_sums: &'r [f32],
    d_out: &'r [f32],
    d_qkv: &'r mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    /// With `P` the probabilities and `D = rows of (dO * O)` summed:
    /// `dV = P^T dO`, `dS = P * (dO V^T - D) * scale`, `dQ = dS K`, `dK = dS^T Q`.
    #[inline(always)]
    fn run<S: Simd>(self) {
        let (shape, width) = (self.shape, self.shape.width());
        let (tokens, head_dim) = (self.qkv.len() / width, shape.head_dim);
        let (across, along) = (padded(tokens), padded(head_dim));
        let out_width = shape.out_width();
        let mut keys = vec![0.0; tokens * along];
        let mut keys_across = vec![0.0; head_dim * across];
        let mut values_across = vec![0.0; head_dim * across];
        let mut d_keys = vec![0.0; tokens * along];
        let mut d_values = vec![0.0; tokens * along];
        let mut scores = vec![0.0; BLOCK * across];
        let mut d_scores = vec![0.0; BLOCK * across];
        let mut queries = vec![0.0; BLOCK * along];
        let mut d_outs = vec![0.0; BLOCK * along];
        let mut d_queries = vec![0.0; BLOCK * along];
        for kv_head in 0..shape.kv_heads {
            let key = (shape.key(kv_head), head_dim);
            let value = (shape.value(kv_head), head_dim);
            gather((self.qkv, width), key, (&mut keys, along));
            gather_transposed((self.qkv, width), key, (&mut keys_across, across));
            gather_transposed((self.qkv, width), value, (&mut values_across, across));
            d_keys.fill(0.0);
            d_values.fill(0.0);
            for head in kv_head * shape.group()..(kv_head + 1) * shape.group() {
                for start in (0..tokens).step_by(BLOCK) {
                    let end = (start + BLOCK).min(tokens);
                    let rows = end - start;
                    let block = (&self.qkv[start * width..end * width], width);
                    let columns = (head * head_dim, head_dim);
                    gather(block, columns, (&mut queries, along));
                    let block = (&self.d_out[start * out_width..end * out_width], out_width);
                    gather(block, columns, (&mut d_outs, along));
                    let size = Size {
                        m: rows,
                        k: head_dim,
                        n: padded(end),
                    };
                    let left = rows_of(&queries, along);
                    let to = (&mut scores[..], across);
                    multiply::<S>(to, Output::Set, left, (&keys_across, across), size);
                    let left = rows_of(&d_outs, along);
                    let to = (&mut d_scores[..], across);
                    multiply::<S>(to, Output::Set, left, (&values_across, across), size);
                    for row in 0..rows {
                        let token = start + row;
                        let out = &self.out[token * out_width + head * head_dim..][..head_dim];
                        let d_out = &d_outs[row * along..][..head_dim];
                        slopes::<S>(
                            &mut scores[row * across..][..padded(end)],
                            &mut d_scores[row * across..][..padded(end)],
                            token + 1,
                            shape.scale(),
                            self.log_sums[token * shape.heads + head],
                            dot::<S>(out, d_out),
                        );
                    }
                    let size = Size {
                        m: rows,
                        k: end,
                        n: along,
                    };
                    let left = rows_of(&d_scores, across);
                    let to = (&mut d_queries[..], along);
                    multiply::<S>(to, Output::Set, left, (&keys, along), size);
                    for row in 0..rows {
                        let at = (start + row) * width + head * head_dim;
                        self.d_qkv[at..at + head_dim]
                            .copy_from_slice(&d_queries[row * along..][..head_dim]);
                    }
                    let size = Size {
                        m: end,
                        k: rows,
                        n: along,
                    };
                    let left = columns_of(&d_scores, across);
                    let to = (&mut d_keys[..], along);
                    multiply::<S>(to, Output::Add, left, (&queries, along), size);
                    let left = columns_of(&scores, across);
                    let to = (&mut d_values[..], along);
                    multiply::<S>(to, Output::Add, left, (&d_outs, along), size);
                }
            }
            let rows = self.d_qkv.chunks_exact_mut(width);
            let sums = d_keys.chunks_exact(along).zip(d_values.chunks_exact(along));
            for (row, (d_key, d_value)) in rows.zip(sums) {
                row[key.0..][..head_dim].copy_from_slice(&d_key[..head_dim]);
                row[value.0..][..head_dim].copy_from_slice(&d_value[..head_dim]);
            }
        }
    }
}

fn rows_of(data: &[f32], stride: usize) -> Left<'_> {
    Left::Rows { data, stride }
}

fn columns_of(data: &[f32], stride: usize) -> Left<'_> {
    Left::Columns { data, stride }
}

/// Turns the first `count` scores of a row into probabilities and the gradient by
/// the probabilities into that by the scores; the others become zeros.
#[inline(always)]
fn slopes<S: Simd>(
    scores: &mut [f32],
    d_scores: &mut [f32],
    count: usize,
    scale: f32,
    log_sum: f32,
    mean: f32,
) {
    // Whole tiles: what comes of the numbers past `count` is thrown away.
    let whole = padded(count);
    let tiles = scores[..whole].as_chunks_mut::<LANES>().0.iter_mut();
    for (scores, d_scores) in tiles.zip(d_scores[..whole].as_chunks_mut::<LANES>().0) {
        for lane in 0..LANES {
            let probability = exp::<S>(S::multiply_add(scores[lane], scale, -log_sum));
            scores[lane] = probability;
            d_scores[lane] = probability * (d_scores[lane] - mean) * scale;
        }
    }
    scores[count..].fill(0.0);
    d_scores[count..].fill(0.0);
}
