//! Attention forward: packed `q | k | v` in, weighted values out.

use std::ops::Range;

use rayon::prelude::*;

use super::{AttentionShape, BLOCK, gather, gather_transposed, pieces};
use crate::train::ops::gemm::Output;
use crate::train::ops::simd::{LANES, exp, largest, sum_lanes};
use crate::train::ops::tile::{Left, Size, multiply, padded};
use crate::train::ops::{HostMatrix, Kernel, Ops, Simd, run};

impl Ops {
    /// Attention over `qkv` `[tokens, q | k | v]`; `sequences` are the rows of each
    /// sequence, in order and without a gap. Gives `[tokens, heads * head_dim]` and,
    /// for every token and head, the logarithm of the sum of the exponentials,
    /// `[tokens, heads]`.
    pub(crate) fn attention(
        &self,
        qkv: &HostMatrix,
        shape: AttentionShape,
        sequences: &[Range<usize>],
    ) -> (HostMatrix, HostMatrix) {
        let mut out = self.matrix(qkv.rows(), shape.out_width());
        let mut log_sums = self.matrix(qkv.rows(), shape.heads);
        let outs = pieces(out.data_mut(), sequences, shape.out_width());
        let sums = pieces(log_sums.data_mut(), sequences, shape.heads);
        let rows = sequences.par_iter().zip(outs).zip(sums);
        rows.for_each(|((sequence, out), log_sums)| {
            let width = shape.width();
            run(Forward {
                qkv: &qkv.data()[sequence.start * width..sequence.end * width],
                shape,
                out,
                log_sums,
            });
        });
        (out, log_sums)
    }
}

/// One sequence.
struct Forward<'r> {
    qkv: &'r [f32],
    shape: AttentionShape,
    out: &'r mut [f32],
    log_sums: &'r mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (shape, width) = (self.shape, self.shape.width());
        let (tokens, head_dim) = (self.qkv.len() / width, shape.head_dim);
        let (keys_stride, value_stride) = (padded(tokens), padded(head_dim));
        let mut keys = vec![0.0; head_dim * keys_stride];
        let mut values = vec![0.0; tokens * value_stride];
        let mut scores = vec![0.0; BLOCK * keys_stride];
        let mut weighted = vec![0.0; BLOCK * value_stride];
        for kv_head in 0..shape.kv_heads {
            let (key, value) = (shape.key(kv_head), shape.value(kv_head));
            let keys_to = (&mut keys[..], keys_stride);
            gather_transposed((self.qkv, width), (key, head_dim), keys_to);
            let values_to = (&mut values[..], value_stride);
            gather((self.qkv, width), (value, head_dim), values_to);
            let heads = kv_head * shape.group()..(kv_head + 1) * shape.group();
            for head in heads {
                for start in (0..tokens).step_by(BLOCK) {
                    let end = (start + BLOCK).min(tokens);
                    let queries = Left::Rows {
                        data: &self.qkv[start * width + head * head_dim..],
                        stride: width,
                    };
                    let rows = end - start;
                    let size = Size {
                        m: rows,
                        k: head_dim,
                        n: padded(end),
                    };
                    let scores_to = (&mut scores[..], keys_stride);
                    multiply::<S>(scores_to, Output::Set, queries, (&keys, keys_stride), size);
                    for row in 0..rows {
                        let scores = &mut scores[row * keys_stride..][..padded(end)];
                        let log_sum = softmax::<S>(scores, start + row + 1, shape.scale());
                        self.log_sums[(start + row) * shape.heads + head] = log_sum;
                    }
                    let probabilities = Left::Rows {
                        data: &scores,
                        stride: keys_stride,
                    };
                    let size = Size {
                        m: rows,
                        k: end,
                        n: value_stride,
                    };
                    let to = (&mut weighted[..], value_stride);
                    let values = (&values[..], value_stride);
                    multiply::<S>(to, Output::Set, probabilities, values, size);
                    for row in 0..rows {
                        let at = (start + row) * shape.out_width() + head * head_dim;
                        self.out[at..at + head_dim]
                            .copy_from_slice(&weighted[row * value_stride..][..head_dim]);
                    }
                }
            }
        }
    }
}

/// Turns the first `count` scores into probabilities and zeroes the others; gives
/// the logarithm of the sum of the exponentials of the scaled scores.
#[inline(always)]
pub(super) fn softmax<S: Simd>(scores: &mut [f32], count: usize, scale: f32) -> f32 {
    let (tiles, hidden) = scores.split_at_mut(padded(count));
    hidden.fill(0.0);
    tiles[count..].fill(f32::NEG_INFINITY);
    let peak = largest(tiles) * scale;
    let mut lanes = [0.0_f32; LANES];
    for tile in tiles.as_chunks_mut::<LANES>().0 {
        for lane in 0..LANES {
            tile[lane] = exp::<S>(S::multiply_add(tile[lane], scale, -peak));
            lanes[lane] += tile[lane];
        }
    }
    let sum = sum_lanes(lanes);
    let inverse = 1.0 / sum;
    for score in tiles {
        *score *= inverse;
    }
    peak + sum.ln()
}
