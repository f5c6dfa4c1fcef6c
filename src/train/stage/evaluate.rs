//! Evaluation: held-out problems in, metrics out; nothing is learned.
//!
//! The same problems and the same random numbers each time, so that what differs
//! between two evaluations is the policy.

use std::sync::Arc;
use std::time::Instant;

use super::answer::{Answered, Answerer, Spent};
use super::judge::judged;
use super::metrics::Metrics;
use super::step::{Report, Workplace, tell};
use super::{EvaluationOptions, Problem, Problems};
use crate::reward::Scorer;
use crate::statistics::LEAST_VOTERS;
use crate::train::error::TrainError;
use crate::train::random::Key;
use crate::train::sample::SampleOptions;
use crate::train::watch::{Judged, statistics};

/// What a policy is evaluated on, and how.
#[derive(Clone)]
pub struct Evaluation {
    /// How often, and how completions are drawn.
    pub options: EvaluationOptions,
    /// The held-out problems.
    pub problems: Arc<dyn Problems>,
    /// What judges the answers.
    pub scorer: Scorer,
}

impl Evaluation {
    /// The metric by which the best policy is kept.
    #[must_use]
    pub fn best_metric(&self) -> &str {
        let is_verified = self.scorer.solvers().next().is_some();
        match (&self.options.keep_best, self.options.greedy, is_verified) {
            (Some(metric), ..) => metric,
            (None, true, true) => "greedy/accuracy",
            (None, true, false) => "greedy/reward",
            (None, false, true) => "pass@1",
            (None, false, false) => "reward",
        }
    }

    /// The names of the metrics that it may have.
    #[must_use]
    pub fn metric_names(&self) -> Vec<String> {
        metric_names(&self.options, &self.scorer)
    }

    /// Answers the problems and judges the answers. Metrics of greedy answers
    /// begin with `greedy/`.
    pub(in crate::train) fn evaluate(
        &self,
        place: &mut Workplace<'_>,
        seed: u64,
    ) -> Result<Report, TrainError> {
        let began = Instant::now();
        let scorer = self.scorer.clone().unknown_as_wrong();
        let problems = self.read()?;
        let mut metrics = Metrics::default();
        let mut completions = Vec::new();
        let mut spent = Spent::default();
        if self.options.greedy {
            let options = SampleOptions {
                temperature: 0.0,
                ..self.options.sampling.clone()
            };
            let (answered, own) = self.answer(place, &scorer, &problems, &options, 1)?;
            spent.add(own);
            let mut greedy = Metrics::default();
            self.greedy(&answered, &mut greedy);
            let greedy = greedy.list().into_iter();
            metrics.extend(greedy.map(|(name, value)| (format!("greedy/{name}"), value)));
            completions.extend(answered);
        }
        if self.options.samples > 0 {
            let options = SampleOptions {
                seed: Key::new(seed, "evaluation", &[self.options.sampling.seed]).seed(),
                ..self.options.sampling.clone()
            };
            let samples = self.options.samples;
            let (answered, own) = self.answer(place, &scorer, &problems, &options, samples)?;
            spent.add(own);
            self.sampled(&answered, &mut metrics);
            completions.extend(answered);
        }
        metrics.spent(spent);
        metrics.add("runtime", began.elapsed().as_secs_f64());
        Ok(Report::of_answers(metrics, &completions))
    }

    fn read(&self) -> Result<Vec<Problem>, TrainError> {
        let failed = |problem: String| TrainError::Source { problem };
        let count = match (self.problems.count(), self.options.prompts) {
            (Some(count), most) => most.map_or(count, |most| most.min(count)),
            (None, Some(most)) => most,
            (None, None) => {
                let problem = "the evaluation's task has no end; set `prompts` to how many to take";
                return Err(failed(problem.to_owned()));
            }
        };
        if count == 0 {
            return Err(failed("the evaluation's task has no problem".to_owned()));
        }
        (0..count)
            .map(|index| self.problems.problem(index).map_err(failed))
            .collect()
    }

    fn answer(
        &self,
        place: &mut Workplace<'_>,
        scorer: &Scorer,
        problems: &[Problem],
        options: &SampleOptions,
        samples: usize,
    ) -> Result<(Vec<Answered>, Spent), TrainError> {
        let answerer = Answerer {
            policy: place.policy,
            vocabulary: place.vocabulary,
            scorer,
            options,
            samples,
        };
        let total = problems.len() * samples;
        let watcher = &mut *place.watcher;
        let mut progress = |done| tell(watcher, "evaluating", done, total);
        answerer.answer(problems.to_vec(), &mut progress)
    }

    /// `accuracy` with its interval, rewards and lengths of one answer a problem.
    fn greedy(&self, answered: &[Answered], metrics: &mut Metrics) {
        let statistics = statistics(&self.judged(answered), &[]);
        let renamed = statistics.metrics().into_iter();
        metrics.extend(renamed.map(|(name, value)| (name.replace("mean@1", "accuracy"), value)));
        rewards(answered, metrics);
    }

    /// `mean@k`, `pass@k`, `maj@k` with their intervals, rewards and lengths.
    fn sampled(&self, answered: &[Answered], metrics: &mut Metrics) {
        let statistics = statistics(&self.judged(answered), &self.options.ks());
        metrics.extend(statistics.metrics());
        rewards(answered, metrics);
    }

    fn judged<'a>(&self, answered: &'a [Answered]) -> Vec<Vec<Judged<'a>>> {
        let of_group = |group: &'a Answered| {
            let scores = group.scores.iter();
            scores.map(|score| judged(&self.scorer, score)).collect()
        };
        answered.iter().map(of_group).collect()
    }
}

/// The names of the metrics that an evaluation may have; one may lack where nothing
/// was judged.
#[must_use]
pub fn metric_names(options: &EvaluationOptions, scorer: &Scorer) -> Vec<String> {
    let is_verified = scorer.solvers().next().is_some();
    let mut estimates = Vec::new();
    if options.greedy && is_verified {
        estimates.push("greedy/accuracy".to_owned());
    }
    if options.samples > 0 && is_verified {
        estimates.push(format!("mean@{}", options.samples));
        for k in options.ks() {
            estimates.push(format!("pass@{k}"));
            if k >= LEAST_VOTERS && scorer.names_answers() {
                estimates.push(format!("maj@{k}"));
            }
        }
    }
    let ends = |name: String| [format!("{name}/low"), format!("{name}/high"), name];
    let mut all: Vec<String> = estimates.into_iter().flat_map(ends).collect();
    all.reverse();
    for (prefix, is_there) in [("greedy/", options.greedy), ("", options.samples > 0)] {
        if !is_there {
            continue;
        }
        let plain = Metrics::names();
        all.extend(plain.map(|name| format!("{prefix}{name}")));
        for term in scorer.rewards() {
            all.extend(["mean", "std"].map(|part| format!("{prefix}rewards/{term}/{part}")));
        }
    }
    all
}

fn rewards(answered: &[Answered], metrics: &mut Metrics) {
    metrics.rewards(answered.iter());
    metrics.completions(answered.iter().flat_map(|group| &group.completions));
}
