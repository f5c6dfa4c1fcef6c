//! From the gradient by the scores of a batch to that by every weight.

use super::super::TrainError;
use super::super::ops::Scored;
use super::forward::{KernelTape, Passed};
use super::{Gradients, Policy, Tape};

impl Policy {
    /// Adds the gradient by every trainable parameter to `gradients`, given that by
    /// the log-probability, and by the entropy if it is part of the loss, of every
    /// scored token.
    ///
    /// # Errors
    /// [`TrainError::Length`] when there is not one number per scored token.
    pub fn backward(
        &self,
        tape: Tape,
        d_logps: &[f32],
        d_entropies: Option<&[f32]>,
        gradients: &mut Gradients,
    ) -> Result<(), TrainError> {
        let expected = match &tape.0 {
            Passed::Kernels(tape) => tape.packed.targets.len(),
            Passed::Plain(tape) => tape.scored(),
        };
        check_length("d_logps", d_logps.len(), expected)?;
        if let Some(d_entropies) = d_entropies {
            check_length("d_entropies", d_entropies.len(), expected)?;
        }
        match tape.0 {
            Passed::Kernels(tape) => self.kernel_backward(tape, d_logps, d_entropies, gradients),
            Passed::Plain(tape) => self.plain_backward(tape, d_logps, d_entropies, gradients),
        }
    }

    fn kernel_backward(
        &self,
        tape: KernelTape,
        d_logps: &[f32],
        d_entropies: Option<&[f32]>,
        gradients: &mut Gradients,
    ) -> Result<(), TrainError> {
        let KernelTape {
            pass,
            packed,
            mut layers,
            last,
            scores,
            temperature,
        } = tape;
        let hidden = self.last_norm(&last)?;
        let scored = Scored {
            hidden: &hidden,
            head: self.head(),
            targets: &packed.targets,
            temperature,
        };
        let head_gradient = gradients.slot(self.places.head);
        let d_hidden =
            self.ops
                .scores_backward(&scored, &scores, d_logps, d_entropies, head_gradient)?;
        drop(hidden);
        let mut d_last = self.ops.zeros(last.rows(), last.columns());
        let epsilon = self.config.rms_norm_eps;
        let norm = self.parameters.at(self.places.norm);
        let norm_gradient = gradients.slot(self.places.norm);
        self.ops
            .rms_norm_backward(&last, norm, epsilon, &d_hidden, &mut d_last, norm_gradient)?;
        drop((last, d_hidden));

        let width = d_last.columns();
        let mut d_x = self.ops.zeros(packed.tokens.len(), width);
        let mut from = d_last.data();
        for scored in &packed.scored {
            let (piece, rest) = from.split_at(scored.len() * width);
            d_x.data_mut()[scored.start * width..scored.end * width].copy_from_slice(piece);
            from = rest;
        }
        drop(d_last);

        let table = self.rope(packed.longest());
        let rows = packed.rows(&table);
        while let Some(kept) = layers.pop() {
            let layer = self.layer(layers.len(), pass);
            let tape = kept.tape(|x| layer.forward(x, rows))?;
            d_x = layer.backward(tape, rows, d_x, gradients)?;
        }
        if let Some(gradient) = gradients.slot(self.places.embed) {
            self.ops.embed_backward(&d_x, &packed.tokens, gradient);
        }
        Ok(())
    }
}

fn check_length(list: &'static str, found: usize, expected: usize) -> Result<(), TrainError> {
    if found == expected {
        return Ok(());
    }
    Err(TrainError::Length {
        list,
        found,
        expected,
    })
}
