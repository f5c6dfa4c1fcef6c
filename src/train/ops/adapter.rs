//! Low-rank adapters beside a linear map: `y += s (x A) B`, arXiv:2106.09685.
//!
//! `A` is `[in, rank]` and `B` `[rank, out]`; the map's output may be part of a
//! wider one, from a column on.

use std::ops::Range;

use candle_core::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use rayon::prelude::*;

use super::gemm::{Threads, View, gemm};
use super::linear::view;
use super::{CHUNK_ROWS, HostMatrix, Ops, Output, host};
use crate::train::TrainError;

/// An adapter, ready to be run.
#[derive(Clone, Debug)]
pub(crate) struct Adapter<'p> {
    pub(crate) a: &'p Tensor,
    pub(crate) b: &'p Tensor,
    /// Its columns in the output.
    pub(crate) columns: Range<usize>,
    pub(crate) scale: f32,
    pub(crate) dropout: Option<Dropout>,
}

/// Which inputs of an adapter are left out, by counting: the same for the same
/// seed, stream and place, in any order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dropout {
    /// The share that is left out, below 1.
    pub(crate) rate: f64,
    pub(crate) seed: u64,
    /// One for every adapter.
    pub(crate) stream: u64,
}

impl Ops {
    /// `out[:, columns] += s (x A) B`.
    pub(crate) fn adapt(
        &self,
        out: &mut HostMatrix,
        x: &HostMatrix,
        adapter: &Adapter<'_>,
    ) -> Result<(), TrainError> {
        let inner = match adapter.dropout {
            None => self.inner(x, adapter)?,
            Some(dropout) => self.inner(&self.dropped(x, dropout), adapter)?,
        };
        product(out, &inner, adapter)
    }

    /// Adds the gradient by the input, `s dY B^T A^T`, to `d_x`.
    pub(crate) fn adapt_backward(
        &self,
        d_x: &mut HostMatrix,
        d_out: &HostMatrix,
        adapter: &Adapter<'_>,
    ) -> Result<(), TrainError> {
        let d_inner = self.d_inner(d_out, adapter)?;
        let (inputs, rank) = adapter.a.dims2()?;
        let a = host(adapter.a)?;
        let a = View::new(&a, inputs, rank).transposed();
        let Some(dropout) = adapter.dropout else {
            gemm(
                d_x.data_mut(),
                inputs,
                Output::Add,
                view(&d_inner),
                a,
                Threads::All,
            );
            return Ok(());
        };
        let mut d_kept = self.matrix(d_x.rows(), inputs);
        gemm(
            d_kept.data_mut(),
            inputs,
            Output::Set,
            view(&d_inner),
            a,
            Threads::All,
        );
        dropout.apply(&mut d_kept);
        super::linear::add(d_x.data_mut(), d_kept.data());
        Ok(())
    }

    /// Adds the gradients by `A`, `s X^T dY B^T`, and by `B`, `s (X A)^T dY`.
    pub(crate) fn adapter_backward(
        &self,
        x: &HostMatrix,
        d_out: &HostMatrix,
        adapter: &Adapter<'_>,
        [d_a, d_b]: [Option<&mut HostMatrix>; 2],
    ) -> Result<(), TrainError> {
        let dropped = adapter.dropout.map(|dropout| self.dropped(x, dropout));
        let x = dropped.as_ref().unwrap_or(x);
        if let Some(d_a) = d_a {
            let d_inner = self.d_inner(d_out, adapter)?;
            self.weight_backward(x, &d_inner, d_a);
        }
        if let Some(d_b) = d_b {
            let inner = self.inner(x, adapter)?;
            let outputs = d_b.columns();
            let (inner, d_out) = (view(&inner).transposed(), columns(d_out, adapter));
            gemm(
                d_b.data_mut(),
                outputs,
                Output::Add,
                inner,
                d_out,
                Threads::All,
            );
        }
        Ok(())
    }

    /// `s x A`.
    fn inner(&self, x: &HostMatrix, adapter: &Adapter<'_>) -> Result<HostMatrix, TrainError> {
        let mut inner = self.linear(x, adapter.a)?;
        scale(&mut inner, adapter.scale);
        Ok(inner)
    }

    /// `s dY B^T`.
    fn d_inner(&self, d_out: &HostMatrix, adapter: &Adapter<'_>) -> Result<HostMatrix, TrainError> {
        let (rank, outputs) = adapter.b.dims2()?;
        let b = host(adapter.b)?;
        let b = View::new(&b, rank, outputs).transposed();
        let mut d_inner = self.matrix(d_out.rows(), rank);
        let d_out = columns(d_out, adapter);
        gemm(
            d_inner.data_mut(),
            rank,
            Output::Set,
            d_out,
            b,
            Threads::All,
        );
        scale(&mut d_inner, adapter.scale);
        Ok(d_inner)
    }

    fn dropped(&self, x: &HostMatrix, dropout: Dropout) -> HostMatrix {
        let mut dropped = self.copy(x);
        dropout.apply(&mut dropped);
        dropped
    }
}

impl Dropout {
    /// Sets the numbers that are left out to 0, and makes the others larger for it.
    pub(crate) fn apply(self, x: &mut HostMatrix) {
        let width = x.columns();
        let kept = (1.0 / (1.0 - self.rate)) as f32;
        // Below it a random number of 32 bits leaves its place out.
        let bound = (self.rate * f64::from(u32::MAX)) as u32;
        let chunks = x.data_mut().par_chunks_mut(CHUNK_ROWS * width);
        chunks.enumerate().for_each(|(chunk, numbers)| {
            let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
            generator.set_stream(self.stream);
            generator.set_word_pos((chunk * CHUNK_ROWS * width) as u128);
            for number in numbers {
                *number *= if generator.next_u32() < bound {
                    0.0
                } else {
                    kept
                };
            }
        });
    }
}

/// `out[:, columns] += inner B`.
fn product(
    out: &mut HostMatrix,
    inner: &HostMatrix,
    adapter: &Adapter<'_>,
) -> Result<(), TrainError> {
    let stride = out.columns();
    let out = &mut out.data_mut()[adapter.columns.start..];
    let (rank, outputs) = adapter.b.dims2()?;
    let b = host(adapter.b)?;
    let b = View::new(&b, rank, outputs);
    gemm(out, stride, Output::Add, view(inner), b, Threads::All);
    Ok(())
}

/// The adapter's part of an output.
fn columns<'m>(out: &'m HostMatrix, adapter: &Adapter<'_>) -> View<'m> {
    let Range { start, end } = adapter.columns;
    View::strided(&out.data()[start..], out.rows(), end - start, out.columns())
}

fn scale(x: &mut HostMatrix, factor: f32) {
    for number in x.data_mut() {
        *number *= factor;
    }
}
