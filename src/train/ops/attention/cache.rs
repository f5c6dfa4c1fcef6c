//! Keys and values of the tokens that a decoder has seen, and attention over them.

use std::ops::Range;

use rayon::prelude::*;

use super::AttentionShape;
use super::forward::softmax;
use crate::train::ops::gemm::Output;
use crate::train::ops::tile::{Left, Size, multiply, padded};
use crate::train::ops::{HostMatrix, Kernel, Ops, Simd, run};

/// The keys and values of one layer, a slot for every row of a batch.
///
/// In a slot, by head: the keys as `[head_dim, capacity]`, so that the scores of
/// all positions are sums of whole rows, and the values as `[capacity, head_dim]`,
/// both padded to whole tiles.
#[derive(Debug)]
pub(crate) struct Cache {
    keys: Vec<f32>,
    values: Vec<f32>,
    shape: AttentionShape,
    capacity: usize,
}

impl Cache {
    /// Slots for `rows` sequences of up to `capacity` tokens.
    pub(crate) fn new(shape: AttentionShape, rows: usize, capacity: usize) -> Self {
        let capacity = padded(capacity);
        let head = capacity * shape.kv_heads;
        Self {
            keys: vec![0.0; rows * head * shape.head_dim],
            values: vec![0.0; rows * head * padded(shape.head_dim)],
            shape,
            capacity,
        }
    }

    /// Puts the keys and values of whole prompts, rows `sequences` of the rotated
    /// `qkv`, into every slot that has one of them: `of_slots` numbers the prompts of
    /// the slots, and `first` is the number of the first of these.
    pub(crate) fn fill(
        &mut self,
        qkv: &HostMatrix,
        sequences: &[Range<usize>],
        (first, of_slots): (usize, &[usize]),
    ) {
        let (shape, capacity) = (self.shape, self.capacity);
        let width = shape.width();
        let slots: Vec<_> = self.slots().zip(of_slots).collect();
        slots.into_par_iter().for_each(|((keys, values), number)| {
            let place = number.checked_sub(first);
            let Some(sequence) = place.and_then(|place| sequences.get(place)) else {
                return;
            };
            for (position, row) in sequence.clone().enumerate() {
                let row = &qkv.data()[row * width..][..width];
                put(shape, capacity, (&mut *keys, &mut *values), row, position);
            }
        });
    }

    fn slots(&mut self) -> impl Iterator<Item = (&mut [f32], &mut [f32])> {
        let head = self.capacity * self.shape.kv_heads;
        let keys = self.keys.chunks_exact_mut(head * self.shape.head_dim);
        keys.zip(
            self.values
                .chunks_exact_mut(head * padded(self.shape.head_dim)),
        )
    }
}

/// Puts the key and the value of one token where its position is.
#[inline(always)]
fn put(
    shape: AttentionShape,
    capacity: usize,
    (keys, values): (&mut [f32], &mut [f32]),
    row: &[f32],
    position: usize,
) {
    let head_dim = shape.head_dim;
    let value_stride = padded(head_dim);
    for head in 0..shape.kv_heads {
        let key = &row[shape.key(head)..][..head_dim];
        for (i, number) in key.iter().enumerate() {
            keys[(head * head_dim + i) * capacity + position] = *number;
        }
        let value = &row[shape.value(head)..][..head_dim];
        let at = (head * capacity + position) * value_stride;
        values[at..at + head_dim].copy_from_slice(value);
    }
}

impl Ops {
    /// One new token for each of the `slots` of the cache, which ascend: its key and
    /// value are put at `positions`, and it looks at all up to there.
    pub(crate) fn attention_step(
        &self,
        qkv: &HostMatrix,
        cache: &mut Cache,
        slots: &[usize],
        positions: &[u32],
    ) -> HostMatrix {
        let (shape, capacity) = (cache.shape, cache.capacity);
        let width = shape.width();
        let mut out = self.matrix(qkv.rows(), shape.out_width());
        let mut wanted = slots.iter().peekable();
        let live: Vec<_> = cache
            .slots()
            .enumerate()
            .filter(|(slot, _)| wanted.next_if_eq(&slot).is_some())
            .map(|(_, slot)| slot)
            .collect();
        let rows = out.data_mut().par_chunks_exact_mut(shape.out_width());
        let rows = rows.zip(qkv.data().par_chunks_exact(width)).zip(live);
        rows.zip(positions)
            .for_each(|(((out, row), (keys, values)), position)| {
                let position = *position as usize;
                put(shape, capacity, (&mut *keys, &mut *values), row, position);
                run(Step {
                    row,
                    keys,
                    values,
                    shape,
                    capacity,
                    count: position + 1,
                    out,
                });
            });
        out
    }
}

/// One token of one row.
struct Step<'r> {
    row: &'r [f32],
    keys: &'r [f32],
    values: &'r [f32],
    shape: AttentionShape,
    capacity: usize,
    count: usize,
    out: &'r mut [f32],
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (shape, capacity, count) = (self.shape, self.capacity, self.count);
        let (head_dim, group) = (shape.head_dim, shape.group());
        let (across, along) = (padded(count), padded(head_dim));
        let mut scores = vec![0.0; group * across];
        let mut weighted = vec![0.0; group * along];
        for kv_head in 0..shape.kv_heads {
            let keys = &self.keys[kv_head * head_dim * capacity..][..head_dim * capacity];
            let values = &self.values[kv_head * capacity * along..][..capacity * along];
            let queries = Left::Rows {
                data: &self.row[kv_head * group * head_dim..],
                stride: head_dim,
            };
            let size = Size {
                m: group,
                k: head_dim,
                n: across,
            };
            let to = (&mut scores[..], across);
            multiply::<S>(to, Output::Set, queries, (keys, capacity), size);
            for scores in scores.chunks_exact_mut(across) {
                softmax::<S>(scores, count, shape.scale());
            }
            let probabilities = Left::Rows {
                data: &scores,
                stride: across,
            };
            let size = Size {
                m: group,
                k: count,
                n: along,
            };
            let to = (&mut weighted[..], along);
            multiply::<S>(to, Output::Set, probabilities, (values, along), size);
            let heads = self.out[kv_head * group * head_dim..].chunks_exact_mut(head_dim);
            for (out, weighted) in heads.zip(weighted.chunks_exact(along)) {
                out.copy_from_slice(&weighted[..head_dim]);
            }
        }
    }
}
