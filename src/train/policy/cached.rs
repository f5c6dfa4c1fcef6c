//! Decoding with the kernels: keys and values of every row in a slot of its own.

use candle_core::{Device, Tensor};

use super::super::TrainError;
use super::super::ops::{Cache, HostMatrix, Positions};
use super::Policy;
use super::batch::{Distinct, Packed};
use super::lora::LoraPass;

/// Keys and values by layer.
#[derive(Debug)]
pub(super) struct KernelCaches {
    layers: Vec<Cache>,
    /// The slots of the rows that are left, ascending.
    slots: Vec<usize>,
}

impl KernelCaches {
    /// Slots for `rows` sequences of at most `capacity` tokens.
    pub(super) fn new(policy: &Policy, rows: usize, capacity: usize) -> Self {
        let cache = |index| {
            let shape = policy.layer(index, LoraPass::Whole).shape();
            Cache::new(shape, rows, capacity)
        };
        Self {
            layers: (0..policy.config.layers).map(cache).collect(),
            slots: Vec::new(),
        }
    }

    /// Lets rows leave.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        let mut kept = keep.iter();
        self.slots.retain(|_| kept.next().is_some_and(|keep| *keep));
    }

    /// Reads the prompts of all rows, each once: logits after each prompt.
    pub(super) fn prefill(
        &mut self,
        policy: &Policy,
        distinct: &Distinct<'_>,
    ) -> Result<Tensor, TrainError> {
        let prompts = &distinct.prompts;
        let width = policy.config.hidden_size;
        let mut last = policy.ops.matrix(prompts.len(), width);
        for (rows, packed) in distinct.groups() {
            let x = self.read(policy, &packed, (rows.start, &distinct.of_rows))?;
            let to = last.data_mut()[rows.start * width..].chunks_exact_mut(width);
            for (to, sequence) in to.zip(&packed.sequences) {
                to.copy_from_slice(&x.data()[(sequence.end - 1) * width..][..width]);
            }
        }
        self.slots = (0..distinct.of_rows.len()).collect();
        logits(policy, &last)
    }

    /// Adds a token to every row, each at its position: logits of the next.
    pub(super) fn step(
        &mut self,
        policy: &Policy,
        tokens: &[u32],
        positions: &[u32],
    ) -> Result<Tensor, TrainError> {
        let longest = positions
            .iter()
            .max()
            .map_or(0, |position| *position as usize);
        let table = policy.rope(longest + 1);
        let of_rows = Positions {
            of_rows: positions,
            table: &table,
        };
        let mut x = policy.embed(tokens)?;
        for (index, cache) in self.layers.iter_mut().enumerate() {
            let layer = policy.layer(index, LoraPass::Whole);
            let attend = |qkv: &HostMatrix| {
                policy
                    .ops
                    .attention_step(qkv, cache, &self.slots, positions)
            };
            x = layer.forward_with(x, of_rows, attend)?;
        }
        logits(policy, &x)
    }

    /// Runs whole prompts through the layers and keeps their keys and values, in the
    /// slots of all rows that have them.
    fn read(
        &mut self,
        policy: &Policy,
        packed: &Packed,
        numbers: (usize, &[usize]),
    ) -> Result<HostMatrix, TrainError> {
        let table = policy.rope(packed.longest());
        let rows = packed.rows(&table);
        let mut x = policy.embed(&packed.tokens)?;
        for (index, cache) in self.layers.iter_mut().enumerate() {
            let layer = policy.layer(index, LoraPass::Whole);
            x = layer.forward_with(x, rows.positions, |qkv| {
                cache.fill(qkv, rows.sequences, numbers);
                let (attended, _) = policy.ops.attention(qkv, layer.shape(), rows.sequences);
                attended
            })?;
        }
        Ok(x)
    }
}

fn logits(policy: &Policy, last: &HostMatrix) -> Result<Tensor, TrainError> {
    let hidden = policy.last_norm(last)?;
    let logits = policy.ops.logits(&hidden, policy.head())?;
    let shape = (logits.rows(), logits.columns());
    Ok(Tensor::from_slice(logits.data(), shape, &Device::Cpu)?)
}
