//! What the metrics of a run mean: one table for the terminal, the report and
//! `docs/watching.md`.

use serde::Serialize;

/// What is said of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// Its name; `*` stands for any text, such as a term's name or a `k`.
    pub name: &'static str,
    /// A title for people; `*` is what the name has there.
    pub title: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// Where a report shows it.
    pub group: Group,
    /// What it is, in a sentence.
    pub means: &'static str,
    /// What to make of it.
    pub look_for: &'static str,
}

/// What a metric is measured in, which says how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nothing.
    Number,
    /// A share, written in per cent.
    Share,
    /// Tokens.
    Tokens,
    /// Seconds.
    Seconds,
    /// Tokens a second.
    TokensPerSecond,
    /// Natural logarithms of probabilities.
    Nats,
}

/// Metrics that are read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What completions earned in training.
    Rewards,
    /// What held-out problems say.
    Evaluation,
    /// How long completions are.
    Lengths,
    /// How the policy changes.
    Policy,
    /// What the optimizer does.
    Optimisation,
    /// Where the time goes.
    Speed,
}

use Group::{Evaluation, Lengths, Optimisation, Policy, Rewards, Speed};
use Unit::{Nats, Number, Seconds, Share, Tokens, TokensPerSecond};

/// All metrics that are known, those first that say most.
pub const GLOSSARY: &[Meaning] = &[
    row(
        "reward",
        "reward",
        Number,
        Rewards,
        "the mean reward of a step's completions",
        "It should rise. A rise that no evaluation follows is reward hacking: read completions.",
    ),
    row(
        "reward_std",
        "reward's spread",
        Number,
        Rewards,
        "the mean standard deviation of rewards within a group",
        "Groups teach by their differences: near 0, nothing is learned any more.",
    ),
    row(
        "frac_reward_zero_std",
        "zero variance",
        Share,
        Rewards,
        "the share of groups whose completions all earned the same, which teach nothing",
        "Near 100 %, problems are too easy or too hard: choose others, or turn on dynamic sampling.",
    ),
    row(
        "rewards/*/mean",
        "*",
        Number,
        Rewards,
        "the mean of one term of the reward",
        "Terms that rise while accuracy falls are what the policy exploits.",
    ),
    row(
        "rewards/*/std",
        "* (spread)",
        Number,
        Rewards,
        "the standard deviation of one term",
        "0 is a term that says nothing at the moment.",
    ),
    row(
        "frac_unscorable",
        "could not be judged",
        Share,
        Rewards,
        "the share of completions without a reward; they are left out of the step",
        "Anything but a few is a problem of the data or the spec: `goldstone explain` says why.",
    ),
    row(
        "sampling_rounds",
        "rounds of sampling",
        Number,
        Rewards,
        "how often prompts were drawn until enough groups had a spread (dynamic sampling)",
        "A rise says that problems get too easy.",
    ),
    row(
        "mean@*",
        "mean@*",
        Share,
        Evaluation,
        "the share of samples that are correct, * of a prompt",
        "The plainest measure of accuracy; the interval says how far chance may go.",
    ),
    row(
        "pass@*",
        "pass@*",
        Share,
        Evaluation,
        "the chance that one of * samples is correct, estimated without bias",
        "When pass@1 rises and pass@k does not, the policy became surer, not abler.",
    ),
    row(
        "maj@*",
        "maj@*",
        Share,
        Evaluation,
        "the chance that the most frequent answer of * samples is correct",
        "What voting would get; above pass@1 where wrong answers differ from each other.",
    ),
    row(
        "accuracy",
        "accuracy",
        Share,
        Evaluation,
        "the share of answers that are correct",
        "The number that a run is for.",
    ),
    row(
        "completions/mean_length",
        "mean length",
        Tokens,
        Lengths,
        "the mean length of completions",
        "Growth with accuracy is thinking; growth alone is rambling, or a length bonus at work.",
    ),
    row(
        "completions/min_length",
        "shortest",
        Tokens,
        Lengths,
        "the shortest completion of the step",
        "1 is an empty answer.",
    ),
    row(
        "completions/max_length",
        "longest",
        Tokens,
        Lengths,
        "the longest completion of the step",
        "At the limit, answers are cut off.",
    ),
    row(
        "completions/clipped_ratio",
        "cut off",
        Share,
        Lengths,
        "the share of completions that reached the limit of tokens",
        "Above some 10 %, raise the limit or punish length: cut answers earn nothing and teach to stop early.",
    ),
    row(
        "completions/mean_terminated_length",
        "mean length, ended",
        Tokens,
        Lengths,
        "the mean length of completions that ended by themselves",
        "Compare with the mean length.",
    ),
    row(
        "completions/min_terminated_length",
        "shortest, ended",
        Tokens,
        Lengths,
        "the shortest completion that ended by itself",
        "As the shortest.",
    ),
    row(
        "completions/max_terminated_length",
        "longest, ended",
        Tokens,
        Lengths,
        "the longest completion that ended by itself",
        "As the longest.",
    ),
    row(
        "kl",
        "KL",
        Nats,
        Policy,
        "the mean divergence from the reference policy, per token",
        "A slow rise is learning. A steep one is a policy that leaves its language: lower the learning rate or raise beta.",
    ),
    row(
        "entropy",
        "entropy",
        Nats,
        Policy,
        "the mean entropy of the next token's distribution",
        "It falls as the policy gets sure. Falling to 0 early ends exploration; rising without end is noise.",
    ),
    row(
        "clip_ratio/region_mean",
        "clipped",
        Share,
        Policy,
        "the share of tokens whose ratio was clipped",
        "0 with one update a batch. Above some 20 %, updates are too large.",
    ),
    row(
        "clip_ratio/low_mean",
        "clipped below",
        Share,
        Policy,
        "the share clipped at the lower bound",
        "As above.",
    ),
    row(
        "clip_ratio/low_min",
        "clipped below, least",
        Share,
        Policy,
        "the least share of a micro-batch clipped at the lower bound",
        "As above.",
    ),
    row(
        "clip_ratio/high_mean",
        "clipped above",
        Share,
        Policy,
        "the share clipped at the upper bound",
        "As above.",
    ),
    row(
        "clip_ratio/high_max",
        "clipped above, most",
        Share,
        Policy,
        "the greatest share of a micro-batch clipped at the upper bound",
        "As above.",
    ),
    row(
        "cispo_clip_ratio",
        "weights capped",
        Share,
        Policy,
        "the share of tokens whose weight CISPO capped",
        "As above.",
    ),
    row(
        "sampling/sampling_logp_difference/mean",
        "sampler's difference",
        Nats,
        Policy,
        "how far the sampler's log-probabilities lie from the trainer's, in the mean",
        "Both are one engine here: anything above rounding is a bug; please report it.",
    ),
    row(
        "sampling/sampling_logp_difference/max",
        "sampler's difference, most",
        Nats,
        Policy,
        "the same at the worst token",
        "As above.",
    ),
    row(
        "sampling/importance_sampling_ratio/*",
        "mismatch weight, *",
        Number,
        Policy,
        "the weights against the mismatch of sampler and trainer",
        "They should be 1.",
    ),
    row(
        "loss",
        "loss",
        Number,
        Optimisation,
        "what the optimizer lowers",
        "In SFT it should fall. In GRPO it hovers about 0 and says little.",
    ),
    row(
        "policy_loss",
        "policy's loss",
        Number,
        Optimisation,
        "the loss without KL and entropy terms",
        "As the loss.",
    ),
    row(
        "mean_token_accuracy",
        "tokens foreseen",
        Share,
        Optimisation,
        "the share of tokens that were the likeliest ones (SFT)",
        "It should rise.",
    ),
    row(
        "grad_norm",
        "gradient's norm",
        Number,
        Optimisation,
        "the length of the gradient before clipping",
        "Spikes that do not settle are a learning rate that is too high.",
    ),
    row(
        "learning_rate",
        "learning rate",
        Number,
        Optimisation,
        "the learning rate of the step",
        "It follows the schedule of the recipe.",
    ),
    row(
        "epoch",
        "epochs",
        Number,
        Optimisation,
        "how often the data was gone through",
        "More than a few invite memorising.",
    ),
    row(
        "num_tokens",
        "tokens so far",
        Tokens,
        Speed,
        "tokens trained on since the run began",
        "The cost of the run.",
    ),
    row(
        "tokens_per_second",
        "tokens a second",
        TokensPerSecond,
        Speed,
        "tokens sampled and trained on, by the time of the step",
        "A fall goes with longer completions.",
    ),
    row(
        "step_time",
        "time of a step",
        Seconds,
        Speed,
        "how long the step took",
        "Where it grows, lengths grow, mostly.",
    ),
    row(
        "time/sample",
        "sampling",
        Seconds,
        Speed,
        "the part of it that was sampling",
        "Usually the greatest part.",
    ),
    row(
        "time/reward",
        "rewards",
        Seconds,
        Speed,
        "the part that waited for rewards",
        "Well below the others.",
    ),
    row(
        "time/train",
        "training",
        Seconds,
        Speed,
        "the part that was forward, backward and update",
        "",
    ),
    row(
        "time/reward_share",
        "rewards' share",
        Share,
        Speed,
        "the part of the step that waited for rewards",
        "Below 2 %; above, the sandbox or a slow reference is at work.",
    ),
];

const fn row(
    name: &'static str,
    title: &'static str,
    unit: Unit,
    group: Group,
    means: &'static str,
    look_for: &'static str,
) -> Meaning {
    Meaning {
        name,
        title,
        unit,
        group,
        means,
        look_for,
    }
}

/// A metric's place in the glossary, with what its name has for the `*`.
///
/// The prefix `greedy/` says that an evaluation took one answer at temperature 0,
/// and the endings `/low` and `/high` are the ends of an interval; neither
/// changes what is measured.
#[must_use]
pub fn meaning(name: &str) -> Option<(&'static Meaning, &str)> {
    let name = name.strip_prefix("greedy/").unwrap_or(name);
    let name = name.strip_suffix("/low").unwrap_or(name);
    let name = name.strip_suffix("/high").unwrap_or(name);
    GLOSSARY.iter().find_map(|row| {
        let part = match row.name.split_once('*') {
            None => (row.name == name).then_some("")?,
            Some((before, after)) => name
                .strip_prefix(before)?
                .strip_suffix(after)
                .filter(|part| !part.is_empty())?,
        };
        Some((row, part))
    })
}

/// A metric's title for people; its name where nothing is known of it.
#[must_use]
pub fn title(name: &str) -> String {
    let title = match meaning(name) {
        Some((row, part)) => row.title.replace('*', part),
        None => name.to_owned(),
    };
    match name.starts_with("greedy/") {
        true if title != name => format!("greedy {title}"),
        _ => title,
    }
}

/// A metric's value as people write it: `12.3 %`, `1 234`, `0.612`, `5.0e-4`.
#[must_use]
pub fn shown(name: &str, value: f64) -> String {
    let unit = meaning(name).map_or(Number, |(row, _)| row.unit);
    unit.shown(value)
}

impl Unit {
    /// A value with three or four digits that say something, and its unit.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        if !value.is_finite() {
            return "–".to_owned();
        }
        match self {
            Share => format!("{:.1} %", value * 100.0),
            Tokens if value.abs() < 1000.0 && value.fract() != 0.0 => format!("{value:.1}"),
            Tokens | TokensPerSecond => thousands(value),
            Seconds if value < 0.1 => format!("{:.1} ms", value * 1000.0),
            Seconds if value < 10.0 => format!("{value:.2} s"),
            Seconds => format!("{value:.0} s"),
            Number | Nats => match value.abs() {
                0.0 => "0".to_owned(),
                size if size < 0.001 => format!("{value:.1e}"),
                size if size < 0.1 => format!("{value:.4}"),
                size if size < 100.0 => format!("{value:.3}"),
                _ => thousands(value),
            },
        }
    }
}

/// A whole number in groups of three digits: `12 034`.
fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    match value < 0.0 {
        true => format!("-{text}"),
        false => text,
    }
}
