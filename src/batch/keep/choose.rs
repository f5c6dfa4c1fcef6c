//! Which of the good rows are kept, and which pairs are made, prompt by prompt.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Choice, KeepOptions, Kept, digest};

/// What the first reading keeps of a row.
pub(super) struct Candidate {
    pub(super) row: u64,
    /// The group, and for pairs the prompt's text too.
    pub(super) prompt: u128,
    pub(super) text: u128,
    pub(super) reward: f64,
    pub(super) length: u64,
    /// Whether the row may be kept; one that may not can be the worse of a pair.
    pub(super) is_good: bool,
}

/// A row that will be written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chosen {
    pub(super) row: u64,
    pub(super) text: u128,
    pub(super) reward: f64,
}

impl From<&Candidate> for Chosen {
    fn from(candidate: &Candidate) -> Self {
        Self {
            row: candidate.row,
            text: candidate.text,
            reward: candidate.reward,
        }
    }
}

/// Two rows of a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) chosen: Chosen,
    pub(super) rejected: Chosen,
}

/// The rows that are kept, by number.
pub(super) fn rows(
    candidates: Vec<Candidate>,
    options: &KeepOptions,
    kept: &mut Kept,
) -> HashMap<u64, Chosen> {
    let mut chosen = HashMap::new();
    for mut group in by_prompt(candidates) {
        sort(&mut group, options.choice, true);
        if options.deduplicate {
            kept.duplicates += deduplicate(&mut group);
        }
        let most = options.per_prompt.unwrap_or(usize::MAX);
        kept.surplus += group.len().saturating_sub(most) as u64;
        group.truncate(most);
        kept.kept += group.len() as u64;
        kept.prompts += u64::from(!group.is_empty());
        chosen.extend(group.iter().map(|kept| (kept.row, kept.into())));
    }
    chosen
}

/// Pairs of a good row and a worse one of the same prompt: the best with the worst,
/// the next with the next. A row is in one pair at most.
pub(super) fn pairs(
    candidates: Vec<Candidate>,
    margin: f64,
    options: &KeepOptions,
    kept: &mut Kept,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for group in by_prompt(candidates) {
        let (mut good, mut worse): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|candidate| candidate.is_good);
        sort(&mut good, options.choice, true);
        sort(&mut worse, options.choice, false);
        if options.deduplicate {
            kept.duplicates += deduplicate(&mut good);
            deduplicate(&mut worse);
        }
        let most = options.per_prompt.unwrap_or(usize::MAX);
        kept.surplus += good.len().saturating_sub(most) as u64;
        good.truncate(most);
        let before = pairs.len();
        let mut worse = VecDeque::from(worse);
        for chosen in &good {
            let fits = |rejected: &Candidate| {
                let lead = chosen.reward - rejected.reward;
                lead > 0.0 && lead >= margin && rejected.text != chosen.text
            };
            let place = worse.iter().position(fits);
            match place.and_then(|place| worse.remove(place)) {
                Some(rejected) => pairs.push(Pair {
                    chosen: chosen.into(),
                    rejected: (&rejected).into(),
                }),
                None => kept.unpaired += 1,
            }
        }
        kept.kept += (pairs.len() - before) as u64;
        kept.prompts += u64::from(pairs.len() > before);
    }
    pairs
}

fn by_prompt(candidates: Vec<Candidate>) -> impl Iterator<Item = Vec<Candidate>> {
    let mut prompts: HashMap<u128, Vec<Candidate>> = HashMap::new();
    for candidate in candidates {
        prompts.entry(candidate.prompt).or_default().push(candidate);
    }
    prompts.into_values()
}

/// The rows that are wanted first: the best or the worst; of equal ones the shorter,
/// then the earlier.
fn sort(group: &mut [Candidate], choice: Choice, is_best_first: bool) {
    match choice {
        Choice::Best => group.sort_by(|a, b| {
            let by_reward = match is_best_first {
                true => b.reward.total_cmp(&a.reward),
                false => a.reward.total_cmp(&b.reward),
            };
            by_reward
                .then(a.length.cmp(&b.length))
                .then(a.row.cmp(&b.row))
        }),
        Choice::Random(seed) => {
            group.sort_by_key(|candidate| digest(format!("{seed} {}", candidate.row).as_bytes()));
        }
    }
}

/// Leaves out rows that say what an earlier one says, and counts them.
fn deduplicate(group: &mut Vec<Candidate>) -> u64 {
    let mut seen = HashSet::new();
    let before = group.len();
    group.retain(|candidate| seen.insert(candidate.text));
    (before - group.len()) as u64
}
