//! SwiGLU on packed halves: `silu(gate) * up`, `silu(g) = g / (1 + e^-g)`.
//!
//! Source: arXiv:2002.05202. What it gives is not kept for the way back but made
//! again there, with the same exponentials.

use rayon::prelude::*;

use super::simd::exp;
use super::{CHUNK_ROWS, HostMatrix, Kernel, Ops, Simd, run};

impl Ops {
    /// `[rows, gate | up]` gives `[rows, columns / 2]`.
    pub(crate) fn swiglu(&self, gate_up: &HostMatrix) -> HostMatrix {
        let width = gate_up.columns() / 2;
        let mut out = self.matrix(gate_up.rows(), width);
        let pieces = out.data_mut().par_chunks_mut(CHUNK_ROWS * width);
        let inputs = gate_up.data().par_chunks(CHUNK_ROWS * 2 * width);
        pieces.zip(inputs).for_each(|(out, gate_up)| {
            run(Forward {
                gate_up,
                width,
                out,
            });
        });
        out
    }

    /// The output once more, and the gradient by `gate | up`.
    pub(crate) fn swiglu_backward(
        &self,
        gate_up: &HostMatrix,
        d_out: &HostMatrix,
    ) -> (HostMatrix, HostMatrix) {
        let width = d_out.columns();
        let mut out = self.matrix(d_out.rows(), width);
        let mut d_gate_up = self.matrix(d_out.rows(), 2 * width);
        let chunk = CHUNK_ROWS * width;
        let pieces = out.data_mut().par_chunks_mut(chunk);
        let pieces = pieces.zip(d_gate_up.data_mut().par_chunks_mut(2 * chunk));
        let inputs = gate_up.data().par_chunks(2 * chunk);
        let inputs = inputs.zip(d_out.data().par_chunks(chunk));
        pieces
            .zip(inputs)
            .for_each(|((out, d_gate_up), (gate_up, d_out))| {
                run(Backward {
                    gate_up,
                    d_out,
                    width,
                    out,
                    d_gate_up,
                });
            });
        (out, d_gate_up)
    }
}

struct Forward<'r> {
    gate_up: &'r [f32],
    width: usize,
    out: &'r mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let width = self.width;
        let rows = self.gate_up.chunks_exact(2 * width);
        for (gate_up, out) in rows.zip(self.out.chunks_exact_mut(width)) {
            let (gate, up) = gate_up.split_at(width);
            for i in 0..width {
                out[i] = gate[i] * sigmoid::<S>(gate[i]) * up[i];
            }
        }
    }
}

struct Backward<'r> {
    gate_up: &'r [f32],
    d_out: &'r [f32],
    width: usize,
    out: &'r mut [f32],
    d_gate_up: &'r mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let width = self.width;
        let rows = self.gate_up.chunks_exact(2 * width);
        let rows = rows.zip(self.d_out.chunks_exact(width));
        let outs = self.out.chunks_exact_mut(width);
        let outs = outs.zip(self.d_gate_up.chunks_exact_mut(2 * width));
        for ((gate_up, d_out), (out, d_gate_up)) in rows.zip(outs) {
            let (gate, up) = gate_up.split_at(width);
            let (d_gate, d_up) = d_gate_up.split_at_mut(width);
            for i in 0..width {
                let share = sigmoid::<S>(gate[i]);
                let silu = gate[i] * share;
                out[i] = silu * up[i];
                d_up[i] = d_out[i] * silu;
                d_gate[i] = d_out[i] * up[i] * (share + silu * (1.0 - share));
            }
        }
    }
}

#[inline(always)]
fn sigmoid<S: Simd>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<S>(-x))
}
