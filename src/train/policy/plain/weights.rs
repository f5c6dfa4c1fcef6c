//! Weights as products take them: the f32 ones that are trained, or copies of them
//! rounded to bf16, each made once for every change of its weight.

use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Result, Tensor, TensorId};

use super::super::Parameters;

/// Rounded weights, by their places.
#[derive(Debug, Default)]
pub(in crate::train::policy) struct Copies(Mutex<Vec<Option<Rounded>>>);

/// A step of the optimizer puts another tensor in a weight's place: by the tensor's
/// number it shows that the copy is old.
#[derive(Debug)]
struct Rounded {
    of: TensorId,
    copy: Tensor,
}

impl Copies {
    fn at(&self, place: usize, weight: &Tensor, element: DType) -> Result<Tensor> {
        let mut copies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if copies.len() <= place {
            copies.resize_with(place + 1, || None);
        }
        if let Some(rounded) = &copies[place]
            && rounded.of == weight.id()
        {
            return Ok(rounded.copy.clone());
        }
        // The old copy goes first, so that there are never two.
        copies[place] = None;
        let copy = weight.to_dtype(element)?;
        copies[place] = Some(Rounded {
            of: weight.id(),
            copy: copy.clone(),
        });
        Ok(copy)
    }
}

/// The weights of a policy, and the type of numbers that are multiplied.
#[derive(Clone, Copy)]
pub(super) struct Weights<'p> {
    pub(super) parameters: &'p Parameters,
    pub(super) copies: &'p Copies,
    /// F32 or BF16.
    pub(super) element: DType,
}

impl Weights<'_> {
    /// A weight as it is trained: f32.
    pub(super) fn at(&self, place: usize) -> &Tensor {
        self.parameters.at(place)
    }

    /// A weight as it is multiplied.
    pub(super) fn factor(&self, place: usize) -> Result<Tensor> {
        let weight = self.parameters.at(place);
        match self.element {
            DType::F32 => Ok(weight.clone()),
            element => self.copies.at(place, weight, element),
        }
    }

    /// Activations or gradients as they are multiplied.
    pub(super) fn round(&self, x: &Tensor) -> Result<Tensor> {
        x.to_dtype(self.element)
    }
}

/// A matrix product, widened to f32: rounded as its factors are, and no more exact.
pub(super) fn product(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    wide(&a.matmul(b)?)
}

/// In f32, where sums, norms, exponentials and logarithms are taken.
pub(super) fn wide(x: &Tensor) -> Result<Tensor> {
    x.to_dtype(DType::F32)
}
