//! The gradient of every trainable parameter, added up in place.

use candle_core::{Device, Tensor};

use super::super::TrainError;
use super::super::ops::{HostMatrix, Ops};
use super::Policy;

/// Sums of gradients in f32, one buffer for every trainable parameter.
#[derive(Debug)]
pub struct Gradients {
    entries: Vec<Option<Entry>>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    sums: HostMatrix,
    /// Whether anything was added since the last [`Gradients::clear`].
    is_reached: bool,
}

impl Gradients {
    /// Zeros for every parameter of the policy that is trainable now.
    ///
    /// # Errors
    /// None today; device memory may run out.
    pub fn zeros(policy: &Policy) -> Result<Self, TrainError> {
        let ops = Ops::default();
        let entries = policy
            .parameters()
            .iter()
            .map(|(name, tensor, is_trainable)| {
                let shape = tensor.dims().to_vec();
                let columns = shape.last().copied().unwrap_or(1);
                is_trainable.then(|| Entry {
                    name: name.to_owned(),
                    sums: ops.zeros(tensor.elem_count() / columns.max(1), columns),
                    shape,
                    is_reached: false,
                })
            });
        Ok(Self {
            entries: entries.collect(),
        })
    }

    /// Sets all to zero.
    pub fn clear(&mut self) {
        for entry in self.entries.iter_mut().flatten() {
            entry.sums.data_mut().fill(0.0);
            entry.is_reached = false;
        }
    }

    /// The length of all gradients as one vector.
    pub fn norm(&self) -> f64 {
        let squares = |entry: &Entry| {
            let numbers = entry.sums.data().iter();
            numbers.map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>()
        };
        let entries = self.entries.iter().flatten();
        entries.map(squares).sum::<f64>().sqrt()
    }

    /// Multiplies all with `factor`.
    pub fn scale(&mut self, factor: f64) {
        for entry in self.entries.iter_mut().flatten() {
            for number in entry.sums.data_mut() {
                *number *= factor as f32;
            }
        }
    }

    /// Trainable parameters that nothing was added to, or something that is not
    /// finite: an optimizer step would leave them as they are, or ruin them.
    pub fn uncovered(&self) -> Vec<&str> {
        let entries = self.entries.iter().flatten();
        entries
            .filter(|entry| {
                !entry.is_reached || entry.sums.data().iter().any(|number| !number.is_finite())
            })
            .map(|entry| entry.name.as_str())
            .collect()
    }

    /// The gradient of one parameter; `None` where it is not trained.
    ///
    /// # Errors
    /// When no tensor can be made of it.
    pub fn get(&self, name: &str) -> Result<Option<Tensor>, TrainError> {
        let mut entries = self.entries.iter().flatten();
        let Some(entry) = entries.find(|entry| entry.name == name) else {
            return Ok(None);
        };
        let sums = entry.sums.data();
        Ok(Some(Tensor::from_slice(
            sums,
            entry.shape.as_slice(),
            &Device::Cpu,
        )?))
    }

    /// The buffer to add to, if the parameter is trained.
    pub(crate) fn slot(&mut self, index: usize) -> Option<&mut HostMatrix> {
        let entry = self.entries[index].as_mut()?;
        entry.is_reached = true;
        Some(&mut entry.sums)
    }

    /// The buffers of two parameters, the second after the first in the list.
    pub(crate) fn two_slots(
        &mut self,
        [first, second]: [Option<usize>; 2],
    ) -> [Option<&mut HostMatrix>; 2] {
        let (Some(first), Some(second)) = (first, second) else {
            return [None, None];
        };
        let (head, tail) = self.entries.split_at_mut(second);
        [&mut head[first], &mut tail[0]].map(|entry| {
            let entry = entry.as_mut()?;
            entry.is_reached = true;
            Some(&mut entry.sums)
        })
    }

    /// The sums of a parameter, if it is trained.
    pub(crate) fn sums(&self, index: usize) -> Option<&HostMatrix> {
        Some(&self.entries[index].as_ref()?.sums)
    }
}
