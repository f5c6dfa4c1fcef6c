//! Rejection sampling: problems in, a file of good completions out.
//!
//! The file has one line of JSON for each completion that was kept, with
//! `prompt` and `completion` as the policy saw and wrote them, so that a later
//! stage, or another program, can learn from it. The problems come in an order of
//! the stage's own, and none twice.

use std::collections::{HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::answer::{Answered, Answerer, refuse_unscorable};
use super::judge::judged;
use super::metrics::Metrics;
use super::order::ProblemOrder;
use super::step::{Position, Report, Stage, Workplace, tell};
use super::{Demonstration, Demonstrations, Framing, Order, Problems, RejectOptions};
use crate::reward::Scorer;
use crate::train::error::{FileAction, TrainError};
use crate::train::random::Key;
use crate::train::sample::{Finish, SampleOptions};

/// A stage of rejection sampling.
pub(in crate::train) struct Reject {
    options: RejectOptions,
    /// The stage's own: demonstrations are a task's first problems.
    problems: ProblemOrder,
    scorer: Scorer,
    seed: u64,
    /// How many problems are answered.
    count: u64,
    path: PathBuf,
    position: Position,
    /// What was kept, by prompt: several problems may have one.
    kept: HashMap<String, KeptTexts>,
}

/// The completions that were kept of a prompt.
#[derive(Default)]
struct KeptTexts {
    count: usize,
    texts: HashSet<String>,
}

/// A completion that was kept: a line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    id: String,
    prompt: String,
    framing: Framing,
    completion: String,
    /// Those of the completion, without the end token.
    tokens: Vec<u32>,
    reward: Option<f64>,
    n_tokens: u64,
    finish_reason: String,
}

impl Reject {
    /// # Errors
    /// A source without problems, or without an end and no number of them; a file
    /// that cannot be written.
    pub(in crate::train) fn new(
        options: RejectOptions,
        problems: Arc<dyn Problems>,
        scorer: Scorer,
        path: PathBuf,
        seed: u64,
    ) -> Result<Self, TrainError> {
        let count = match (problems.count(), options.prompts) {
            (Some(count), most) => most.map_or(count, |most| most.min(count)),
            (None, Some(most)) => most,
            (None, None) => 0,
        };
        let problems = ProblemOrder::new(problems, seed)?;
        if count == 0 {
            return Err(TrainError::Source {
                problem: "the task has no end; set `prompts` to how many to take".to_owned(),
            });
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(TrainError::file(FileAction::Write, folder))?;
        }
        // What an interrupted run left in it is cut off with the first step.
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.map_err(TrainError::file(FileAction::Write, &path))?;
        Ok(Self {
            options,
            problems,
            scorer: scorer.unknown_as_wrong(),
            seed,
            count,
            path,
            position: Position::default(),
            kept: HashMap::new(),
        })
    }

    /// The completions of a problem that are kept, in the order of the options, beside
    /// those that were kept of the same prompt before.
    fn keep(&mut self, answered: &Answered, taken: u64) -> Vec<Kept> {
        let options = &self.options;
        let earlier = self.kept.entry(answered.problem.prompt.clone());
        let earlier = earlier.or_default();
        let mut seen = HashSet::new();
        let mut kept: Vec<usize> = (0..answered.completions.len())
            .filter(|place| {
                let (completion, score) = (&answered.completions[*place], &answered.scores[*place]);
                let Some(reward) = score.reward else {
                    return false;
                };
                reward >= options.min_reward.unwrap_or(f64::NEG_INFINITY)
                    && (!options.correct_only
                        || judged(&self.scorer, score).is_correct == Some(true))
                    && (!options.finished_only || completion.finish == Finish::Stop)
                    && (!options.deduplicate
                        || !earlier.texts.contains(&completion.text)
                            && seen.insert(&completion.text))
            })
            .collect();
        match options.order {
            Order::Best => kept.sort_by(|one, other| {
                let key = |place: usize| {
                    let reward = answered.scores[place].reward.unwrap_or(f64::NEG_INFINITY);
                    (reward, answered.completions[place].tokens.len())
                };
                let ((reward, length), (other_reward, other_length)) = (key(*one), key(*other));
                other_reward
                    .total_cmp(&reward)
                    .then(length.cmp(&other_length))
            }),
            Order::Random => {
                let order = Key::new(self.seed, "keep", &[taken]).permutation(kept.len());
                kept = order.into_iter().map(|place| kept[place]).collect();
            }
        }
        let most = options.keep.unwrap_or(usize::MAX);
        kept.truncate(most.saturating_sub(earlier.count));
        let kept: Vec<Kept> = kept.into_iter().map(|place| answered.kept(place)).collect();
        kept.iter().for_each(|kept| earlier.add(&kept.completion));
        kept
    }

    /// Appends lines to the file, after what the last step wrote.
    fn write(&mut self, kept: &[Kept]) -> Result<(), TrainError> {
        let mut text = Vec::new();
        for line in kept {
            serde_json::to_writer(&mut text, line).expect("a Vec takes every byte");
            text.push(b'\n');
        }
        let write = || {
            let mut file = OpenOptions::new().write(true).open(&self.path)?;
            file.set_len(self.position.written)?;
            file.seek(SeekFrom::End(0))?;
            file.write_all(&text)
        };
        write().map_err(TrainError::file(FileAction::Write, &self.path))?;
        self.position.written += text.len() as u64;
        self.position.kept += kept.len() as u64;
        Ok(())
    }
}

impl Stage for Reject {
    fn steps(&self) -> u64 {
        self.count.div_ceil(self.options.prompts_per_step as u64)
    }

    fn step(&mut self, place: &mut Workplace<'_>, number: u64) -> Result<Report, TrainError> {
        let began = Instant::now();
        let first = self.position.taken;
        let next = (first + self.options.prompts_per_step as u64).min(self.count);
        let problems: Result<Vec<_>, _> = (first..next)
            .map(|taken| self.problems.problem(taken))
            .collect();
        let sampling = &self.options.sampling;
        let options = SampleOptions {
            seed: Key::new(self.seed, "rollouts", &[sampling.seed, number]).seed(),
            ..sampling.clone()
        };
        let answerer = Answerer {
            policy: place.policy,
            vocabulary: place.vocabulary,
            scorer: &self.scorer,
            options: &options,
            samples: self.options.samples,
        };
        let total = (next - first) as usize * self.options.samples;
        let watcher = &mut *place.watcher;
        let mut progress = |done| tell(watcher, "sampling", done, total);
        let (answered, spent) = answerer.answer(problems?, &mut progress)?;
        refuse_unscorable(&answered, self.options.max_unscorable)?;
        self.position.taken = next;
        let mut kept = Vec::new();
        for (taken, answered) in (first..next).zip(&answered) {
            kept.extend(self.keep(answered, taken));
        }
        self.write(&kept)?;
        let mut metrics = Metrics::default();
        metrics.add("kept", self.position.kept as f64);
        metrics.add("kept_ratio", kept.len() as f64 / total.max(1) as f64);
        metrics.rewards(answered.iter());
        metrics.completions(answered.iter().flat_map(|group| &group.completions));
        metrics.spent(spent);
        metrics.add("step_time", began.elapsed().as_secs_f64());
        Ok(Report::of_answers(metrics, &answered))
    }

    fn position(&self) -> Position {
        self.position.clone()
    }

    fn save(&self, _: &Path) -> Result<(), TrainError> {
        Ok(())
    }

    fn restore(&mut self, position: Position, _: &Path) -> Result<(), TrainError> {
        let text = read(&self.path)?;
        // Lines beyond these are of a step that is made again.
        let Some(text) = text.get(..position.written as usize) else {
            return Err(TrainError::Checkpoint {
                path: self.path.clone(),
                problem: format!(
                    "has {} bytes; the run had written {}",
                    text.len(),
                    position.written
                ),
            });
        };
        for kept in kept_lines(text, &self.path)? {
            let earlier = self.kept.entry(kept.prompt).or_default();
            earlier.add(&kept.completion);
        }
        self.position = position;
        Ok(())
    }
}

impl KeptTexts {
    fn add(&mut self, completion: &str) {
        self.count += 1;
        self.texts.insert(completion.to_owned());
    }
}

/// A file of kept completions.
fn read(path: &Path) -> Result<Vec<u8>, TrainError> {
    std::fs::read(path).map_err(TrainError::file(FileAction::Read, path))
}

/// The lines of such a text, which is of the file `path`.
fn kept_lines(text: &[u8], path: &Path) -> Result<Vec<Kept>, TrainError> {
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    let kept: Result<Vec<Kept>, _> = lines.map(serde_json::from_slice).collect();
    kept.map_err(|error| TrainError::Checkpoint {
        path: path.to_owned(),
        problem: format!("is no file of kept completions: {error}"),
    })
}

impl Answered {
    fn kept(&self, place: usize) -> Kept {
        let completion = &self.completions[place];
        Kept {
            id: self.scores[place].id.clone(),
            prompt: self.problem.prompt.clone(),
            framing: self.problem.framing,
            completion: completion.text.clone(),
            tokens: completion.written().to_vec(),
            reward: self.scores[place].reward,
            n_tokens: completion.tokens.len() as u64,
            finish_reason: completion.finish.name().to_owned(),
        }
    }
}

/// The completions that an earlier stage kept.
pub(in crate::train) struct KeptFile {
    path: PathBuf,
    demonstrations: Vec<Demonstration>,
}

impl KeptFile {
    /// # Errors
    /// A file that is missing, or that this stage did not write.
    pub(in crate::train) fn open(path: &Path) -> Result<Self, TrainError> {
        let kept = kept_lines(&read(path)?, path)?;
        let demonstrations = kept.into_iter().map(|kept| Demonstration {
            prompt: kept.prompt,
            framing: kept.framing,
            completion: kept.completion,
            tokens: Some(kept.tokens),
        });
        Ok(Self {
            path: path.to_owned(),
            demonstrations: demonstrations.collect(),
        })
    }
}

impl Demonstrations for KeptFile {
    fn count(&self) -> Option<u64> {
        Some(self.demonstrations.len() as u64)
    }

    fn place(&self, index: u64) -> String {
        format!("`{}`, line {}", self.path.display(), index + 1)
    }

    fn demonstration(&self, index: u64) -> Result<Demonstration, String> {
        let found = self.demonstrations.get(index as usize).cloned();
        found.ok_or_else(|| format!("there is no kept completion {index}"))
    }
}
