//! Runs that are refused, or end, with the name of what to change.

use std::path::Path;
use std::sync::Arc;

use goldstone::train::run::{Ended, StageWork};
use goldstone::train::stage::{RejectOptions, SftOptions};

use super::stages::go;
use super::world::{Repeat, config, grpo, grpo_options, plan, sampling, scorer, sft};

#[test]
fn numbers_of_completions_beyond_every_machine_are_refused() {
    let mut options = grpo_options(2);
    options.group_size = 1_000_000_000_000;
    let error = go(&plan(Path::new("nowhere"), vec![("hot", grpo(options))]));
    let error = error.0.unwrap_err().to_string();
    let wanted = "`stages.hot.grpo.group_size` is 1000000000000, times";
    assert!(
        error.contains(wanted) && error.contains("at most"),
        "{error}"
    );
}

#[test]
fn a_failed_run_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = grpo_options(2);
    options.max_unscorable = 0.0;
    let stage = StageWork::Grpo {
        options,
        problems: Arc::new(Repeat {
            count: Some(4),
            has_references: false,
        }),
        scorer: scorer(),
    };
    let (result, _, diary) = go(&plan(folder.path(), vec![("hot", stage)]));
    let error = result.unwrap_err().to_string();
    assert_eq!(diary.0.lock().unwrap().failures, [error]);
}

#[test]
fn rows_that_nobody_can_score_are_no_fault_of_the_policy() {
    let keep = |max_unscorable: f64| {
        let folder = tempfile::tempdir().unwrap();
        let stage = StageWork::Reject {
            options: RejectOptions {
                max_unscorable,
                sampling: sampling(),
                ..RejectOptions::default()
            },
            problems: Arc::new(Repeat {
                count: Some(4),
                has_references: false,
            }),
            scorer: scorer(),
        };
        go(&plan(folder.path(), vec![("keep", stage)])).0
    };
    let error = keep(0.5).unwrap_err().to_string();
    for part in ["100 % of the completions have no reward", "reference"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(keep(1.0).unwrap(), Ended::Finished);
}

#[test]
fn a_stage_that_kept_nothing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let keep = StageWork::Reject {
        options: RejectOptions {
            min_reward: Some(1000.0),
            samples: 2,
            sampling: sampling(),
            ..RejectOptions::default()
        },
        problems: Arc::new(Repeat {
            count: Some(3),
            has_references: true,
        }),
        scorer: scorer(),
    };
    let learn = StageWork::Sft {
        options: SftOptions {
            stages: vec!["keep".to_owned()],
            ..SftOptions::default()
        },
        demonstrations: Vec::new(),
    };
    let stages = vec![("keep", keep), ("distil", learn)];
    let error = go(&plan(folder.path(), stages)).0.unwrap_err().to_string();
    for part in [
        "stage `keep` kept 0 of 6 completions, so stage `distil` has nothing",
        "`stages.keep.reject.min_reward`",
        "`stages.keep.reject.correct_only`",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn tokens_that_end_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let beyond = |id: u32| {
        let mut options = grpo_options(1);
        options.sampling.stop_ids = vec![id];
        go(&plan(folder.path(), vec![("hot", grpo(options))])).0
    };
    let words = config().vocab_size as u32;
    let error = beyond(words).unwrap_err().to_string();
    let wanted = format!("`stages.hot.grpo.sampling.stop_ids` has {words};");
    assert!(error.contains(&wanted), "{error}");
    assert_eq!(beyond(words - 1).unwrap(), Ended::Finished);
}

#[test]
fn a_policy_that_its_last_update_broke_is_no_result() {
    let learn = |steps: u64, learning_rate: f64| {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = sft(steps);
        if let StageWork::Sft { options, .. } = &mut stage {
            options.optimizer.learning_rate = learning_rate;
        }
        let (result, _, diary) = go(&plan(folder.path(), vec![("cold", stage)]));
        let notes = diary.0.lock().unwrap().notes.clone();
        (result, notes, folder.path().join("final").exists())
    };
    // The step that breaks it sees nothing of that; those after it are left out.
    for (steps, left_out) in [(1, None), (3, Some("2 updates were left out"))] {
        let (result, notes, has_final) = learn(steps, 1e30);
        let error = result.unwrap_err().to_string();
        assert!(error.contains("stage `cold` has left a policy"), "{error}");
        assert!(!has_final);
        let said = left_out.is_none_or(|said| notes.iter().any(|note| note.contains(said)));
        assert!(said && notes.is_empty() == left_out.is_none(), "{notes:?}");
    }
    let (result, notes, has_final) = learn(3, 1e-3);
    assert_eq!(result.unwrap(), Ended::Finished);
    assert!(notes.is_empty() && has_final, "{notes:?}");
}
