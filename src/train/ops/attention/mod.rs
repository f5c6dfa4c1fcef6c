//! Causal attention with grouped heads, sequence by sequence.
//!
//! `q | k | v` of a token stand in one row, already rotated. The keys of one head of
//! k serve `heads / kv_heads` heads of q. Probabilities are never kept: the way
//! back makes them again from the logarithm of their sum, as in
//! FlashAttention-2, arXiv:2307.08691.

mod forward;

mod backward;

mod cache;

pub(crate) use cache::Cache;

use std::ops::Range;

/// The heads of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttentionShape {
    /// Heads of q.
    pub(crate) heads: usize,
    /// Heads of k and of v; a divisor of `heads`.
    pub(crate) kv_heads: usize,
    /// The width of one head.
    pub(crate) head_dim: usize,
}

impl AttentionShape {
    /// The width of `q | k | v`.
    pub(crate) fn width(self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    /// The width of what attention gives.
    pub(crate) fn out_width(self) -> usize {
        self.heads * self.head_dim
    }

    /// Heads of q by head of k.
    fn group(self) -> usize {
        self.heads / self.kv_heads
    }

    /// What the products of q and k are multiplied with.
    fn scale(self) -> f32 {
        (1.0 / (self.head_dim as f64).sqrt()) as f32
    }

    /// Where the head `head` of k begins in a row.
    fn key(self, head: usize) -> usize {
        (self.heads + head) * self.head_dim
    }

    /// Where the head `head` of v begins in a row.
    fn value(self, head: usize) -> usize {
        (self.heads + self.kv_heads + head) * self.head_dim
    }
}

/// Queries that are worked on together: their scores stay in the cache of a core.
const BLOCK: usize = 32;

/// The pieces of `numbers` that belong to the sequences, `width` numbers a token.
fn pieces<'d>(
    mut numbers: &'d mut [f32],
    sequences: &[Range<usize>],
    width: usize,
) -> Vec<&'d mut [f32]> {
    let mut pieces = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        let (piece, rest) = numbers.split_at_mut(sequence.len() * width);
        pieces.push(piece);
        numbers = rest;
    }
    pieces
}

/// Copies the columns `start..start + width` of `rows` to rows of `to_stride`
/// numbers, the rest of which is zeroed.
#[inline(always)]
fn gather(
    (rows, stride): (&[f32], usize),
    (start, width): (usize, usize),
    (to, to_stride): (&mut [f32], usize),
) {
    for (row, to) in rows
        .chunks_exact(stride)
        .zip(to.chunks_exact_mut(to_stride))
    {
        to[..width].copy_from_slice(&row[start..start + width]);
        to[width..].fill(0.0);
    }
}

/// The same, with rows as columns: `to` is `[width, to_stride]`, and the columns
/// past the rows are zeroed.
#[inline(always)]
fn gather_transposed(
    (rows, stride): (&[f32], usize),
    (start, width): (usize, usize),
    (to, to_stride): (&mut [f32], usize),
) {
    let count = rows.len() / stride;
    for (column, to) in to.chunks_exact_mut(to_stride).take(width).enumerate() {
        for (row, to) in to[..count].iter_mut().enumerate() {
            *to = rows[row * stride + start + column];
        }
        to[count..].fill(0.0);
    }
}
