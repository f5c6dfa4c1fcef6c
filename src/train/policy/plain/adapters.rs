//! LoRA beside a linear map, in plain tensor operations: `y += s (x A) B`.

use candle_core::Tensor;

use super::super::super::TrainError;
use super::super::super::ops::Adapter;
use super::super::Gradients;
use super::super::lora::{Adapters, Module};
use super::weights::{Weights, product, wide};

impl Adapters<'_> {
    /// The output of a map with what its adapters add.
    pub(super) fn plain_forward(
        &self,
        (weight, weights): (usize, Weights<'_>),
        x: &Tensor,
        mut out: Tensor,
    ) -> Result<Tensor, TrainError> {
        let width = out.dim(1)?;
        for (module, adapter) in self.beside(weight) {
            let factors = Factors::new(module, &adapter, weights)?;
            let inner = factors.inner(&self.kept(x, &adapter, weights)?)?;
            let columns = product(&inner, &factors.b)?;
            out = (out + padded(&columns, &adapter, width)?)?;
        }
        Ok(out)
    }

    /// The gradient by the input with what goes through the adapters; the gradients
    /// by their matrices go to `gradients`.
    pub(super) fn plain_backward(
        &self,
        (weight, weights): (usize, Weights<'_>),
        (x, d_out): (&Tensor, &Tensor),
        mut d_x: Tensor,
        gradients: &mut Gradients,
    ) -> Result<Tensor, TrainError> {
        for (module, adapter) in self.beside(weight) {
            let factors = Factors::new(module, &adapter, weights)?;
            let x = self.kept(x, &adapter, weights)?;
            let columns = &adapter.columns;
            let d_out = d_out
                .narrow(1, columns.start, columns.len())?
                .contiguous()?;
            let d_inner = (product(&d_out, &factors.b.t()?)? * f64::from(adapter.scale))?;
            let d_inner = weights.round(&d_inner)?;
            gradients.add(module.a, &product(&x.t()?, &d_inner)?)?;
            let inner = factors.inner(&x)?;
            gradients.add(module.b, &product(&inner.t()?, &d_out)?)?;
            let d_kept = product(&d_inner, &factors.a.t()?)?;
            d_x = (d_x + self.dropped(&d_kept, &adapter)?)?;
        }
        Ok(d_x)
    }

    /// What dropout leaves of an adapter's input, as it is multiplied.
    fn kept(
        &self,
        x: &Tensor,
        adapter: &Adapter<'_>,
        weights: Weights<'_>,
    ) -> Result<Tensor, TrainError> {
        Ok(match adapter.dropout {
            None => x.clone(),
            Some(_) => weights.round(&self.dropped(&wide(x)?, adapter)?)?,
        })
    }

    /// What dropout leaves of numbers in f32.
    fn dropped(&self, x: &Tensor, adapter: &Adapter<'_>) -> Result<Tensor, TrainError> {
        let Some(dropout) = adapter.dropout else {
            return Ok(x.clone());
        };
        let mut mask = self.ops.matrix(x.dim(0)?, x.dim(1)?);
        mask.data_mut().fill(1.0);
        dropout.apply(&mut mask);
        Ok((x * Tensor::from_slice(mask.data(), x.shape(), x.device())?)?)
    }
}

/// An adapter's matrices as they are multiplied.
struct Factors<'p> {
    a: Tensor,
    b: Tensor,
    scale: f64,
    weights: Weights<'p>,
}

impl<'p> Factors<'p> {
    fn new(
        module: &Module,
        adapter: &Adapter<'_>,
        weights: Weights<'p>,
    ) -> candle_core::Result<Self> {
        Ok(Self {
            a: weights.factor(module.a)?,
            b: weights.factor(module.b)?,
            scale: f64::from(adapter.scale),
            weights,
        })
    }

    /// `s x A`.
    fn inner(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.weights.round(&(product(x, &self.a)? * self.scale)?)
    }
}

/// An adapter's columns among those of the whole output.
fn padded(columns: &Tensor, adapter: &Adapter<'_>, width: usize) -> candle_core::Result<Tensor> {
    columns.pad_with_zeros(1, adapter.columns.start, width - adapter.columns.end)
}
