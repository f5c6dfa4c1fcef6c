//! The groups of a step: problems answered and scored, in one round or several.

use super::Grpo;
use crate::train::error::TrainError;
use crate::train::random::Key;
use crate::train::sample::SampleOptions;
use crate::train::stage::answer::{Answered, Answerer, Spent, refuse_unscorable};
use crate::train::stage::metrics::deviation;
use crate::train::stage::step::{Workplace, tell};

/// What was sampled for a step.
pub(super) struct Gathered {
    /// The groups that are learned from.
    pub(super) answered: Vec<Answered>,
    /// Those that were sampled and are not.
    pub(super) left_out: Vec<Answered>,
    /// Rounds that were sampled.
    pub(super) rounds: usize,
    /// Groups that agree and are learned from for want of others.
    pub(super) missing: usize,
    /// Groups that were sampled and left out because their completions agree.
    pub(super) dropped: usize,
    /// Tokens that were sampled, those of dropped groups included.
    pub(super) tokens: usize,
    pub(super) spent: Spent,
}

impl Gathered {
    /// All groups that were sampled: what the policy is like, which those that are
    /// learned from do not show, for they were chosen.
    pub(super) fn all(&self) -> impl Iterator<Item = &Answered> + Clone {
        self.answered.iter().chain(&self.left_out)
    }
}

impl Grpo {
    /// Samples and scores the groups of a step. With dynamic sampling, rounds are
    /// added until there are enough groups whose completions disagree (DAPO,
    /// arXiv 2503.14476, section 3.2); what is missing after the last round is
    /// made up by groups that agree.
    pub(super) fn gather(
        &mut self,
        place: &mut Workplace<'_>,
        number: u64,
    ) -> Result<Gathered, TrainError> {
        let wanted = self.options.prompts_per_step;
        let dynamic = self.options.dynamic_sampling.clone();
        let rounds = dynamic.as_ref().map_or(1, |dynamic| dynamic.max_rounds);
        let mut gathered = Gathered {
            answered: Vec::new(),
            left_out: Vec::new(),
            rounds: 0,
            missing: 0,
            dropped: 0,
            tokens: 0,
            spent: Spent::default(),
        };
        let mut spare = Vec::new();
        while gathered.rounds < rounds && gathered.answered.len() < wanted {
            let answered = self.round(place, number, &mut gathered)?;
            refuse_unscorable(&answered, self.options.max_unscorable)?;
            match &dynamic {
                None => gathered.answered = answered,
                Some(dynamic) => {
                    for group in answered {
                        match disagrees(&group, dynamic.term.as_deref()) {
                            true => gathered.answered.push(group),
                            false => spare.push(group),
                        }
                    }
                }
            }
        }
        let first = wanted.min(gathered.answered.len());
        gathered.left_out = gathered.answered.split_off(first);
        let missing = wanted - first;
        gathered.missing = missing;
        gathered.dropped = spare.len().saturating_sub(missing);
        let mut spare = spare.into_iter();
        gathered.answered.extend(spare.by_ref().take(missing));
        gathered.left_out.extend(spare);
        Ok(gathered)
    }

    /// One round: the next problems, answered and scored.
    fn round(
        &mut self,
        place: &mut Workplace<'_>,
        number: u64,
        gathered: &mut Gathered,
    ) -> Result<Vec<Answered>, TrainError> {
        let wanted = self.options.prompts_per_step;
        let mut problems = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            problems.push(self.order.problem(self.position.taken)?);
            self.position.taken += 1;
        }
        let sampling = &self.options.sampling;
        let numbers = [sampling.seed, number, gathered.rounds as u64];
        let options = SampleOptions {
            seed: Key::new(self.seed, "rollouts", &numbers).seed(),
            ..sampling.clone()
        };
        let answerer = Answerer {
            policy: place.policy,
            vocabulary: place.vocabulary,
            scorer: &self.scorer,
            options: &options,
            samples: self.options.group_size,
        };
        let total = wanted * self.options.group_size;
        let watcher = &mut *place.watcher;
        let mut progress = |done| tell(watcher, "sampling", done, total);
        let (answered, spent) = answerer.answer(problems, &mut progress)?;
        let completions = answered.iter().flat_map(|group| &group.completions);
        gathered.tokens += completions
            .map(|completion| completion.tokens.len())
            .sum::<usize>();
        gathered.spent.add(spent);
        gathered.rounds += 1;
        Ok(answered)
    }
}

/// Whether the rewards of a group, or the numbers of one term, differ.
fn disagrees(group: &Answered, term: Option<&str>) -> bool {
    let numbers: Vec<f64> = match term {
        None => group.rewards(),
        Some(name) => {
            let terms = group.scores.iter().filter_map(|score| score.term(name));
            terms.filter_map(|term| term.raw).collect()
        }
    };
    deviation(&numbers).is_some_and(|deviation| deviation > 0.0)
}
