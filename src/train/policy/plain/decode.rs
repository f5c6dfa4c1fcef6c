//! Decoding of plain tensor operations, with keys and values of all rows padded to
//! one length.

use candle_core::Tensor;

use super::super::super::TrainError;
use super::super::Policy;
use super::super::batch::{Distinct, Packed};
use super::super::lora::LoraPass;
use super::attention::attend_step;

/// Slots are looked at in multiples of this, so that shapes rarely change.
const SLOTS: usize = 64;

/// Keys and values by layer, `[rows, kv_heads, capacity, head_dim]` each.
#[derive(Debug, Default)]
pub(in crate::train::policy) struct PlainCaches {
    layers: Vec<(Tensor, Tensor)>,
    /// The rows that are wanted, where some have left since the last step.
    kept: Option<Vec<u32>>,
}

impl PlainCaches {
    /// Lets rows leave.
    pub(in crate::train::policy) fn retain(&mut self, keep: &[bool]) {
        let all = || (0..keep.len() as u32).collect();
        let rows = self.kept.take().unwrap_or_else(all);
        let kept = rows.into_iter().zip(keep).filter(|(_, keep)| **keep);
        self.kept = Some(kept.map(|(row, _)| row).collect());
    }

    /// Reads the prompts of all rows, each once: logits after each prompt.
    pub(in crate::train::policy) fn prefill(
        &mut self,
        policy: &Policy,
        distinct: &Distinct<'_>,
        capacity: usize,
    ) -> Result<Tensor, TrainError> {
        self.kept = None;
        self.layers.clear();
        let mut read = vec![Slots::default(); policy.config.layers];
        let mut last = Vec::new();
        for (_, packed) in distinct.groups() {
            last.push(read_prompts(policy, &packed, capacity, &mut read)?);
        }
        for slots in read {
            // The parts of a layer leave before those of the next are put together.
            let whole = |parts: Vec<Tensor>| -> Result<Tensor, TrainError> {
                Ok(distinct.spread(&Tensor::cat(&parts, 0)?)?)
            };
            self.layers.push((whole(slots.keys)?, whole(slots.values)?));
        }
        Ok(policy.plain_logits(&Tensor::cat(&last, 0)?)?)
    }

    /// Adds a token to every row, each at its position: logits of the next.
    pub(in crate::train::policy) fn step(
        &mut self,
        policy: &Policy,
        tokens: &[u32],
        positions: &[u32],
        capacity: usize,
    ) -> Result<Tensor, TrainError> {
        self.compact()?;
        let device = &policy.device;
        let rows = tokens.len();
        let longest = positions
            .iter()
            .max()
            .map_or(0, |position| *position as usize)
            + 1;
        // Slots that no row has reached yet are not looked at.
        let slots = longest.next_multiple_of(SLOTS).min(capacity);
        let angles = policy.angles_at(positions, &policy.rope(longest))?;
        let hidden = |position: u32, j: usize| {
            if j > position as usize {
                f32::NEG_INFINITY
            } else {
                0.0
            }
        };
        let mask: Vec<f32> = positions
            .iter()
            .flat_map(|position| (0..slots).map(|j| hidden(*position, j)))
            .collect();
        let mask = Tensor::from_vec(mask, (rows, 1, 1, slots), device)?;
        let places = Tensor::from_slice(positions, (rows, 1, 1, 1), device)?;
        let mut x = policy.plain_embed(tokens)?;
        for (index, (keys, values)) in self.layers.iter().enumerate() {
            let layer = policy.plain_layer(index, LoraPass::Whole);
            x = layer.forward_with(&x, &angles, |heads| {
                for (cache, new) in [(keys, &heads.k), (values, &heads.v)] {
                    let new = new.unsqueeze(2)?.contiguous()?;
                    let places = places.broadcast_as(new.shape())?.contiguous()?;
                    cache.scatter_set(&places, &new, 2)?;
                }
                let (keys, values) = (keys.narrow(2, 0, slots)?, values.narrow(2, 0, slots)?);
                Ok(attend_step(
                    &heads.q,
                    (&keys, &values),
                    &mask,
                    layer.shape(),
                )?)
            })?;
        }
        Ok(policy.plain_logits(&x)?)
    }

    /// Drops the rows that have left.
    fn compact(&mut self) -> Result<(), TrainError> {
        let Some(kept) = self.kept.take() else {
            return Ok(());
        };
        for (keys, values) in &mut self.layers {
            let rows = Tensor::from_slice(&kept, kept.len(), keys.device())?;
            *keys = keys.index_select(&rows, 0)?;
            *values = values.index_select(&rows, 0)?;
        }
        Ok(())
    }
}

/// Keys and values of a layer, `[prompts, kv_heads, capacity, head_dim]` each, for
/// some prompts after others.
#[derive(Clone, Debug, Default)]
struct Slots {
    keys: Vec<Tensor>,
    values: Vec<Tensor>,
}

/// Runs whole prompts through the layers and keeps their keys and values: the hidden
/// states of their last tokens.
fn read_prompts(
    policy: &Policy,
    packed: &Packed,
    capacity: usize,
    slots: &mut [Slots],
) -> Result<Tensor, TrainError> {
    let read = policy.plain_rows(packed)?;
    let mut x = policy.plain_embed(&packed.tokens)?;
    for (index, slots) in slots.iter_mut().enumerate() {
        let layer = policy.plain_layer(index, LoraPass::Whole);
        x = layer.forward_with(&x, &read.angles, |heads| {
            let padded = |rows: &Tensor| -> Result<Tensor, TrainError> {
                let slots: candle_core::Result<Vec<Tensor>> = packed
                    .sequences
                    .iter()
                    .map(|sequence| {
                        rows.narrow(0, sequence.start, sequence.len())?
                            .transpose(0, 1)?
                            .pad_with_zeros(1, 0, capacity - sequence.len())?
                            .unsqueeze(0)
                    })
                    .collect();
                Ok(Tensor::cat(&slots?, 0)?.contiguous()?)
            };
            slots.keys.push(padded(&heads.k)?);
            slots.values.push(padded(&heads.v)?);
            layer.attend(heads, &read)
        })?;
    }
    let ends = packed.sequences.iter().map(|rows| rows.end as u32 - 1);
    let ends: Vec<u32> = ends.collect();
    let ends = Tensor::from_slice(&ends, ends.len(), &policy.device)?;
    Ok(x.index_select(&ends, 0)?)
}
