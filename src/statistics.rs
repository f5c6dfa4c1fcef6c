//! Evaluation statistics: judged samples per prompt in; mean@k, pass@k and maj@k
//! with their uncertainty out.
//!
//! - `mean@k`: the share of a prompt's `k` samples that are correct.
//! - `pass@k`: the chance that one of `k` samples at least is correct, estimated
//!   without bias from `n >= k` samples of which `c` are correct:
//!   `1 - C(n-c, k) / C(n, k)` (Chen et al., arXiv:2107.03374, section 2.1).
//! - `maj@k`: the chance that the most frequent answer among `k` samples is
//!   correct; answers that tie share the prompt. It is the exact expectation over
//!   all choices of `k` from the `n` samples: nothing is drawn at random.
//!
//! Each is the mean over prompts. Its standard error is that of a mean over
//! prompts (Miller, arXiv:2411.00640), since the prompts are what is drawn from
//! a larger set. The interval is Wilson's (JASA 22, 1927), which stays within
//! [0, 1] and keeps its width at 0 and 1, over as many trials as would give the
//! variance that was found. Both speak about other prompts of the same kind, and
//! not about other seeds of the training.

use std::collections::BTreeMap;

/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The least samples of a majority that differs from one of them.
pub(crate) const LEAST_VOTERS: usize = 3;

/// One sample of a prompt, with what the reward said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged<'a> {
    /// Whether it is correct; `None` when nobody can say, and the sample counts
    /// nowhere.
    pub is_correct: Option<bool>,
    /// The answer by which it votes; `None` for no vote.
    pub answer: Option<&'a str>,
    /// Whether what judged it names answers; where it does not, as tests do not,
    /// there is nothing to vote for.
    pub can_vote: bool,
}

/// A mean over prompts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error; `None` with fewer than two prompts.
    pub standard_error: Option<f64>,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// How many prompts were averaged.
    pub prompts: usize,
}

/// What an evaluation says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Names, such as `pass@8`, and values.
    pub estimates: Vec<(String, Estimate)>,
    /// Samples that could not be judged and are counted nowhere.
    pub unjudged: usize,
    /// Prompts with no judged sample at all.
    pub unjudged_prompts: usize,
}

impl Statistics {
    /// The numbers as metrics of an evaluation: `pass@8`, `pass@8/low` and
    /// `pass@8/high`.
    #[must_use]
    pub fn metrics(&self) -> Vec<(String, f64)> {
        let estimates = self.estimates.iter().flat_map(|(name, estimate)| {
            [
                (name.clone(), estimate.mean),
                (format!("{name}/low"), estimate.low),
                (format!("{name}/high"), estimate.high),
            ]
        });
        estimates.collect()
    }
}

/// The statistics of an evaluation: one list of samples for every prompt, and
/// the `k` that are wanted.
///
/// `mean@n` is over all judged samples, `n` being those of the prompt that has
/// most. A `k` beyond a prompt's judged samples leaves that prompt out of it; a
/// `k` beyond all is left out. `maj@k` is given from three samples on: with two, no
/// majority differs from one. It is over the prompts whose judged samples can all vote;
/// where none of these has an answer it is 0, for nothing is voted for.
#[must_use]
pub fn statistics(prompts: &[Vec<Judged<'_>>], ks: &[usize]) -> Statistics {
    let judged: Vec<Vec<(bool, Option<&str>)>> = prompts
        .iter()
        .map(|samples| {
            let judged = samples.iter();
            judged
                .filter_map(|sample| Some((sample.is_correct?, sample.answer)))
                .collect()
        })
        .collect();
    let can_vote = |samples: &&Vec<Judged<'_>>| {
        let mut judged = samples.iter().filter(|sample| sample.is_correct.is_some());
        judged.all(|sample| sample.can_vote)
    };
    let counted: usize = judged.iter().map(Vec::len).sum();
    let most = judged.iter().map(Vec::len).max().unwrap_or(0);
    let correct = |samples: &[(bool, Option<&str>)]| {
        let correct = samples.iter().filter(|(is_correct, _)| *is_correct);
        correct.count()
    };
    let mut estimates = Vec::new();
    let mut add = |name: String, values: Vec<f64>| {
        if let Some(estimate) = Estimate::over(&values, counted) {
            estimates.push((name, estimate));
        }
    };
    let share = |samples: &Vec<_>| match samples.len() {
        0 => None,
        n => Some(correct(samples) as f64 / n as f64),
    };
    add(
        format!("mean@{most}"),
        judged.iter().filter_map(share).collect(),
    );
    for &k in ks {
        let pass = judged
            .iter()
            .filter_map(|samples| pass_at(k, samples.len(), correct(samples)));
        add(format!("pass@{k}"), pass.collect());
    }
    for &k in ks.iter().filter(|&&k| k >= LEAST_VOTERS) {
        let voting = prompts.iter().zip(&judged);
        let voting = voting.filter(|(samples, _)| can_vote(samples));
        let majority = voting.filter_map(|(_, samples)| majority_at(k, samples));
        add(format!("maj@{k}"), majority.collect());
    }
    Statistics {
        estimates,
        unjudged: prompts.iter().map(Vec::len).sum::<usize>() - counted,
        unjudged_prompts: judged.iter().filter(|samples| samples.is_empty()).count(),
    }
}

impl Estimate {
    /// The mean of values in [0, 1], one for every prompt, that `samples` samples
    /// in all stand behind; `None` of no values.
    #[must_use]
    pub fn over(values: &[f64], samples: usize) -> Option<Self> {
        let prompts = values.len();
        if prompts == 0 {
            return None;
        }
        let n = prompts as f64;
        let mean = (values.iter().sum::<f64>() / n).clamp(0.0, 1.0);
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        // Values that are 0 or 1 give n; shares of several samples, which vary
        // less, give more, but never more than there are samples.
        let most = match prompts {
            1 => 1.0,
            _ => (samples as f64).max(n),
        };
        let trials = match mean * (1.0 - mean) / (squares / n) {
            trials if trials.is_finite() => (trials * n).clamp(n, most),
            // All prompts have the same value, so the variance says nothing.
            _ if mean == 0.0 || mean == 1.0 => n,
            _ => most,
        };
        let (low, high) = wilson(mean, trials);
        Some(Self {
            mean,
            standard_error: (prompts > 1).then(|| (squares / (n - 1.0) / n).sqrt()),
            low,
            high,
            prompts,
        })
    }
}

/// Wilson's score interval of a share among `trials`.
pub(crate) fn wilson(share: f64, trials: f64) -> (f64, f64) {
    let z2 = Z * Z / trials;
    let centre = (share + z2 / 2.0) / (1.0 + z2);
    let half = Z * (share * (1.0 - share) / trials + z2 / (4.0 * trials)).sqrt() / (1.0 + z2);
    // At the ends the formula is exact, its rounding is not.
    let low = if share == 0.0 { 0.0 } else { centre - half };
    let high = if share == 1.0 { 1.0 } else { centre + half };
    (low.max(0.0), high.min(1.0))
}

/// `1 - C(n-c, k) / C(n, k)` for `n` samples of which `c` are correct; `None`
/// unless `1 <= k <= n` and `c <= n`.
///
/// The quotient is a product of `k` factors in [0, 1], taken one by one: no
/// binomial is ever formed, and nothing overflows.
#[must_use]
pub fn pass_at(k: usize, n: usize, c: usize) -> Option<f64> {
    if k == 0 || k > n || c > n {
        return None;
    }
    let wrong = n - c;
    if wrong < k {
        return Some(1.0);
    }
    let none_correct: f64 = (0..k)
        .map(|drawn| (wrong - drawn) as f64 / (n - drawn) as f64)
        .product();
    Some(1.0 - none_correct)
}

/// The chance that the most frequent answer of `k` of these samples, chosen
/// without looking, is correct; `None` unless `1 <= k <= n`.
///
/// A sample without an answer does not vote, and where none votes nothing is
/// correct. Answers that tie for the most votes share the outcome. Samples with
/// one answer and several verdicts count by the share of them that is correct.
#[must_use]
pub fn majority_at(k: usize, samples: &[(bool, Option<&str>)]) -> Option<f64> {
    let n = samples.len();
    if k == 0 || k > n {
        return None;
    }
    let mut answers: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for &(is_correct, answer) in samples {
        if let Some(answer) = answer {
            let (votes, correct) = answers.entry(answer).or_default();
            *votes += 1;
            *correct += usize::from(is_correct);
        }
    }
    let voters: usize = answers.values().map(|&(votes, _)| votes).sum();
    let mut classes: Vec<Answer> = answers
        .into_values()
        .map(|(votes, correct)| Answer {
            votes,
            correct: correct as f64 / votes as f64,
        })
        .collect();
    classes.push(Answer {
        votes: n - voters,
        correct: 0.0,
    });
    let silent = classes.len() - 1;
    let logarithms = log_factorials(n);
    let most = classes[..silent].iter().map(|class| class.votes).max();
    let wins = (1..=most.unwrap_or(0).min(k))
        .map(|top| won_with(top, k, n, &classes, silent, &logarithms));
    Some(wins.sum::<f64>().clamp(0.0, 1.0))
}

/// The samples that say the same.
#[derive(Clone, Copy)]
struct Answer {
    votes: usize,
    /// The share of them that is correct.
    correct: f64,
}

/// The chance that the most frequent answer has exactly `top` votes, times the
/// share of the answers tied at it that are correct.
///
/// Answer after answer is dealt its votes by the hypergeometric distribution.
/// After each, `chance[drawn][tied]` is the chance of having dealt so many votes
/// with so many answers at `top`, and `correct` the same weighted with how many
/// of the tied are correct.
fn won_with(
    top: usize,
    k: usize,
    n: usize,
    classes: &[Answer],
    silent: usize,
    logarithms: &[f64],
) -> f64 {
    let ties = k / top;
    let mut chance = vec![vec![0.0; ties + 1]; k + 1];
    let mut correct = chance.clone();
    chance[0][0] = 1.0;
    let choose = |n: usize, k: usize| logarithms[n] - logarithms[k] - logarithms[n - k];
    let mut left = n;
    for (index, class) in classes.iter().enumerate() {
        let most = match index == silent {
            true => class.votes,
            false => class.votes.min(top),
        };
        let others = left - class.votes;
        let mut next_chance = vec![vec![0.0; ties + 1]; k + 1];
        let mut next_correct = next_chance.clone();
        for drawn in 0..=k {
            let wanted = k - drawn;
            if wanted > left || chance[drawn].iter().all(|&chance| chance == 0.0) {
                continue;
            }
            for votes in wanted.saturating_sub(others)..=most.min(wanted) {
                let weight = choose(class.votes, votes) + choose(others, wanted - votes)
                    - choose(left, wanted);
                let weight = weight.exp();
                let is_tied = index != silent && votes == top;
                for tied in 0..=ties - usize::from(is_tied && ties > 0) {
                    let to = (drawn + votes, tied + usize::from(is_tied));
                    let share = if is_tied { class.correct } else { 0.0 };
                    next_chance[to.0][to.1] += weight * chance[drawn][tied];
                    next_correct[to.0][to.1] +=
                        weight * (correct[drawn][tied] + share * chance[drawn][tied]);
                }
            }
        }
        (chance, correct, left) = (next_chance, next_correct, others);
    }
    (1..=ties).map(|tied| correct[k][tied] / tied as f64).sum()
}

/// `ln 0!` to `ln n!`.
fn log_factorials(n: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let mut all = vec![0.0];
    all.extend((1..=n).map(|factor| {
        sum += (factor as f64).ln();
        sum
    }));
    all
}
