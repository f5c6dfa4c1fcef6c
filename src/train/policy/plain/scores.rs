//! Log-probabilities and entropies, some rows at a time.
//!
//! The products take the type of the hidden states and of the head, which is the
//! same; what is between them is f32.

use std::ops::Range;

use candle_core::{D, Result, Tensor};

use super::super::super::ops::Head;
use super::weights::{product, wide};

/// Logits that are there at once: 256 MiB of them. The gradient of the head is read
/// and written once for so many.
pub(in crate::train::policy) const LOGITS: usize = 1 << 26;

/// What is scored; see the kernels' own `Scored`.
#[derive(Clone, Copy)]
pub(super) struct Scored<'s> {
    pub(super) hidden: &'s Tensor,
    pub(super) head: Head<&'s Tensor>,
    /// `[scored]`, u32.
    pub(super) targets: &'s Tensor,
    pub(super) temperature: f64,
    /// How many logits there are at once: [`LOGITS`].
    pub(super) at_once: usize,
}

/// `[scored]` each.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    pub(super) logps: Tensor,
    pub(super) entropies: Tensor,
    log_sums: Tensor,
}

/// The gradients by the hidden states and by the head's own tensor, in f32.
pub(super) struct Slopes {
    pub(super) hidden: Tensor,
    pub(super) head: Option<Tensor>,
}

impl Scored<'_> {
    pub(super) fn forward(&self) -> Result<Scores> {
        let mut parts: [Vec<Tensor>; 3] = Default::default();
        for rows in self.chunks()? {
            let z = self.logits(&rows)?;
            let peak = z.max_keepdim(D::Minus1)?;
            let powers = z.broadcast_sub(&peak)?.exp()?;
            let sum = powers.sum_keepdim(D::Minus1)?;
            let log_sum = (peak + sum.log()?)?;
            let targets = self.targets.narrow(0, rows.start, rows.len())?;
            let logp = (z.gather(&targets.unsqueeze(1)?, 1)? - &log_sum)?;
            let mean = (powers * z)?.sum_keepdim(D::Minus1)?.div(&sum)?;
            let entropy = (&log_sum - mean)?;
            for (parts, part) in parts.iter_mut().zip([logp, entropy, log_sum]) {
                parts.push(part.squeeze(1)?);
            }
        }
        let [logps, entropies, log_sums] = parts;
        Ok(Scores {
            logps: Tensor::cat(&logps, 0)?,
            entropies: Tensor::cat(&entropies, 0)?,
            log_sums: Tensor::cat(&log_sums, 0)?,
        })
    }

    /// By the scaled logit `j`: the log-probability of `t` has the slope
    /// `[j = t] - p_j`, the entropy `-p_j (ln p_j + H)`.
    pub(super) fn backward(
        &self,
        scores: &Scores,
        d_logps: &Tensor,
        d_entropies: Option<&Tensor>,
        wants_head: bool,
    ) -> Result<Slopes> {
        let mut hidden = Vec::new();
        let mut head: Option<Tensor> = None;
        for rows in self.chunks()? {
            let of_rows = |x: &Tensor| x.narrow(0, rows.start, rows.len())?.unsqueeze(1);
            let logps = self
                .logits(&rows)?
                .broadcast_sub(&of_rows(&scores.log_sums)?)?;
            let d_logp = of_rows(d_logps)?;
            let shares = logps.exp()?;
            let mut d_z = shares.broadcast_mul(&d_logp)?.neg()?;
            if let Some(d_entropies) = d_entropies {
                let surprise = logps.broadcast_add(&of_rows(&scores.entropies)?)?;
                let slope = (shares * surprise)?.broadcast_mul(&of_rows(d_entropies)?)?;
                d_z = (d_z - slope)?;
            }
            let d_z = d_z.scatter_add(&of_rows(self.targets)?, &d_logp, 1)?;
            let d_logits = (d_z / self.temperature)?;
            let d_logits = d_logits.to_dtype(self.hidden.dtype())?;
            let back = match self.head {
                Head::Own(weights) => product(&d_logits, &weights.t()?)?,
                Head::Tied(table) => product(&d_logits, table)?,
            };
            hidden.push(back);
            if wants_head {
                let states = self.hidden.narrow(0, rows.start, rows.len())?;
                let part = match self.head {
                    Head::Own(_) => product(&states.t()?, &d_logits)?,
                    Head::Tied(_) => product(&d_logits.t()?, &states)?,
                };
                head = Some(match head {
                    Some(sum) => (sum + part)?,
                    None => part,
                });
            }
        }
        Ok(Slopes {
            hidden: Tensor::cat(&hidden, 0)?,
            head,
        })
    }

    fn logits(&self, rows: &Range<usize>) -> Result<Tensor> {
        let hidden = self.hidden.narrow(0, rows.start, rows.len())?;
        logits(&hidden, self.head)? / self.temperature
    }

    fn chunks(&self) -> Result<Vec<Range<usize>>> {
        let words = match self.head {
            Head::Own(weights) => weights.dim(1)?,
            Head::Tied(table) => table.dim(0)?,
        };
        let (all, step) = (self.hidden.dim(0)?, (self.at_once / words).max(1));
        let starts = (0..all).step_by(step);
        Ok(starts.map(|start| start..(start + step).min(all)).collect())
    }
}

/// `[rows, d]` to `[rows, vocabulary]`, in f32.
pub(super) fn logits(hidden: &Tensor, head: Head<&Tensor>) -> Result<Tensor> {
    wide(&match head {
        Head::Own(weights) => hidden.matmul(weights)?,
        Head::Tied(table) => hidden.matmul(&table.t()?)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn random(shape: (usize, usize), element: DType) -> Tensor {
        let x = Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap();
        x.to_dtype(element).unwrap()
    }

    fn numbers(x: &Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// The last chunk is shorter than the others.
    #[test]
    fn chunks_add_up_to_the_whole() {
        let (rows, width, words) = (11, 6, 13);
        let targets: Vec<u32> = (0..rows as u32).collect();
        let targets = Tensor::from_vec(targets, rows, &Device::Cpu).unwrap();
        let slopes = random((1, rows), DType::F32).squeeze(0).unwrap();
        for (element, most) in [(DType::F32, 1e-5), (DType::BF16, 2e-2)] {
            let hidden = random((rows, width), element);
            let (table, weights) = (
                random((words, width), element),
                random((width, words), element),
            );
            for head in [Head::Tied(&table), Head::Own(&weights)] {
                let [whole, cut] = [LOGITS, 3 * words].map(|at_once| {
                    let scored = Scored {
                        hidden: &hidden,
                        head,
                        targets: &targets,
                        temperature: 0.7,
                        at_once,
                    };
                    let scores = scored.forward().unwrap();
                    let back = scored.backward(&scores, &slopes, Some(&slopes), true);
                    let back = back.unwrap();
                    let head = back.head.unwrap();
                    assert_eq!(head.dtype(), DType::F32);
                    [
                        scores.logps,
                        scores.entropies,
                        back.hidden.flatten_all().unwrap(),
                        head.flatten_all().unwrap(),
                    ]
                });
                for (whole, cut) in whole.iter().zip(&cut) {
                    let (whole, cut) = (numbers(whole), numbers(cut));
                    let size = whole.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
                    for (whole, cut) in whole.iter().zip(&cut) {
                        assert!((whole - cut).abs() <= most * size, "{whole} and {cut}");
                    }
                }
            }
        }
    }
}
