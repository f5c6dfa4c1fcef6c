//! Sampling: prompts in, completions with their log-probabilities out.

mod options;

pub use options::SampleOptions;
