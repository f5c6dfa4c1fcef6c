//! AdamW: adaptive steps with decoupled weight decay.
//!
//! Source: arXiv:1711.05101, algorithm 2, as PyTorch computes it. Moments are f32
//! whatever the weights are. Decay acts on matrices alone: biases and the weights of
//! norms are not pulled to zero.

use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use super::super::TrainError;
use super::super::ops::{Kernel, Simd, host, run, update};
use super::super::policy::{Compute, Gradients, Policy, Sums};

/// Numbers that one task works on.
const CHUNK: usize = 1 << 15;

/// The constants of AdamW.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWOptions {
    /// How much of the first and of the second moment stays in a step, each in
    /// [0, 1).
    pub betas: (f64, f64),
    /// What is added to the root of the second moment; positive.
    pub epsilon: f64,
    /// The share of a matrix that a step takes away, by unit of learning rate.
    pub weight_decay: f64,
}

impl Default for AdamWOptions {
    /// PyTorch's betas and epsilon; no decay, as TRL has it.
    fn default() -> Self {
        Self {
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// The state of the optimizer.
#[derive(Clone, Debug)]
pub struct AdamW {
    options: AdamWOptions,
    device: Device,
    steps: u64,
    moments: Vec<Option<State>>,
}

#[derive(Clone, Debug)]
struct State {
    name: String,
    shape: Vec<usize>,
    numbers: Numbers,
}

/// The moments, where the gradients are.
#[derive(Clone, Debug)]
enum Numbers {
    Host {
        first: Vec<f32>,
        second: Vec<f32>,
    },
    /// Nothing stands for zeros.
    Device(Option<(Tensor, Tensor)>),
}

/// The moments of one parameter, of its shape.
#[derive(Clone, Debug)]
pub struct Moments {
    /// The parameter.
    pub name: String,
    /// The running mean of gradients.
    pub first: Tensor,
    /// The running mean of squared gradients.
    pub second: Tensor,
}

impl AdamW {
    /// Zero moments for every parameter of the policy that is trainable now.
    pub fn new(policy: &Policy, options: AdamWOptions) -> Self {
        let moments = policy
            .parameters()
            .iter()
            .map(|(name, tensor, is_trainable)| {
                is_trainable.then(|| State {
                    name: name.to_owned(),
                    shape: tensor.dims().to_vec(),
                    numbers: match policy.compute() {
                        Compute::Kernels => Numbers::Host {
                            first: vec![0.0; tensor.elem_count()],
                            second: vec![0.0; tensor.elem_count()],
                        },
                        Compute::Plain | Compute::Bf16 => Numbers::Device(None),
                    },
                })
            });
        Self {
            options,
            device: policy.device().clone(),
            steps: 0,
            moments: moments.collect(),
        }
    }

    /// One step on all trainable parameters, in place, with every gradient
    /// multiplied by `gradient_scale` (1, or what clipping leaves of it).
    ///
    /// # Errors
    /// [`TrainError::Number`] for a learning rate or scale that is not finite, and
    /// [`TrainError::MissingParameter`] when a trainable parameter has no gradient.
    pub fn step(
        &mut self,
        policy: &mut Policy,
        gradients: &Gradients,
        learning_rate: f64,
        gradient_scale: f64,
    ) -> Result<(), TrainError> {
        for (name, found) in [
            ("learning_rate", learning_rate),
            ("gradient_scale", gradient_scale),
        ] {
            if !found.is_finite() {
                return Err(TrainError::Number {
                    name,
                    found,
                    wanted: "finite",
                });
            }
        }
        for (index, state) in self.moments.iter().enumerate() {
            if let Some(state) = state
                && gradients.sums(index).is_none()
            {
                return Err(TrainError::MissingParameter {
                    name: state.name.clone(),
                    shape: state.shape.clone(),
                });
            }
        }
        self.steps += 1;
        let step = Step::new(&self.options, self.steps, learning_rate, gradient_scale);
        for (index, state) in self.moments.iter_mut().enumerate() {
            let (Some(state), Some(sums)) = (state, gradients.sums(index)) else {
                continue;
            };
            let decays = state.shape.len() > 1;
            let step = Step {
                keep: if decays { step.keep } else { 1.0 },
                ..step
            };
            match (&mut state.numbers, sums) {
                (Numbers::Host { first, second }, Sums::Host(sums)) => {
                    let weights = policy.parameters().at(index);
                    update(weights, |weights| {
                        step.run(weights, first, second, sums.data())
                    })?;
                }
                (Numbers::Device(moments), Sums::Device(Some(sums))) => {
                    let weights = policy.parameters().at(index);
                    let stepped = step.plain(weights, moments, sums)?;
                    policy.parameters_mut().replace(index, stepped);
                }
                // No gradient, no step: the caller has asked what is not covered.
                (Numbers::Device(_), Sums::Device(None)) => {}
                _ => {
                    return Err(TrainError::Parameter {
                        name: state.name.clone(),
                        found: "computed by something else than its optimizer's moments".to_owned(),
                        wanted: "one of kernels and plain operations throughout".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// How many steps were made.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments, for a checkpoint.
    ///
    /// # Errors
    /// When no tensor can be made of them.
    pub fn moments(&self) -> Result<Vec<Moments>, TrainError> {
        let states = self.moments.iter().flatten();
        states
            .map(|state| {
                let shape = state.shape.as_slice();
                let (first, second) = match &state.numbers {
                    Numbers::Host { first, second } => (
                        Tensor::from_slice(first, shape, &Device::Cpu)?,
                        Tensor::from_slice(second, shape, &Device::Cpu)?,
                    ),
                    Numbers::Device(Some((first, second))) => (first.clone(), second.clone()),
                    Numbers::Device(None) => {
                        let zeros = Tensor::zeros(shape, DType::F32, &Device::Cpu)?;
                        (zeros.clone(), zeros)
                    }
                };
                Ok(Moments {
                    name: state.name.clone(),
                    first,
                    second,
                })
            })
            .collect()
    }

    /// Takes up the state of a checkpoint.
    ///
    /// # Errors
    /// For a parameter that is missing, not trained, or of another shape.
    pub fn load_moments(&mut self, steps: u64, moments: &[Moments]) -> Result<(), TrainError> {
        let mut states = self.moments.clone();
        for state in states.iter_mut().flatten() {
            let found = moments.iter().find(|moments| moments.name == state.name);
            let Some(found) = found else {
                return Err(TrainError::MissingParameter {
                    name: state.name.clone(),
                    shape: state.shape.clone(),
                });
            };
            for tensor in [&found.first, &found.second] {
                if tensor.dims() != state.shape {
                    return Err(TrainError::Parameter {
                        name: state.name.clone(),
                        found: format!("a moment of shape {:?}", tensor.dims()),
                        wanted: format!("of shape {:?}", state.shape),
                    });
                }
            }
            match &mut state.numbers {
                Numbers::Host { first, second } => {
                    first.copy_from_slice(&host(&found.first)?);
                    second.copy_from_slice(&host(&found.second)?);
                }
                Numbers::Device(moments) => {
                    let here = |tensor: &Tensor| tensor.to_device(&self.device);
                    *moments = Some((here(&found.first)?, here(&found.second)?));
                }
            }
        }
        let known = |name: &str| states.iter().flatten().any(|state| state.name == name);
        if let Some(unknown) = moments.iter().find(|moments| !known(&moments.name)) {
            return Err(TrainError::UnknownParameter {
                name: unknown.name.clone(),
            });
        }
        self.moments = states;
        self.steps = steps;
        Ok(())
    }
}

/// The numbers of one step.
#[derive(Clone, Copy)]
struct Step {
    beta: (f32, f32),
    /// `1 - beta`, rounded from f64.
    rest: (f32, f32),
    /// What decay leaves of a weight.
    keep: f32,
    /// The learning rate, divided by the first bias correction.
    rate: f32,
    /// One by the root of the second bias correction.
    root: f32,
    epsilon: f32,
    gradient_scale: f32,
}

impl Step {
    fn new(options: &AdamWOptions, steps: u64, learning_rate: f64, gradient_scale: f64) -> Self {
        let (first, second) = options.betas;
        let correction = |beta: f64| 1.0 - beta.powf(steps as f64);
        Self {
            beta: (first as f32, second as f32),
            rest: ((1.0 - first) as f32, (1.0 - second) as f32),
            keep: (1.0 - learning_rate * options.weight_decay) as f32,
            rate: (learning_rate / correction(first)) as f32,
            root: (1.0 / correction(second).sqrt()) as f32,
            epsilon: options.epsilon as f32,
            gradient_scale: gradient_scale as f32,
        }
    }

    /// The step on one parameter in memory, all in one pass.
    fn run(self, weights: &mut [f32], first: &mut [f32], second: &mut [f32], gradient: &[f32]) {
        let weights = weights.par_chunks_mut(CHUNK);
        let moments = first
            .par_chunks_mut(CHUNK)
            .zip(second.par_chunks_mut(CHUNK));
        weights
            .zip(moments)
            .zip(gradient.par_chunks(CHUNK))
            .for_each(|((weights, (first, second)), gradient)| {
                run(Update {
                    step: self,
                    weights,
                    first,
                    second,
                    gradient,
                });
            });
    }

    /// The weights after the step, of plain tensor operations.
    fn plain(
        self,
        weights: &Tensor,
        moments: &mut Option<(Tensor, Tensor)>,
        gradient: &Tensor,
    ) -> candle_core::Result<Tensor> {
        let gradient = (gradient * f64::from(self.gradient_scale))?;
        let mut first = (&gradient * f64::from(self.rest.0))?;
        let mut second = (gradient.sqr()? * f64::from(self.rest.1))?;
        if let Some((old_first, old_second)) = moments {
            first = (first + (&*old_first * f64::from(self.beta.0))?)?;
            second = (second + (&*old_second * f64::from(self.beta.1))?)?;
        }
        let root = second
            .sqrt()?
            .affine(f64::from(self.root), f64::from(self.epsilon))?;
        let change = ((&first / root)? * f64::from(self.rate))?;
        *moments = Some((first, second));
        (weights * f64::from(self.keep))? - change
    }
}

struct Update<'n> {
    step: Step,
    weights: &'n mut [f32],
    first: &'n mut [f32],
    second: &'n mut [f32],
    gradient: &'n [f32],
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let step = self.step;
        let count = self.weights.len();
        let (first, second) = (&mut self.first[..count], &mut self.second[..count]);
        let gradient = &self.gradient[..count];
        for i in 0..count {
            let g = gradient[i] * step.gradient_scale;
            first[i] = S::multiply_add(step.beta.0, first[i], step.rest.0 * g);
            second[i] = S::multiply_add(step.beta.1, second[i], step.rest.1 * g * g);
            let root = S::multiply_add(second[i].sqrt(), step.root, step.epsilon);
            self.weights[i] = self.weights[i] * step.keep - step.rate * first[i] / root;
        }
    }
}
