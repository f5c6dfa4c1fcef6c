//! Root mean square normalisation of the last dimension, arXiv:1910.07467.

use candle_core::{D, Result, Tensor};

/// `x / sqrt(mean(x^2) + eps) * w`.
pub(super) fn forward(x: &Tensor, weight: &Tensor, epsilon: f64) -> Result<Tensor> {
    x.broadcast_mul(&inverse_root(x, epsilon)?)?
        .broadcast_mul(weight)
}

/// The gradients by `x` and by `w`, the latter summed over all rows.
pub(super) fn backward(
    x: &Tensor,
    weight: &Tensor,
    epsilon: f64,
    d_out: &Tensor,
) -> Result<(Tensor, Tensor)> {
    let root = inverse_root(x, epsilon)?;
    let normed = x.broadcast_mul(&root)?;
    let by_normed = d_out.broadcast_mul(weight)?;
    let along = (&by_normed * &normed)?.mean_keepdim(D::Minus1)?;
    let d_x = (by_normed - normed.broadcast_mul(&along)?)?.broadcast_mul(&root)?;
    let width = weight.dim(0)?;
    let d_weight = (d_out * normed)?.reshape(((), width))?.sum(0)?;
    Ok((d_x, d_weight))
}

fn inverse_root(x: &Tensor, epsilon: f64) -> Result<Tensor> {
    (x.sqr()?.mean_keepdim(D::Minus1)? + epsilon)?
        .sqrt()?
        .recip()
}
