//! The weights of a policy: an ordered list of named tensors.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;

use super::super::TrainError;
use super::ModelConfig;

/// The standard deviation of fresh weights, that of transformers'
/// `initializer_range`.
const INITIAL_DEVIATION: f64 = 0.02;

/// Named tensors in a fixed order; see [`ModelConfig::parameter_shapes`].
///
/// A [`Tensor`] is a handle: an optimizer changes the numbers in place, for all who
/// hold it. [`Policy::duplicate`](super::Policy::duplicate) gives numbers of their own.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    entries: Vec<Parameter>,
    places: HashMap<String, usize>,
}

#[derive(Clone, Debug)]
struct Parameter {
    name: String,
    tensor: Tensor,
    is_trainable: bool,
}

impl Parameters {
    /// Takes tensors by name, all of them trainable. The last of one name stays.
    pub fn new(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Self {
        let mut parameters = Self::default();
        for (name, tensor) in tensors {
            match parameters.places.get(&name) {
                Some(place) => parameters.entries[*place].tensor = tensor,
                None => {
                    parameters
                        .places
                        .insert(name.clone(), parameters.entries.len());
                    parameters.entries.push(Parameter {
                        name,
                        tensor,
                        is_trainable: true,
                    });
                }
            }
        }
        parameters
    }

    /// Fresh weights: normal with deviation 0.02, for `o` and `down` divided by the
    /// root of twice the layers, because so many of them are added up (GPT-2);
    /// norms 1, biases 0. The same numbers for the same seed.
    pub(super) fn random(
        config: &ModelConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let shapes = config.parameter_shapes().into_iter().enumerate();
        let tensors: Result<Vec<_>, TrainError> = shapes
            .map(|(index, (name, shape))| {
                let count = shape.iter().product();
                let numbers = if name.ends_with("norm.weight") {
                    vec![1.0; count]
                } else if name.ends_with("bias") {
                    vec![0.0; count]
                } else {
                    let is_added_up = name.ends_with("o.weight") || name.ends_with("down.weight");
                    let depth = if is_added_up { 2 * config.layers } else { 1 };
                    let deviation = INITIAL_DEVIATION / (depth as f64).sqrt();
                    normal(seed, index as u64, count, deviation)
                };
                Ok((name, Tensor::from_vec(numbers, shape, device)?))
            })
            .collect();
        Ok(Self::new(tensors?))
    }

    /// Puts the parameters of `config` in their order and checks them.
    pub(super) fn arranged(mut self, config: &ModelConfig) -> Result<Self, TrainError> {
        let mut arranged = Self::default();
        for (name, shape) in config.parameter_shapes() {
            let Some(place) = self.places.remove(&name) else {
                return Err(TrainError::MissingParameter { name, shape });
            };
            let mut parameter = self.entries[place].clone();
            check(&name, &parameter.tensor, &shape)?;
            parameter.tensor = parameter.tensor.contiguous()?.detach();
            arranged.places.insert(name, arranged.entries.len());
            arranged.entries.push(parameter);
        }
        match self.places.into_keys().min() {
            Some(name) => Err(TrainError::UnknownParameter { name }),
            None => Ok(arranged),
        }
    }

    /// Name, tensor and whether it is trained, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor, bool)> {
        let entries = self.entries.iter();
        entries.map(|entry| (entry.name.as_str(), &entry.tensor, entry.is_trainable))
    }

    /// The tensor of a name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        let place = self.places.get(name)?;
        Some(&self.entries[*place].tensor)
    }

    /// Replaces a tensor by one of the same shape, type and device.
    ///
    /// # Errors
    /// For a name that is not there, and for a tensor that does not fit.
    pub fn set(&mut self, name: &str, tensor: Tensor) -> Result<(), TrainError> {
        let unknown = || TrainError::UnknownParameter {
            name: name.to_owned(),
        };
        let place = *self.places.get(name).ok_or_else(unknown)?;
        let entry = &mut self.entries[place];
        check(name, &tensor, entry.tensor.dims())?;
        entry.tensor = tensor.contiguous()?.detach();
        Ok(())
    }

    /// Says which parameters are trained, by name.
    pub fn set_trainable(&mut self, is_trainable: impl Fn(&str) -> bool) {
        for entry in &mut self.entries {
            entry.is_trainable = is_trainable(&entry.name);
        }
    }

    /// How many numbers there are in all tensors.
    pub fn count(&self) -> usize {
        let sizes = self.entries.iter().map(|entry| entry.tensor.elem_count());
        sizes.sum()
    }

    /// The same numbers, in memory of their own where `copies` says so of a
    /// parameter that is trained, or is not.
    pub(super) fn duplicate(&self, copies: impl Fn(bool) -> bool) -> Result<Self, TrainError> {
        let mut copy = self.clone();
        for entry in &mut copy.entries {
            if copies(entry.is_trainable) {
                entry.tensor = entry.tensor.copy()?;
            }
        }
        Ok(copy)
    }

    /// Where a parameter stands.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Adds a trainable parameter behind the others; gives its place.
    pub(super) fn push(&mut self, name: String, tensor: Tensor) -> usize {
        let place = self.entries.len();
        self.places.insert(name.clone(), place);
        self.entries.push(Parameter {
            name,
            tensor,
            is_trainable: true,
        });
        place
    }

    /// Puts a tensor of the same shape in the place of another.
    pub(crate) fn replace(&mut self, index: usize, tensor: Tensor) {
        self.entries[index].tensor = tensor;
    }

    pub(crate) fn at(&self, index: usize) -> &Tensor {
        &self.entries[index].tensor
    }
}

fn check(name: &str, tensor: &Tensor, shape: &[usize]) -> Result<(), TrainError> {
    let fault = |found: String, wanted: String| TrainError::Parameter {
        name: name.to_owned(),
        found,
        wanted,
    };
    if tensor.dims() != shape {
        let found = format!("of shape {:?}", tensor.dims());
        return Err(fault(found, format!("of shape {shape:?}")));
    }
    if tensor.dtype() != DType::F32 {
        let found = format!("of type {:?}", tensor.dtype());
        return Err(fault(found, "of type F32".to_owned()));
    }
    Ok(())
}

/// Normal numbers by Box and Muller's method, from a stream of their own.
fn normal(seed: u64, stream: u64, count: usize, deviation: f64) -> Vec<f32> {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    // In (0, 1], so that the logarithm is finite.
    let mut uniform = || ((generator.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    let mut numbers = Vec::with_capacity(count + 1);
    while numbers.len() < count {
        let radius = deviation * (-2.0 * uniform().ln()).sqrt();
        let (sin, cos) = (2.0 * std::f64::consts::PI * uniform()).sin_cos();
        numbers.push((radius * cos) as f32);
        numbers.push((radius * sin) as f32);
    }
    numbers.truncate(count);
    numbers
}
