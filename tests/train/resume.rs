//! A run that was killed or stopped and goes on makes what one that was not makes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use goldstone::train::TrainError;
use goldstone::train::policy::{Compute, LoraOptions, Policy};
use goldstone::train::run::{Begin, CheckpointOptions, Ended, Run, RunPlan, StageWork};
use goldstone::train::stage::{KlOptions, Order, ReferenceSync, RejectOptions, SftOptions};
use goldstone::train::watch::{InputFile, RunInfo, StepRecord};

use super::world::{
    Characters, Diary, Plain, Repeat, evaluation, grpo, grpo_options, plan, policy, sampling,
    scorer, sft, weights,
};

/// Three kinds of stages, with all that has a state.
fn long_plan(folder: &Path, every: u64) -> RunPlan {
    let mut options = grpo_options(3);
    options.iterations = 2;
    options.minibatches = 2;
    options.kl = Some(KlOptions {
        sync: Some(ReferenceSync {
            every: 2,
            alpha: 0.5,
        }),
        ..KlOptions::default()
    });
    let reject = StageWork::Reject {
        options: RejectOptions {
            prompts_per_step: 4,
            samples: 3,
            correct_only: false,
            finished_only: false,
            order: Order::Random,
            keep: Some(2),
            sampling: sampling(),
            ..RejectOptions::default()
        },
        // Every prompt twice: what was kept of the first is remembered.
        problems: Arc::new(Repeat {
            count: Some(20),
            has_references: true,
        }),
        scorer: scorer(),
    };
    let again = StageWork::Sft {
        options: SftOptions {
            stages: vec!["keep".to_owned()],
            steps: Some(2),
            ..SftOptions::default()
        },
        demonstrations: Vec::new(),
    };
    let stages = vec![
        ("first", sft(3)),
        ("reasoning", grpo(options)),
        ("keep", reject),
        ("again", again),
    ];
    RunPlan {
        evaluation: Some(evaluation()),
        checkpoints: CheckpointOptions { every, keep: 2 },
        ..plan(folder, stages)
    }
}

/// What came of a run.
struct Made {
    result: Result<Ended, TrainError>,
    weights: Vec<(String, Vec<f32>)>,
    diary: Diary,
}

fn go(plan: &RunPlan, begin: Begin, seed: u64, diary: Diary) -> Made {
    go_with(plan, begin, policy(seed), diary)
}

fn go_with(plan: &RunPlan, begin: Begin, mut policy: Policy, diary: Diary) -> Made {
    let stop = Arc::new(AtomicBool::new(false));
    diary.0.lock().unwrap().stop = Arc::clone(&stop);
    let result = Run {
        plan,
        policy: &mut policy,
        vocabulary: &Characters,
        store: &Plain,
        watcher: &mut diary.clone(),
        stop: &stop,
    }
    .go(begin);
    Made {
        result,
        weights: weights(&policy),
        diary,
    }
}

/// A record without what a clock says.
fn timeless(record: &StepRecord) -> String {
    let is_time = |name: &str| {
        let times = ["step_time", "runtime", "tokens_per_second"];
        name.contains("time/") || times.contains(&name)
    };
    let metrics = record.metrics.iter().filter(|(name, _)| !is_time(name));
    // Bits, since NaN is not itself.
    let metrics: Vec<_> = metrics
        .map(|(name, value)| (name, value.to_bits()))
        .collect();
    format!(
        "{} {:?} {} {}/{} {metrics:?}",
        record.stage, record.kind, record.step, record.stage_step, record.stage_steps
    )
}

/// The records of a run that was interrupted once: those of the first part up to
/// where the second went on from, then those of the second.
fn joined(first: &Diary, second: &Diary) -> Vec<String> {
    let resumed_at = second.0.lock().unwrap().begun[0].resumed_at;
    let first = first.0.lock().unwrap();
    let kept = first.steps.iter();
    let kept = kept.filter(|record| resumed_at.is_some_and(|at| record.step <= at));
    let mut all: Vec<String> = kept.map(timeless).collect();
    all.extend(second.0.lock().unwrap().steps.iter().map(timeless));
    all
}

fn lines(diary: &Diary) -> Vec<String> {
    diary.0.lock().unwrap().steps.iter().map(timeless).collect()
}

/// The files that a finished run leaves, with their content.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for name in [
        "final/model.safetensors",
        "best/model.safetensors",
        "kept/keep.jsonl",
    ] {
        found.push((name.to_owned(), std::fs::read(folder.join(name)).unwrap()));
    }
    found
}

#[test]
fn a_killed_run_goes_on_as_if_it_had_not_been() {
    let folder = tempfile::tempdir().unwrap();
    let whole_plan = long_plan(&folder.path().join("whole"), 2);
    let whole = go(&whole_plan, Begin::Anew, 1, Diary::default());
    assert_eq!(whole.result.unwrap(), Ended::Finished);
    let expected = lines(&whole.diary);
    let steps = 3 + 3 + 3 + 2;
    assert!(expected.len() > steps, "no evaluations");
    for killed_after in 0..steps as u64 {
        let plan = long_plan(&folder.path().join(format!("killed-{killed_after}")), 2);
        let diary = Diary::default();
        diary.0.lock().unwrap().dies_after = Some(killed_after);
        let first = go(&plan, Begin::Anew, 1, diary);
        assert!(matches!(first.result, Err(TrainError::Watch(_))));
        // Where no checkpoint was written the run begins anew, with the same policy.
        let has_checkpoint = plan.folder.join("checkpoints").exists();
        let seed = if has_checkpoint { 77 } else { 1 };
        let second = go(&plan, Begin::Resumed, seed, Diary::default());
        assert_eq!(second.result.unwrap(), Ended::Finished);
        assert_eq!(whole.weights, second.weights, "killed after {killed_after}");
        assert_eq!(
            expected,
            joined(&first.diary, &second.diary),
            "killed after {killed_after}"
        );
        assert_eq!(files(&whole_plan.folder), files(&plan.folder));
    }
}

#[test]
fn a_stopped_run_saves_itself_after_every_step() {
    let folder = tempfile::tempdir().unwrap();
    let whole = go(
        &long_plan(&folder.path().join("whole"), 0),
        Begin::Anew,
        1,
        Diary::default(),
    );
    let expected = lines(&whole.diary);
    for stopped_at in 1..11 {
        let plan = long_plan(&folder.path().join(format!("stopped-{stopped_at}")), 0);
        let diary = Diary::default();
        diary.0.lock().unwrap().stops_at = Some(stopped_at);
        let first = go(&plan, Begin::Anew, 1, diary);
        assert_eq!(first.result.unwrap(), Ended::Stopped, "{stopped_at}");
        let second = go(&plan, Begin::Resumed, 77, Diary::default());
        assert_eq!(second.result.unwrap(), Ended::Finished);
        let resumed_at = second.diary.0.lock().unwrap().begun[0].resumed_at;
        assert_eq!(resumed_at, Some(stopped_at), "steps were lost");
        assert_eq!(whole.weights, second.weights, "stopped after {stopped_at}");
        assert_eq!(expected, joined(&first.diary, &second.diary));
    }
}

#[test]
fn adapters_go_on_too() {
    let options = LoraOptions {
        rank: 2,
        dropout: 0.3,
        ..LoraOptions::default()
    };
    let adapted = |seed| policy(seed).with_lora(&options, seed).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let plan = |name: &str| {
        let mut options = grpo_options(3);
        options.kl = Some(KlOptions::default());
        options.optimizer.learning_rate = 1e-2;
        let stages = vec![("first", sft(2)), ("reasoning", grpo(options))];
        RunPlan {
            checkpoints: CheckpointOptions { every: 1, keep: 1 },
            ..plan(&folder.path().join(name), stages)
        }
    };
    let whole = go_with(&plan("whole"), Begin::Anew, adapted(1), Diary::default());
    assert_eq!(whole.result.unwrap(), Ended::Finished);
    for stopped_at in 1..5 {
        let plan = plan(&format!("stopped-{stopped_at}"));
        let diary = Diary::default();
        diary.0.lock().unwrap().dies_after = Some(stopped_at);
        let first = go_with(&plan, Begin::Anew, adapted(1), diary);
        assert!(first.result.is_err());
        let second = go_with(&plan, Begin::Resumed, adapted(2), Diary::default());
        assert_eq!(whole.weights, second.weights, "killed after {stopped_at}");
        assert_eq!(lines(&whole.diary), joined(&first.diary, &second.diary));
    }
    let kl = whole.diary.0.lock().unwrap().curve("reasoning", "kl");
    assert!(kl[0] > 0.0, "the reference has the adapters: {kl:?}");
    for ((name, before), (_, after)) in weights(&policy(1)).iter().zip(&whole.weights) {
        assert_eq!(before, after, "{name} below the adapters has changed");
    }
}

/// Checkpoints hold the f32 weights, from which the same copies are made again.
#[test]
fn runs_in_bf16_go_on_too() {
    let rounded = |seed| {
        let mut policy = policy(seed);
        policy.set_compute(Compute::Bf16).unwrap();
        policy
    };
    let folder = tempfile::tempdir().unwrap();
    let whole_plan = long_plan(&folder.path().join("whole"), 2);
    let whole = go_with(&whole_plan, Begin::Anew, rounded(1), Diary::default());
    assert_eq!(whole.result.unwrap(), Ended::Finished);
    let in_f32 = go(
        &long_plan(&folder.path().join("f32"), 2),
        Begin::Anew,
        1,
        Diary::default(),
    );
    assert_ne!(in_f32.weights, whole.weights);
    for killed_after in [2, 3, 5, 6, 10] {
        let plan = long_plan(&folder.path().join(format!("killed-{killed_after}")), 2);
        let diary = Diary::default();
        diary.0.lock().unwrap().dies_after = Some(killed_after);
        let first = go_with(&plan, Begin::Anew, rounded(1), diary);
        assert!(matches!(first.result, Err(TrainError::Watch(_))));
        let second = go_with(&plan, Begin::Resumed, rounded(77), Diary::default());
        assert_eq!(second.result.unwrap(), Ended::Finished);
        assert_eq!(whole.weights, second.weights, "killed after {killed_after}");
        assert_eq!(lines(&whole.diary), joined(&first.diary, &second.diary));
        assert_eq!(files(&whole_plan.folder), files(&plan.folder));
    }
}

#[test]
fn two_runs_of_one_seed_are_one() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let plan = long_plan(&folder.path().join(name), 0);
        let made = go(&plan, Begin::Anew, 1, Diary::default());
        (made.weights, lines(&made.diary))
    };
    assert_eq!(run("one"), run("two"));
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = plan(folder.path(), vec![("first", sft(2))]);
    assert!(go(&first, Begin::Anew, 1, Diary::default()).result.is_ok());
    let refused = |change: fn(&mut RunPlan)| {
        let mut plan = plan(folder.path(), vec![("first", sft(2))]);
        change(&mut plan);
        let result = go(&plan, Begin::Resumed, 1, Diary::default()).result;
        matches!(result, Err(TrainError::Checkpoint { .. }))
    };
    assert!(refused(|plan| plan.seed = 6));
    assert!(refused(|plan| plan.info.recipe_sha256 = "ab".to_owned()));
    assert!(refused(|plan| plan.stages.push({
        let mut other = super::world::plan(Path::new(""), vec![("second", sft(2))]);
        other.stages.remove(0)
    })));
    // The very same run is over.
    let done = go(&first, Begin::Resumed, 1, Diary::default());
    assert_eq!(done.result.unwrap(), Ended::Finished);
    assert!(done.diary.0.lock().unwrap().steps.is_empty());
}

#[test]
fn a_run_goes_on_only_with_the_files_that_it_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = |path: &str, sha256: &str| InputFile {
        path: path.to_owned(),
        sha256: sha256.to_owned(),
    };
    let mut plan = plan(folder.path(), vec![("first", sft(1))]);
    plan.info.inputs = vec![file("rows.jsonl", "1"), file("m/chat_template.jinja", "2")];
    let text = serde_json::to_string(&RunInfo {
        seed: plan.seed,
        ..plan.info.clone()
    });
    std::fs::write(folder.path().join("run.json"), text.unwrap()).unwrap();
    let resume = |inputs: Vec<InputFile>| {
        let mut plan = super::world::plan(folder.path(), vec![("first", sft(1))]);
        plan.info.inputs = inputs;
        go(&plan, Begin::Resumed, 1, Diary::default()).result
    };
    let refused = |inputs, words: &str| {
        let error = resume(inputs).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    let same = plan.info.inputs.clone();
    refused(
        vec![same[0].clone(), file("m/chat_template.jinja", "3")],
        "another content of `m/chat_template.jinja`",
    );
    refused(vec![same[0].clone()], "that read `m/chat_template.jinja`");
    refused(
        [&same[..], &[file("m/vocab.json", "4")]].concat(),
        "did not read `m/vocab.json`",
    );
    assert_eq!(resume(same).unwrap(), Ended::Finished);
}

#[test]
fn a_run_begins_over_only_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), vec![("first", sft(1))]);
    std::fs::write(folder.path().join("run.json"), "{}").unwrap();
    let refused = go(&plan, Begin::Anew, 1, Diary::default());
    assert!(matches!(refused.result, Err(TrainError::Occupied { .. })));
    assert!(refused.diary.0.lock().unwrap().begun.is_empty());
    let over = go(&plan, Begin::Over, 1, Diary::default());
    assert_eq!(over.result.unwrap(), Ended::Finished);
}

#[test]
fn half_a_checkpoint_is_not_one() {
    let folder = tempfile::tempdir().unwrap();
    let plan = RunPlan {
        checkpoints: CheckpointOptions { every: 1, keep: 2 },
        ..plan(folder.path(), vec![("first", sft(4))])
    };
    let diary = Diary::default();
    diary.0.lock().unwrap().stops_at = Some(3);
    assert!(go(&plan, Begin::Anew, 1, diary).result.is_ok());
    let checkpoints = folder.path().join("checkpoints");
    let mut names: Vec<_> = std::fs::read_dir(&checkpoints)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["step-00000002", "step-00000003"], "older ones go");
    // What a kill in the midst of writing leaves.
    std::fs::create_dir(checkpoints.join(".step-00000004.new")).unwrap();
    std::fs::write(checkpoints.join(".step-00000004.new/state.json"), "{").unwrap();
    let second = go(&plan, Begin::Resumed, 77, Diary::default());
    assert_eq!(second.result.unwrap(), Ended::Finished);
    assert_eq!(second.diary.0.lock().unwrap().begun[0].resumed_at, Some(3));
}
