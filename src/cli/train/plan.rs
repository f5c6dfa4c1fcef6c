//! `--dry-run`: what a recipe would do, as far as that is known without doing it.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::terminal::{DOUBT, FAINT, STRONG, Safe, Styled};
use crate::cli::{Exit, Outcome};
use crate::train::policy::ModelConfig;
use crate::train::recipe::{Recipe, StageOptions};

/// Bytes of a 32-bit float.
const FLOAT: u64 = 4;

/// Writes the plan; what is missing is said, and makes the exit code 2.
pub(super) fn show(recipe: &Recipe, folder: &Path) -> Outcome {
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}  {}",
        Styled(STRONG, Safe(&recipe.name)),
        Safe(&recipe.description)
    )?;
    writeln!(out, "seed {}, run in {}", recipe.seed, folder.display())?;
    let config = recipe.model_config();
    match &config {
        Some(config) => model(&mut out, config)?,
        None => writeln!(out, "model    not there yet: shape and memory are unknown")?,
    }
    for (name, task) in &recipe.tasks {
        let source = match (&task.generator, &task.file) {
            (Some(_), _) => "generated".to_owned(),
            (_, Some(file)) => file.display().to_string(),
            _ => String::new(),
        };
        let count = match task.count {
            Some(count) => format!(", the first {count}"),
            None => String::new(),
        };
        writeln!(out, "task     {name}: {}{count}", Safe(&source))?;
    }
    for stage in &recipe.stages {
        let did = words(&stage.options);
        writeln!(
            out,
            "stage    {}: {}, {did}",
            stage.name,
            stage.options.kind()
        )?;
        if let Some(config) = &config {
            let bytes = memory(config, &stage.options);
            writeln!(
                out,
                "         {}",
                Styled(FAINT, format!("about {} of memory", size(bytes)))
            )?;
        }
    }
    if let Some(evaluation) = &recipe.evaluation {
        let every = match evaluation.every {
            0 => "at the ends of stages".to_owned(),
            every => format!("every {every} steps"),
        };
        let prompts = match evaluation.prompts {
            Some(prompts) => format!("{prompts} prompts"),
            None => "all prompts".to_owned(),
        };
        let greedy = if evaluation.greedy { ", greedy" } else { "" };
        let samples = match evaluation.samples {
            0 => String::new(),
            samples => format!(", {samples} sampled"),
        };
        writeln!(out, "evaluate {every}: {prompts}{greedy}{samples}")?;
    }
    for problem in &recipe.missing {
        writeln!(out, "{}  {}", Styled(DOUBT, "missing"), Safe(problem))?;
    }
    Ok(match recipe.missing.is_empty() {
        true => Exit::Done,
        false => Exit::BadInput,
    })
}

fn model(out: &mut impl Write, config: &ModelConfig) -> io::Result<()> {
    writeln!(
        out,
        "model    {:?}, {} layers of {}, {} tokens: {} parameters",
        config.architecture,
        config.layers,
        config.hidden_size,
        config.vocab_size,
        parameters(config)
    )
}

/// A checked configuration has far fewer than 2^64.
fn parameters(config: &ModelConfig) -> u64 {
    u64::try_from(config.parameter_count()).unwrap_or(u64::MAX)
}

/// What a stage does, with its largest numbers.
fn words(options: &StageOptions) -> String {
    match options {
        StageOptions::Sft(options) => {
            let steps = match (options.steps, options.demonstrations) {
                (Some(steps), _) => format!("at most {steps} steps"),
                (None, Some(count)) => {
                    let batches = count.div_ceil(options.batch_size.max(1) as u64);
                    let steps = batches.saturating_mul(options.epochs);
                    format!("{steps} steps")
                }
                (None, None) => format!("{} epochs", options.epochs),
            };
            let batch = options.batch_size;
            format!(
                "{steps} of {batch} demonstrations, learning rate {:e}",
                options.optimizer.learning_rate
            )
        }
        StageOptions::Grpo(options) => {
            let (prompts, group) = (options.prompts_per_step, options.group_size);
            let tokens = product(&[prompts, group, options.sampling.max_tokens]);
            format!(
                "{} steps of {prompts} prompts x {group} completions, at most {tokens} tokens a step, learning rate {:e}",
                options.steps, options.optimizer.learning_rate
            )
        }
        StageOptions::Reject(options) => {
            let prompts = match options.prompts {
                Some(prompts) => prompts.to_string(),
                None => "all".to_owned(),
            };
            format!("{prompts} prompts x {} completions", options.samples)
        }
    }
}

/// The memory of a stage: weights, gradients and AdamW's two moments, a reference
/// where there is one, activations of a micro-batch, keys and values of a batch
/// of samples. A sum of shapes, not a measurement.
fn memory(config: &ModelConfig, options: &StageOptions) -> u64 {
    let weights = parameters(config) * FLOAT;
    let position = product(&[
        config.layers,
        config.kv_heads,
        config.head_dim,
        2,
        FLOAT as usize,
    ]);
    let cache = |rows: usize, tokens: usize| product(&[rows, tokens]).saturating_mul(position);
    let activations = |tokens: usize, recompute: bool| {
        let q = (config.heads + 2 * config.kv_heads) * config.head_dim;
        let layer = 6 * config.hidden_size + 2 * q + 4 * config.intermediate_size;
        let kept = match recompute {
            true => config.layers * config.hidden_size + layer,
            false => config.layers * layer,
        };
        product(&[tokens, kept, FLOAT as usize])
    };
    match options {
        StageOptions::Sft(options) => {
            let training = activations(options.micro_batch_tokens, options.recompute);
            training.saturating_add(4 * weights)
        }
        StageOptions::Grpo(options) => {
            let reference = if options.kl.is_some() { weights } else { 0 };
            let rows = options.prompts_per_step.saturating_mul(options.group_size);
            let sampling = cache(rows.min(512), options.sampling.max_tokens);
            let training = activations(options.micro_batch_tokens, options.recompute);
            training
                .max(sampling)
                .saturating_add(4 * weights + reference)
        }
        StageOptions::Reject(options) => {
            let rows = options.prompts_per_step.saturating_mul(options.samples);
            cache(rows.min(512), options.sampling.max_tokens).saturating_add(weights)
        }
    }
}

/// The product of sizes that a person wrote, which may be any.
fn product(sizes: &[usize]) -> u64 {
    let sizes = sizes.iter().map(|size| *size as u64);
    sizes.fold(1, u64::saturating_mul)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{} MB", bytes.div_ceil(1_000_000)),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
