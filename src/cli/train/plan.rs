//! `--dry-run`: what a recipe would do, as far as that is known without doing it.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::terminal::{DOUBT, FAINT, STRONG, Safe, Styled};
use crate::cli::{Exit, Outcome};
use crate::train::OptionFault;
use crate::train::policy::{MemoryPlan, MemoryShape, ModelConfig, Policy};
use crate::train::recipe::{Recipe, StageOptions};
use crate::train::run::{Demand, InWords, unknown_end};

/// Writes the plan; what is missing is said, and makes the exit code 2.
pub(super) fn show(recipe: &Recipe, folder: &Path, is_cpu: bool) -> Outcome {
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
            let shape = recipe.memory_shape(config, is_cpu);
            let plan = planned(recipe, &stage.options, &shape);
            let text = format!("memory: {}", InWords(plan));
            writeln!(out, "         {}", Styled(FAINT, text))?;
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
    let words = config.map(|config| config.vocab_size);
    let wrong: Vec<OptionFault> = words
        .into_iter()
        .flat_map(|words| ends(recipe, words))
        .collect();
    for fault in &wrong {
        let text = format!("`{}` {}", fault.field, fault.problem);
        writeln!(out, "{}    {}", Styled(DOUBT, "wrong"), Safe(&text))?;
    }
    Ok(match recipe.missing.is_empty() && wrong.is_empty() {
        true => Exit::Done,
        false => Exit::BadInput,
    })
}

/// The end tokens that a policy of so many words lacks.
fn ends(recipe: &Recipe, words: usize) -> impl Iterator<Item = OptionFault> {
    let stages = recipe.stages.iter().filter_map(|stage| {
        let sampling = match &stage.options {
            StageOptions::Sft(_) => return None,
            StageOptions::Grpo(options) => &options.sampling,
            StageOptions::Reject(options) => &options.sampling,
        };
        let place = format!("stages.{}.{}", stage.name, stage.options.kind());
        Some((place, sampling))
    });
    let evaluation = recipe.evaluation.iter();
    let evaluation = evaluation.map(|options| ("evaluation".to_owned(), &options.sampling));
    let drawn = stages.chain(evaluation);
    drawn.filter_map(move |(place, sampling)| unknown_end(&place, sampling, words))
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

/// What a stage asks of memory.
fn demand(options: &StageOptions) -> Demand<'_> {
    match options {
        StageOptions::Sft(options) => Demand::Sft(options),
        StageOptions::Grpo(options) => Demand::Grpo(options),
        StageOptions::Reject(options) => Demand::Reject(options),
    }
}

/// The memory that a stage takes, with the evaluations in it.
fn planned(recipe: &Recipe, options: &StageOptions, shape: &MemoryShape<'_>) -> MemoryPlan {
    let plan = demand(options).memory(shape);
    match &recipe.evaluation {
        Some(evaluation) => evaluation.memory(plan, shape),
        None => plan,
    }
}

/// The memory that each stage takes, a line each, before a run begins.
pub(super) fn memory(recipe: &Recipe, policy: &Policy) -> io::Result<()> {
    let mut out = anstream::stderr().lock();
    let shape = policy.memory_shape();
    for stage in &recipe.stages {
        let plan = planned(recipe, &stage.options, &shape);
        let text = format!("memory   {}: {}", stage.name, InWords(plan));
        writeln!(out, "{}", Styled(FAINT, Safe(&text)))?;
    }
    Ok(())
}

/// The product of sizes that a person wrote, which may be any.
fn product(sizes: &[usize]) -> u64 {
    let sizes = sizes.iter().map(|size| *size as u64);
    sizes.fold(1, u64::saturating_mul)
}
