//! Linear maps: `y = x W`, with `W` as `[in, out]`.

use candle_core::Tensor;
use rayon::prelude::*;

use super::gemm::{View, gemm};
use super::{CHUNK_ROWS, HostMatrix, Ops, Output, host};
use crate::train::TrainError;

impl Ops {
    /// `x W`: `[rows, in]` and `[in, out]` give `[rows, out]`.
    pub(crate) fn linear(&self, x: &HostMatrix, weight: &Tensor) -> Result<HostMatrix, TrainError> {
        let mut out = self.matrix(x.rows(), weight.dim(1)?);
        product(&mut out, Output::Set, x, weight)?;
        Ok(out)
    }

    /// `out += x W`.
    pub(crate) fn linear_add(
        &self,
        out: &mut HostMatrix,
        x: &HostMatrix,
        weight: &Tensor,
    ) -> Result<(), TrainError> {
        product(out, Output::Add, x, weight)
    }

    /// The gradient by the input, `dY W^T`: `[rows, out]` gives `[rows, in]`.
    pub(crate) fn linear_backward(
        &self,
        d_out: &HostMatrix,
        weight: &Tensor,
    ) -> Result<HostMatrix, TrainError> {
        let (inputs, outputs) = weight.dims2()?;
        let mut d_x = self.matrix(d_out.rows(), inputs);
        let weight = host(weight)?;
        let transposed = View::new(&weight, inputs, outputs).transposed();
        let d_out = view(d_out);
        gemm(d_x.data_mut(), inputs, Output::Set, d_out, transposed);
        Ok(d_x)
    }

    /// Adds the gradient by the weight, `X^T dY`, to `gradient` `[in, out]`.
    pub(crate) fn weight_backward(
        &self,
        x: &HostMatrix,
        d_out: &HostMatrix,
        gradient: &mut HostMatrix,
    ) {
        let outputs = d_out.columns();
        let (x, d_out) = (view(x).transposed(), view(d_out));
        gemm(gradient.data_mut(), outputs, Output::Add, x, d_out);
    }

    /// Adds the sums of the columns of `d_out`, the gradient by a bias, to
    /// `gradient` `[1, out]`.
    pub(crate) fn bias_backward(&self, d_out: &HostMatrix, gradient: &mut HostMatrix) {
        let width = d_out.columns();
        let sums: Vec<Vec<f32>> = d_out
            .data()
            .par_chunks(CHUNK_ROWS * width)
            .map(|rows| {
                let mut sums = vec![0.0; width];
                for row in rows.chunks_exact(width) {
                    add(&mut sums, row);
                }
                sums
            })
            .collect();
        for sums in sums {
            add(gradient.data_mut(), &sums);
        }
    }
}

fn product(
    out: &mut HostMatrix,
    output: Output,
    x: &HostMatrix,
    weight: &Tensor,
) -> Result<(), TrainError> {
    let (inputs, outputs) = weight.dims2()?;
    let weight = host(weight)?;
    let weight = View::new(&weight, inputs, outputs);
    gemm(out.data_mut(), outputs, output, view(x), weight);
    Ok(())
}

/// The whole matrix.
pub(super) fn view(x: &HostMatrix) -> View<'_> {
    View::new(x.data(), x.rows(), x.columns())
}

/// Adds `numbers` to `sums`, one by one.
pub(super) fn add(sums: &mut [f32], numbers: &[f32]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += number;
    }
}
