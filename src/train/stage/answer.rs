//! Problems in, answers with their scores out.
//!
//! A problem is scored by another thread as soon as its last completion has
//! ended, while the policy still writes the others: scoring costs no time of its
//! own unless it is slower than the policy.

use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::judge::judge;
use super::{Problem, Problems};
use crate::reward::{Score, Scorer};
use crate::train::error::TrainError;
use crate::train::policy::Policy;
use crate::train::sample::{Completion, Prompt, SampleOptions, Vocabulary, sample};

/// A problem with what the policy answered.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) problem: Problem,
    /// Its tokens.
    pub(super) prompt: Vec<u32>,
    pub(super) completions: Vec<Completion>,
    /// One per completion.
    pub(super) scores: Vec<Score>,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    /// Until the last completion had ended.
    pub(super) sampling: Duration,
    /// In the scorer, over all its threads.
    pub(super) scoring: Duration,
    /// After the last completion had ended, until the last score was there.
    pub(super) waiting: Duration,
}

impl Spent {
    pub(super) fn add(&mut self, other: Self) {
        self.sampling += other.sampling;
        self.scoring += other.scoring;
        self.waiting += other.waiting;
    }
}

/// Bytes of text that no token stands for on average: tokenizers have tokens of up to
/// 128 blanks, and a text far beyond its model takes gigabytes to be made tokens.
const TOKEN_BYTES: usize = 256;

/// The tokens of a prompt that leaves room for an answer.
///
/// # Errors
/// [`TrainError::LongPrompt`] and [`TrainError::Encoding`], which name the problem, and
/// the task that it is of.
pub fn encode_prompt(
    problem: &Problem,
    task: Option<&str>,
    policy: &Policy,
    vocabulary: &dyn Vocabulary,
) -> Result<Vec<u32>, TrainError> {
    let positions = policy.config().max_positions;
    let too_long = |size: String| TrainError::LongPrompt {
        problem: named(problem, task),
        size,
        positions,
    };
    let bytes = problem.prompt.len();
    if bytes > positions.saturating_mul(TOKEN_BYTES) {
        return Err(too_long(format!("{bytes} bytes")));
    }
    let prompt = problem.framing.encode(&problem.prompt, vocabulary);
    let prompt = prompt.map_err(|error| TrainError::Encoding {
        text: format!("the prompt of problem {}", named(problem, task)),
        source: Box::new(error),
    })?;
    match prompt.len() < positions {
        true => Ok(prompt),
        false => Err(too_long(format!("{} tokens", prompt.len()))),
    }
}

/// A problem, and its task where that is a file.
fn named(problem: &Problem, task: Option<&str>) -> String {
    let id = &problem.rollout.id;
    match task {
        Some(task) => format!("`{id}` of task `{task}`"),
        None => format!("`{id}`"),
    }
}

/// Checks the prompts of a file before anything is learned; those of a generator
/// are alike, and are checked when they are asked. `task` is what the reader of an
/// error knows the file as, if a task at all.
///
/// # Errors
/// Of a prompt that cannot be had, that has no tokens, or that is too long.
pub fn check_prompts(
    problems: &dyn Problems,
    task: Option<&str>,
    most: Option<u64>,
    policy: &Policy,
    vocabulary: &dyn Vocabulary,
) -> Result<(), TrainError> {
    let (Some(_), Some(count)) = (problems.file_task(), problems.count()) else {
        return Ok(());
    };
    let failed = |problem| TrainError::Source { problem };
    for index in 0..most.map_or(count, |most| most.min(count)) {
        let problem = problems.problem(index).map_err(failed)?;
        encode_prompt(&problem, task, policy, vocabulary)?;
    }
    Ok(())
}

/// Refuses answers of which too many have no reward: the data are wrong.
///
/// # Errors
/// [`TrainError::Unscorable`] with the first of them where their share is above `most`.
pub(super) fn refuse_unscorable(answered: &[Answered], most: f64) -> Result<(), TrainError> {
    let scores = || answered.iter().flat_map(|group| &group.scores);
    let count = scores().count();
    let without = scores().filter(|score| score.reward.is_none());
    let share = without.count() as f64 / count.max(1) as f64;
    if share <= most {
        return Ok(());
    }
    let example = scores().find(|score| score.reward.is_none());
    let why = example.and_then(|score| score.error.as_ref());
    Err(TrainError::Unscorable {
        share,
        most,
        id: example.map(|score| score.id.clone()).unwrap_or_default(),
        why: match why {
            Some(error) => error.message.clone(),
            None => "no reward of the spec could judge it".to_owned(),
        },
    })
}

/// What answers problems.
#[derive(Clone, Copy)]
pub(super) struct Answerer<'a> {
    pub(super) policy: &'a Policy,
    pub(super) vocabulary: &'a dyn Vocabulary,
    pub(super) scorer: &'a Scorer,
    pub(super) options: &'a SampleOptions,
    /// Completions of each problem.
    pub(super) samples: usize,
}

/// The completions of a problem, to be scored.
struct Job {
    index: usize,
    problem: Problem,
    completions: Vec<Completion>,
}

/// A scored one, and the time that took.
type Done = (Job, Result<Vec<Score>, TrainError>, Duration);

impl Answerer<'_> {
    /// Answers and scores all problems, in their order; `progress` is told how
    /// many completions have ended.
    pub(super) fn answer(
        &self,
        problems: Vec<Problem>,
        progress: &mut dyn FnMut(usize) -> Result<(), TrainError>,
    ) -> Result<(Vec<Answered>, Spent), TrainError> {
        let began = Instant::now();
        let encode = |problem: &Problem| encode_prompt(problem, None, self.policy, self.vocabulary);
        let prompts: Vec<Vec<u32>> = problems.iter().map(encode).collect::<Result<_, _>>()?;
        let count = problems.len();
        let (jobs, queue) = mpsc::channel::<Job>();
        let (results, scored) = mpsc::channel::<Done>();
        let queue = Mutex::new(queue);
        // As many as compute: `--jobs`.
        let threads = rayon::current_num_threads();
        thread::scope(|scope| {
            for _ in 0..threads.min(count) {
                let (queue, results) = (&queue, results.clone());
                scope.spawn(move || self.work(queue, &results));
            }
            drop(results);
            self.write(problems, &prompts, jobs, progress)?;
            let sampling = began.elapsed();
            let spent = Spent {
                sampling,
                ..Spent::default()
            };
            self.collect(scored.iter(), prompts.clone(), spent, began)
        })
    }

    /// Draws the completions, and sends off each problem that has all of its.
    fn write(
        &self,
        problems: Vec<Problem>,
        prompts: &[Vec<u32>],
        jobs: mpsc::Sender<Job>,
        progress: &mut dyn FnMut(usize) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let rows: Vec<Prompt<'_>> = (0..prompts.len() * self.samples)
            .map(|row| Prompt {
                row: row as u64,
                tokens: &prompts[row / self.samples],
            })
            .collect();
        let mut problems: Vec<Option<Problem>> = problems.into_iter().map(Some).collect();
        let mut ended: Vec<Vec<(usize, Completion)>> = vec![Vec::new(); prompts.len()];
        let mut finished = 0;
        sample(
            self.policy,
            self.vocabulary,
            &rows,
            self.options,
            |row, completion| {
                let index = row / self.samples;
                ended[index].push((row, completion));
                finished += 1;
                progress(finished)?;
                if ended[index].len() < self.samples {
                    return Ok(());
                }
                let mut completions = std::mem::take(&mut ended[index]);
                completions.sort_by_key(|(row, _)| *row);
                if let Some(problem) = problems[index].take() {
                    let completions = completions.into_iter().map(|(_, completion)| completion);
                    // Nobody listens any more only where a scoring thread failed, which
                    // is reported when the results are collected.
                    let _ = jobs.send(Job {
                        index,
                        problem,
                        completions: completions.collect(),
                    });
                }
                Ok(())
            },
        )
    }

    /// Scores until there is nothing more to score.
    fn work(&self, queue: &Mutex<mpsc::Receiver<Job>>, results: &mpsc::Sender<Done>) {
        loop {
            let job = match queue.lock() {
                Ok(queue) => queue.recv(),
                Err(_) => return,
            };
            let Ok(job) = job else {
                return;
            };
            let began = Instant::now();
            let scores = judge(self.scorer, &job.problem, &job.completions);
            if results.send((job, scores, began.elapsed())).is_err() {
                return;
            }
        }
    }

    /// Brings the scored problems back into their order.
    fn collect(
        &self,
        scored: impl Iterator<Item = Done>,
        prompts: Vec<Vec<u32>>,
        mut spent: Spent,
        began: Instant,
    ) -> Result<(Vec<Answered>, Spent), TrainError> {
        let mut done: Vec<(usize, Problem, Vec<Completion>, Vec<Score>)> = Vec::new();
        for (job, scores, time) in scored {
            spent.scoring += time;
            done.push((job.index, job.problem, job.completions, scores?));
        }
        spent.waiting = began.elapsed() - spent.sampling;
        if done.len() != prompts.len() {
            return Err(TrainError::Scoring {
                id: String::new(),
                message: "a scoring thread ended before its work".to_owned(),
            });
        }
        done.sort_by_key(|(index, ..)| *index);
        let answered = done.into_iter().zip(prompts);
        let answered = answered.map(|((_, problem, completions, scores), prompt)| Answered {
            problem,
            prompt,
            completions,
            scores,
        });
        Ok((answered.collect(), spent))
    }
}
