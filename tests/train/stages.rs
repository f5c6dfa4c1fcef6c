//! Stages: they learn, they count, and they fail loudly.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use goldstone::train::policy::Policy;
use goldstone::train::run::{Begin, Ended, Run, RunPlan, StageWork};
use goldstone::train::stage::{
    DynamicSampling, EarlyStop, GrpoOptions, KlOptions, KlPlace, SftOptions,
};
use goldstone::train::watch::CompletionRecord;
use goldstone::train::{Correction, TrainError};

use super::world::{
    Characters, Diary, Plain, Repeat, distance, evaluation, grpo, grpo_options, plan, policy,
    scorer, sft,
};

pub(super) fn go(plan: &RunPlan) -> (Result<Ended, TrainError>, Policy, Diary) {
    let mut policy = policy(1);
    let diary = Diary::default();
    let result = Run {
        plan,
        policy: &mut policy,
        vocabulary: &Characters,
        store: &Plain,
        watcher: &mut diary.clone(),
        stop: &AtomicBool::new(false),
    }
    .go(Begin::Anew);
    (result, policy, diary)
}

/// One stage of GRPO after a little supervision, without evaluation.
pub(super) fn make(options: GrpoOptions) -> (Policy, Diary) {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(
        folder.path(),
        vec![("cold", sft(10)), ("hot", grpo(options))],
    );
    let (result, policy, diary) = go(&plan);
    result.unwrap();
    (policy, diary)
}

#[test]
fn demonstrations_and_rewards_teach() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = grpo_options(40);
    options.prompts_per_step = 8;
    options.group_size = 8;
    options.optimizer.learning_rate = 1e-2;
    let mut plan = plan(
        folder.path(),
        vec![("cold", sft(25)), ("hot", grpo(options))],
    );
    plan.evaluation = Some(evaluation());
    let (result, _, diary) = go(&plan);
    assert_eq!(result.unwrap(), Ended::Finished);
    let said = diary.0.lock().unwrap();
    let loss = said.curve("cold", "loss");
    assert!(
        loss[24] < 0.6 * loss[0],
        "supervision taught little: {loss:?}"
    );
    let reward = said.curve("hot", "rewards/accuracy/mean");
    let (begin, end) = (
        reward[..5].iter().sum::<f64>(),
        reward[35..].iter().sum::<f64>(),
    );
    assert!(end > begin + 1.0, "rewards taught little: {reward:?}");
    let greedy = said.evaluations("greedy/accuracy");
    assert!(greedy.last() > greedy.first(), "{greedy:?}");
    assert_eq!(said.evaluations("pass@1").len(), greedy.len());
    assert!(folder.path().join("best/model.safetensors").exists());
    // Sampler and trainer are one engine.
    for difference in said.curve("hot", "sampling/sampling_logp_difference/max") {
        assert!(difference < 1e-4, "{difference}");
    }
}

#[test]
fn a_step_has_trls_metrics() {
    let mut options = grpo_options(2);
    options.kl = Some(KlOptions::default());
    options.correction = Some(Correction::Token { cap: 2.0 });
    options.dynamic_sampling = Some(DynamicSampling::default());
    let (_, diary) = make(options);
    let said = diary.0.lock().unwrap();
    let record = said.steps.last().unwrap();
    for name in [
        "loss",
        "grad_norm",
        "learning_rate",
        "reward",
        "reward_std",
        "frac_reward_zero_std",
        "rewards/accuracy/mean",
        "rewards/accuracy/std",
        "completions/mean_length",
        "completions/min_length",
        "completions/max_length",
        "completions/clipped_ratio",
        "completions/mean_terminated_length",
        "completions/min_terminated_length",
        "completions/max_terminated_length",
        "kl",
        "entropy",
        "clip_ratio/low_mean",
        "clip_ratio/low_min",
        "clip_ratio/high_mean",
        "clip_ratio/high_max",
        "clip_ratio/region_mean",
        "sampling/sampling_logp_difference/mean",
        "sampling/sampling_logp_difference/max",
        "sampling/importance_sampling_ratio/min",
        "sampling/importance_sampling_ratio/mean",
        "sampling/importance_sampling_ratio/max",
        "num_tokens",
        "step_time",
        "time/sample",
        "time/reward",
        "time/reward_wait",
        "time/reward_share",
        "time/train",
        "tokens_per_second",
        "frac_unknown",
        "frac_unscorable",
        "skipped_updates",
        "sampling_rounds",
    ] {
        let value = record.metric(name);
        assert!(value.is_some_and(f64::is_finite), "{name} is {value:?}");
    }
    assert_eq!(said.completions.len(), 2 * 4 * 4);
    let first = &said.completions[0];
    assert_eq!((first.step, first.stage.as_str()), (11, "hot"));
    assert_eq!(first.terms.len(), 2);
    assert!(first.advantage.is_some() && first.reward.is_some());
    assert_eq!(
        first.completion.len() + usize::from(first.finish == "stop"),
        first.n_tokens as usize
    );
}

#[test]
fn penalties_pull_the_way_they_should() {
    let mean = |options: GrpoOptions, metric: &str| {
        let (_, diary) = make(options);
        let curve = diary.0.lock().unwrap().curve("hot", metric);
        curve.iter().sum::<f64>() / curve.len() as f64
    };
    let with_bonus = |entropy_bonus| GrpoOptions {
        entropy_bonus,
        ..grpo_options(8)
    };
    let (without, with) = (
        mean(with_bonus(0.0), "entropy"),
        mean(with_bonus(2.0), "entropy"),
    );
    assert!(
        with > without + 0.1,
        "entropy {without}, with a bonus {with}"
    );
    for place in [KlPlace::Loss, KlPlace::Reward] {
        let with_kl = |coefficient| GrpoOptions {
            kl: Some(KlOptions {
                coefficient,
                place,
                ..KlOptions::default()
            }),
            ..grpo_options(8)
        };
        let (free, bound) = (mean(with_kl(1e-9), "kl"), mean(with_kl(3.0), "kl"));
        assert!(
            bound < 0.85 * free,
            "KL {free}, with a penalty {bound}, in the {place:?}"
        );
    }
}

#[test]
fn dynamic_sampling_finds_groups_that_disagree() {
    let shares = |dynamic_sampling| {
        let options = GrpoOptions {
            dynamic_sampling,
            ..grpo_options(6)
        };
        let (_, diary) = make(options);
        let said = diary.0.lock().unwrap();
        let rounds = said.curve("hot", "sampling_rounds").iter().sum::<f64>();
        assert_eq!(said.completions.len(), 6 * 16, "a step has another size");
        // In groups of four.
        let accuracy = |record: &CompletionRecord| record.terms[0].1;
        let agree = said.completions.chunks(4).filter(|group| {
            let mut others = group.iter().skip(1);
            others.all(|other| accuracy(other) == accuracy(&group[0]))
        });
        let idle = said.curve("hot", "frac_reward_zero_std");
        (agree.count(), rounds, idle.iter().sum::<f64>())
    };
    let (plain, _, _) = shares(None);
    let (dynamic, rounds, idle) = shares(Some(DynamicSampling {
        max_rounds: 20,
        term: Some("accuracy".to_owned()),
    }));
    assert!(plain > 0, "all groups disagree anyway");
    assert!(
        dynamic == 0 && rounds > 6.0,
        "{dynamic} after {rounds} rounds"
    );
    // The curves are of all groups that were sampled, not of those that were chosen.
    assert!(idle > 0.0, "no group without a spread is in the curve");
}

#[test]
fn idle_completions_can_be_left_out() {
    let (whole, _) = make(grpo_options(3));
    let (quick, _) = make(GrpoOptions {
        skip_idle: true,
        ..grpo_options(3)
    });
    let far = distance(&whole, &quick);
    assert!(far < 2e-4, "{far} apart");
}

#[test]
fn completions_without_references_end_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let stage = StageWork::Grpo {
        options: grpo_options(2),
        problems: Arc::new(Repeat {
            count: None,
            has_references: false,
        }),
        scorer: scorer(),
    };
    let (result, ..) = go(&plan(folder.path(), vec![("hot", stage)]));
    let error = result.unwrap_err();
    assert!(matches!(error, TrainError::Unscorable { .. }), "{error}");
    assert!(error.to_string().contains("reference"), "{error}");
}

#[test]
fn a_source_that_fails_ends_the_run() {
    struct Broken;
    impl goldstone::train::stage::Problems for Broken {
        fn count(&self) -> Option<u64> {
            Some(3)
        }
        fn problem(&self, index: u64) -> Result<goldstone::train::stage::Problem, String> {
            Err(format!("line {index} is gone"))
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let stage = StageWork::Grpo {
        options: grpo_options(2),
        problems: Arc::new(Broken),
        scorer: scorer(),
    };
    let (result, ..) = go(&plan(folder.path(), vec![("hot", stage)]));
    assert!(result.unwrap_err().to_string().contains("is gone"));
}

#[test]
fn prompts_without_room_for_an_answer_are_named_before_training() {
    /// `1=`, `11=`, `111=`, …
    struct Growing {
        count: u64,
        is_file: bool,
    }
    impl goldstone::train::stage::Problems for Growing {
        fn count(&self) -> Option<u64> {
            Some(self.count)
        }
        fn file_task(&self) -> Option<&str> {
            self.is_file.then_some("sums")
        }
        fn problem(&self, index: u64) -> Result<goldstone::train::stage::Problem, String> {
            Ok(goldstone::train::stage::Problem {
                framing: goldstone::train::stage::Framing::Document,
                prompt: format!("{}=", "1".repeat(index as usize + 1)),
                rollout: goldstone::rollout::Rollout {
                    id: format!("line-{index}"),
                    reference: Some("1".into()),
                    ..Default::default()
                },
            })
        }
    }
    let result = |count, is_file| {
        let folder = tempfile::tempdir().unwrap();
        let stage = StageWork::Grpo {
            options: grpo_options(8),
            problems: Arc::new(Growing { count, is_file }),
            scorer: scorer(),
        };
        let (result, _, diary) = go(&plan(folder.path(), vec![("cold", sft(1)), ("hot", stage)]));
        let told = diary.0.lock().unwrap().steps.len();
        (result.map_err(|error| error.to_string()), told)
    };
    // The policy has 32 positions: 30 digits and `=` leave one for the answer.
    let (fits, _) = result(30, true);
    assert_eq!(fits.unwrap(), Ended::Finished);
    let (too_long, told) = result(31, true);
    let error = too_long.unwrap_err();
    let said = "the prompt of problem `line-30` of task `sums` has 32 tokens, and the model 32";
    assert!(error.starts_with(said), "{error}");
    assert_eq!(told, 0, "it was trained before");
    // What is not checked before is named when it is asked.
    let (late, told) = result(31, false);
    assert!(late.unwrap_err().contains("`line-30` has 32 tokens"));
    assert!(told > 0);
}

#[test]
fn divergence_ends_the_run() {
    let mut options = grpo_options(20);
    options.optimizer.learning_rate = 1e30;
    options.optimizer.warmup_steps = Some(0);
    options.optimizer.max_grad_norm = 0.0;
    let folder = tempfile::tempdir().unwrap();
    let (result, ..) = go(&plan(folder.path(), vec![("hot", grpo(options))]));
    let error = result.unwrap_err();
    assert!(
        matches!(
            error,
            TrainError::NotFinite { .. } | TrainError::Logits { .. }
        ),
        "{error}"
    );
}

#[test]
fn a_goal_ends_a_stage() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(
        folder.path(),
        vec![("cold", sft(40)), ("hot", grpo(grpo_options(3)))],
    );
    let mut evaluation = evaluation();
    evaluation.options.early_stop = Some(EarlyStop {
        at_least: Some(0.0),
        ..EarlyStop::default()
    });
    plan.evaluation = Some(evaluation);
    let (result, _, diary) = go(&plan);
    assert_eq!(result.unwrap(), Ended::Finished);
    let said = diary.0.lock().unwrap();
    assert_eq!(said.curve("cold", "loss").len(), 2);
    assert_eq!(said.curve("hot", "loss").len(), 2);
}

#[test]
fn tokens_are_counted_from_the_beginning_of_the_run() {
    let (_, diary) = make(grpo_options(2));
    let said = diary.0.lock().unwrap();
    let (cold, hot) = (
        said.curve("cold", "num_tokens"),
        said.curve("hot", "num_tokens"),
    );
    assert!(cold.is_sorted() && hot.is_sorted());
    assert!(cold[9] > 0.0 && hot[0] > cold[9], "{cold:?}, {hot:?}");
}

#[test]
fn a_metric_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(folder.path(), vec![("cold", sft(2))]);
    let mut evaluation = evaluation();
    evaluation.options.keep_best = Some("acuracy".to_owned());
    plan.evaluation = Some(evaluation);
    let error = go(&plan).0.unwrap_err().to_string();
    assert!(
        error.contains("acuracy") && error.contains("greedy/accuracy"),
        "{error}"
    );
}

#[test]
fn an_evaluation_that_judges_nothing_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(folder.path(), vec![("cold", sft(4))]);
    let mut evaluation = evaluation();
    evaluation.options.early_stop = Some(EarlyStop {
        metric: Some("pass@2".to_owned()),
        at_least: Some(0.0),
        ..EarlyStop::default()
    });
    evaluation.problems = Arc::new(Repeat {
        count: Some(4),
        has_references: false,
    });
    plan.evaluation = Some(evaluation);
    let (result, _, diary) = go(&plan);
    assert_eq!(result.unwrap(), Ended::Finished);
    let said = diary.0.lock().unwrap();
    // Before training, after two steps and after four.
    for metric in ["greedy/accuracy", "pass@2"] {
        let note = format!("there is no `{metric}` this time: too few answers could be judged");
        let count = said.notes.iter().filter(|said| **said == note).count();
        assert_eq!(count, 3, "{:?}", said.notes);
        assert!(said.evaluations(metric).is_empty(), "{metric}");
    }
    // No policy is the best by what is not there, and no stage ends by it.
    assert!(!folder.path().join("best").exists());
    assert_eq!(said.curve("cold", "loss").len(), 4);
}

#[test]
fn options_out_of_their_ranges_are_listed() {
    let folder = Path::new("nowhere");
    let options = GrpoOptions {
        group_size: 1,
        minibatches: 40,
        ..grpo_options(2)
    };
    let mut bad_sft = SftOptions::default();
    bad_sft.optimizer.learning_rate = -1.0;
    let stages = vec![
        ("hot", grpo(options)),
        (
            "cold",
            StageWork::Sft {
                options: bad_sft,
                demonstrations: vec![Repeat::endless()],
            },
        ),
    ];
    let error = go(&plan(folder, stages)).0.unwrap_err().to_string();
    for part in [
        "stages.hot.grpo.group_size",
        "stages.hot.grpo.minibatches",
        "stages.cold.sft.optimizer.learning_rate",
    ] {
        assert!(error.contains(part), "{part} is missing in: {error}");
    }
}

#[test]
fn a_source_without_an_end_needs_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let stage = StageWork::Sft {
        options: SftOptions::default(),
        demonstrations: vec![Repeat::endless()],
    };
    let error = go(&plan(folder.path(), vec![("cold", stage)]))
        .0
        .unwrap_err();
    assert!(error.to_string().contains("`demonstrations`"), "{error}");
}
