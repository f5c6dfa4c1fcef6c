//! LoRA beside a linear map, in plain tensor operations: `y += s (x A) B`.

use candle_core::Tensor;

use super::super::super::TrainError;
use super::super::super::ops::Adapter;
use super::super::Gradients;
use super::super::lora::Adapters;

impl Adapters<'_> {
    /// The output of a map with what its adapters add.
    pub(super) fn plain_forward(
        &self,
        weight: usize,
        x: &Tensor,
        mut out: Tensor,
    ) -> Result<Tensor, TrainError> {
        for (_, adapter) in self.beside(weight) {
            let inner = inner(&self.kept(x, &adapter)?, &adapter)?;
            out = (out + padded(&inner.matmul(adapter.b)?, &adapter, width(self, weight)?)?)?;
        }
        Ok(out)
    }

    /// The gradient by the input with what goes through the adapters; the gradients
    /// by their matrices go to `gradients`.
    pub(super) fn plain_backward(
        &self,
        weight: usize,
        (x, d_out): (&Tensor, &Tensor),
        mut d_x: Tensor,
        gradients: &mut Gradients,
    ) -> Result<Tensor, TrainError> {
        for (module, adapter) in self.beside(weight) {
            let x = self.kept(x, &adapter)?;
            let columns = &adapter.columns;
            let d_out = d_out
                .narrow(1, columns.start, columns.len())?
                .contiguous()?;
            let d_inner = d_out.matmul(&adapter.b.t()?.contiguous()?)?;
            let d_inner = (d_inner * f64::from(adapter.scale))?;
            gradients.add(module.a, &x.t()?.contiguous()?.matmul(&d_inner)?)?;
            let inner = inner(&x, &adapter)?;
            gradients.add(module.b, &inner.t()?.contiguous()?.matmul(&d_out)?)?;
            let d_kept = d_inner.matmul(&adapter.a.t()?.contiguous()?)?;
            d_x = (d_x + self.kept(&d_kept, &adapter)?)?;
        }
        Ok(d_x)
    }

    /// What dropout leaves of an adapter's input.
    fn kept(&self, x: &Tensor, adapter: &Adapter<'_>) -> Result<Tensor, TrainError> {
        let Some(dropout) = adapter.dropout else {
            return Ok(x.clone());
        };
        let mut mask = self.ops.matrix(x.dim(0)?, x.dim(1)?);
        mask.data_mut().fill(1.0);
        dropout.apply(&mut mask);
        Ok((x * Tensor::from_slice(mask.data(), x.shape(), x.device())?)?)
    }
}

/// `s x A`.
fn inner(x: &Tensor, adapter: &Adapter<'_>) -> candle_core::Result<Tensor> {
    x.matmul(adapter.a)? * f64::from(adapter.scale)
}

/// An adapter's columns among those of the whole output.
fn padded(columns: &Tensor, adapter: &Adapter<'_>, width: usize) -> candle_core::Result<Tensor> {
    columns.pad_with_zeros(1, adapter.columns.start, width - adapter.columns.end)
}

fn width(adapters: &Adapters<'_>, weight: usize) -> candle_core::Result<usize> {
    adapters.parameters.at(weight).dim(1)
}
