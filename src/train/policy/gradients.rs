//! The gradient of every trainable parameter, added up in place.

use candle_core::{DType, Device, Result as TensorResult, Tensor};
use rayon::prelude::*;

use super::super::TrainError;
use super::super::ops::{HostMatrix, Kernel, Ops, Simd, run};
use super::{Compute, Policy};

/// Sums of gradients in f32, one buffer for every trainable parameter.
#[derive(Debug)]
pub struct Gradients {
    entries: Vec<Option<Entry>>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    sums: Sums,
    /// Whether anything was added since the last [`Gradients::clear`].
    is_reached: bool,
}

/// The sums of one parameter.
#[derive(Debug)]
pub(crate) enum Sums {
    /// Where the kernels add: rows of the last dimension.
    Host(HostMatrix),
    /// Beside the weights; nothing stands for zeros.
    Device(Option<Tensor>),
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
                    sums: match policy.compute() {
                        Compute::Kernels => {
                            Sums::Host(ops.zeros(tensor.elem_count() / columns.max(1), columns))
                        }
                        Compute::Plain | Compute::Bf16 => Sums::Device(None),
                    },
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
            match &mut entry.sums {
                Sums::Host(sums) => sums.data_mut().fill(0.0),
                Sums::Device(sums) => *sums = None,
            }
            entry.is_reached = false;
        }
    }

    /// The length of all gradients as one vector.
    ///
    /// # Errors
    /// When a device fails, by running out of memory for one: that says nothing of
    /// the gradients.
    pub fn norm(&self) -> Result<f64, TrainError> {
        let entries = self.entries.iter().flatten();
        let squares = entries.map(|entry| entry.sums.squares());
        Ok(squares.sum::<TensorResult<f64>>()?.sqrt())
    }

    /// Multiplies all with `factor`.
    ///
    /// # Errors
    /// When a device fails; what it was at is then counted as not covered.
    pub fn scale(&mut self, factor: f64) -> Result<(), TrainError> {
        for entry in self.entries.iter_mut().flatten() {
            match &mut entry.sums {
                Sums::Host(sums) => {
                    for number in sums.data_mut() {
                        *number *= factor as f32;
                    }
                }
                Sums::Device(sums) => {
                    let Some(tensor) = sums.take() else { continue };
                    let was_reached = std::mem::take(&mut entry.is_reached);
                    *sums = Some(tensor.affine(factor, 0.0)?);
                    entry.is_reached = was_reached;
                }
            }
        }
        Ok(())
    }

    /// Trainable parameters that nothing was added to, or something that is not
    /// finite: an optimizer step would leave them as they are, or ruin them.
    ///
    /// # Errors
    /// As for [`Gradients::norm`].
    pub fn uncovered(&self) -> Result<Vec<&str>, TrainError> {
        let mut names = Vec::new();
        for entry in self.entries.iter().flatten() {
            if !entry.is_reached || !entry.sums.are_finite()? {
                names.push(entry.name.as_str());
            }
        }
        Ok(names)
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
        Ok(Some(match &entry.sums {
            Sums::Device(Some(sums)) => sums.copy()?,
            Sums::Host(sums) => {
                Tensor::from_slice(sums.data(), entry.shape.as_slice(), &Device::Cpu)?
            }
            Sums::Device(None) => {
                let shape = entry.shape.as_slice();
                Tensor::zeros(shape, DType::F32, &Device::Cpu)?
            }
        }))
    }

    /// The buffer for a kernel to add to, if the parameter is trained.
    pub(crate) fn slot(&mut self, index: usize) -> Option<&mut HostMatrix> {
        self.entries[index].as_mut()?.slot()
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
        [&mut head[first], &mut tail[0]].map(|entry| entry.as_mut()?.slot())
    }

    /// Whether a parameter is trained.
    pub(crate) fn is_wanted(&self, index: usize) -> bool {
        self.entries[index].is_some()
    }

    /// Adds a tensor to the gradient of a parameter, if it is trained.
    pub(crate) fn add(&mut self, index: usize, gradient: &Tensor) -> Result<(), TrainError> {
        if let Some(entry) = &mut self.entries[index]
            && let Sums::Device(sums) = &mut entry.sums
        {
            *sums = Some(match sums.take() {
                Some(sums) => (sums + gradient)?,
                None => gradient.clone(),
            });
            entry.is_reached = true;
        }
        Ok(())
    }

    /// The sums of a parameter, if it is trained.
    pub(crate) fn sums(&self, index: usize) -> Option<&Sums> {
        Some(&self.entries.get(index)?.as_ref()?.sums)
    }
}

impl Entry {
    fn slot(&mut self) -> Option<&mut HostMatrix> {
        match &mut self.sums {
            Sums::Host(sums) => {
                self.is_reached = true;
                Some(sums)
            }
            Sums::Device(_) => None,
        }
    }
}

impl Sums {
    fn squares(&self) -> TensorResult<f64> {
        match self {
            Self::Host(sums) => Ok(squares(sums.data())),
            Self::Device(None) => Ok(0.0),
            Self::Device(Some(sums)) => squares_on_device(sums),
        }
    }

    fn are_finite(&self) -> TensorResult<bool> {
        match self {
            Self::Host(sums) => Ok(are_finite(sums.data())),
            Self::Device(None) => Ok(true),
            // A square above the largest f32 counts as not finite too.
            Self::Device(Some(sums)) => Ok(squares_on_device(sums)?.is_finite()),
        }
    }
}

/// Numbers that one task looks at.
const CHUNK: usize = 1 << 15;

/// The sum of squares, chunks added in their order.
fn squares(numbers: &[f32]) -> f64 {
    let chunks = numbers.par_chunks(CHUNK);
    let sums: Vec<f64> = chunks.map(|numbers| run(Squares(numbers))).collect();
    sums.into_iter().sum()
}

fn are_finite(numbers: &[f32]) -> bool {
    // Without a way out early the loop is one of vectors.
    let all = |numbers: &[f32]| numbers.iter().fold(true, |all, n| all & n.is_finite());
    numbers.par_chunks(CHUNK).all(all)
}

struct Squares<'n>(&'n [f32]);

impl Kernel for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self) -> f64 {
        let mut lanes = [0.0_f64; 16];
        let (tiles, rest) = self.0.as_chunks::<16>();
        for tile in tiles {
            for lane in 0..16 {
                let number = f64::from(tile[lane]);
                lanes[lane] += number * number;
            }
        }
        let square = |number: &f32| f64::from(*number) * f64::from(*number);
        lanes.into_iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()
    }
}

/// The same where the numbers are, so that one of them comes over alone: rows in f32,
/// their sums in f64. A list is one row: a sum over no dimension, of a tensor without
/// any, is not one that every device can take.
fn squares_on_device(tensor: &Tensor) -> TensorResult<f64> {
    let columns = tensor.dims().last().copied().unwrap_or(1).max(1);
    let rows = tensor.reshape((tensor.elem_count() / columns, columns))?;
    let sums = rows.sqr()?.sum(1)?.to_dtype(DType::F64)?;
    sums.sum(0)?.to_scalar()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn squares_are_the_same_beside_the_weights_in_any_shape() {
        let numbers: Vec<f32> = (0..24).map(|n| n as f32 / 7.0 - 1.5).collect();
        let wanted = squares(&numbers);
        let of = |numbers: &[f32], shape: &[usize]| {
            Sums::Device(Some(
                Tensor::from_slice(numbers, shape, &Device::Cpu).unwrap(),
            ))
        };
        for shape in [&[24][..], &[1, 24], &[24, 1], &[4, 6], &[2, 3, 4]] {
            let found = of(&numbers, shape).squares().unwrap();
            assert!((found / wanted - 1.0).abs() < 1e-6, "{shape:?}: {found}");
        }
        assert_eq!(of(&[-3.0], &[]).squares().unwrap(), 9.0);
        assert_eq!(of(&[], &[0]).squares().unwrap(), 0.0);
        assert!(of(&numbers, &[24]).are_finite().unwrap());
        for number in [f32::NAN, f32::INFINITY] {
            let sums = of(&[1.0, number], &[2]);
            assert!(!sums.are_finite().unwrap());
            assert!(!sums.squares().unwrap().is_finite());
        }
    }
}
