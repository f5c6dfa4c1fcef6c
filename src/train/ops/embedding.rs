//! Rows of the embedding table by token, and the gradient added to those rows.

use candle_core::Tensor;

use super::{HostMatrix, Ops, host};
use crate::train::TrainError;

impl Ops {
    /// The rows of `table` `[vocabulary, d]` for `tokens`, each below `vocabulary`:
    /// `[tokens, d]`.
    pub(crate) fn embed(&self, table: &Tensor, tokens: &[u32]) -> Result<HostMatrix, TrainError> {
        let (_, width) = table.dims2()?;
        let table = host(table)?;
        let mut out = self.matrix(tokens.len(), width);
        for (row, token) in out.data_mut().chunks_exact_mut(width).zip(tokens) {
            row.copy_from_slice(&table[*token as usize * width..][..width]);
        }
        Ok(out)
    }

    /// Adds the rows of `d_out` `[tokens, d]` to the rows of `gradient` that the
    /// tokens were taken from, in the order of the tokens.
    pub(crate) fn embed_backward(
        &self,
        d_out: &HostMatrix,
        tokens: &[u32],
        gradient: &mut HostMatrix,
    ) {
        let width = d_out.columns();
        let gradient = gradient.data_mut();
        for (row, token) in d_out.data().chunks_exact(width).zip(tokens) {
            let sums = &mut gradient[*token as usize * width..][..width];
            for (sum, d) in sums.iter_mut().zip(row) {
                *sum += d;
            }
        }
    }
}
