//! Rejection sampling: what is kept, in which order it is asked, and what it teaches.

use std::sync::Arc;

use goldstone::train::run::StageWork;
use goldstone::train::stage::{RejectOptions, SftOptions};

use super::stages::go;
use super::world::{Repeat, plan, sampling, scorer, sft};

#[test]
fn kept_completions_are_good_and_teach() {
    let folder = tempfile::tempdir().unwrap();
    let reject = StageWork::Reject {
        options: RejectOptions {
            samples: 16,
            prompts_per_step: 4,
            keep: Some(1),
            sampling: sampling(),
            ..RejectOptions::default()
        },
        problems: Repeat::digits(),
        scorer: scorer(),
    };
    let mut options = SftOptions {
        stages: vec!["keep".to_owned()],
        epochs: 2,
        batch_size: 2,
        ..SftOptions::default()
    };
    options.optimizer.learning_rate = 1e-3;
    let again = StageWork::Sft {
        options,
        demonstrations: Vec::new(),
    };
    let stages = vec![("cold", sft(25)), ("keep", reject), ("again", again)];
    let (result, _, diary) = go(&plan(folder.path(), stages));
    result.unwrap();
    let text = std::fs::read_to_string(folder.path().join("kept/keep.jsonl")).unwrap();
    let rows: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        rows.len() > 2 && rows.len() <= 10,
        "{} were kept",
        rows.len()
    );
    for row in &rows {
        let (prompt, completion) = (row["prompt"].as_str(), row["completion"].as_str());
        assert_eq!(prompt.unwrap().trim_end_matches('='), completion.unwrap());
        assert_eq!(row["reward"], 1.1);
    }
    let said = diary.0.lock().unwrap();
    let kept = said.curve("keep", "kept");
    assert_eq!(kept.last(), Some(&(rows.len() as f64)));
    assert_eq!(
        said.curve("again", "loss").len(),
        rows.len().div_ceil(2) * 2
    );
}

/// The names of the problems that a `reject` stage answers, step by step.
fn asked_by_reject(problems: Arc<Repeat>, prompts: Option<u64>, seed: u64) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let reject = StageWork::Reject {
        options: RejectOptions {
            samples: 2,
            prompts_per_step: 4,
            prompts,
            correct_only: false,
            finished_only: false,
            keep: Some(1),
            sampling: sampling(),
            ..RejectOptions::default()
        },
        problems,
        scorer: scorer(),
    };
    let mut plan = plan(folder.path(), vec![("keep", reject)]);
    plan.seed = seed;
    go(&plan).0.unwrap();
    let kept = std::fs::read_to_string(folder.path().join("kept/keep.jsonl")).unwrap();
    let id = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = row["id"].as_str().unwrap();
        id.split('/').next().unwrap().to_owned()
    };
    kept.lines().map(id).collect()
}

#[test]
fn rejection_asks_in_an_order_of_its_own() {
    // Demonstrations are a task's first problems; what rejection asks is not.
    let first: Vec<String> = (0..8).map(|index: u32| index.to_string()).collect();
    let endless = asked_by_reject(Repeat::endless(), Some(8), 5);
    assert_eq!(endless.len(), 8);
    assert!(
        endless.iter().all(|id| !first.contains(id)),
        "{endless:?} are demonstrated"
    );
    assert_ne!(endless, asked_by_reject(Repeat::endless(), Some(8), 6));
    let some = asked_by_reject(Repeat::digits(), Some(8), 5);
    assert_ne!(some, first);
    // Of a task with an end every problem is asked, and none twice.
    let mut all = asked_by_reject(Repeat::digits(), None, 5);
    assert_eq!(all[..8], some);
    all.sort_unstable();
    assert!(
        all.iter()
            .map(String::as_str)
            .eq(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
    );
}

/// What a `reject` stage keeps that answers every prompt twice: prompt and completion.
fn kept_of_repeated(options: RejectOptions) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let reject = StageWork::Reject {
        options: RejectOptions {
            samples: 4,
            prompts_per_step: 4,
            correct_only: false,
            finished_only: false,
            sampling: sampling(),
            ..options
        },
        problems: Arc::new(Repeat {
            count: Some(20),
            has_references: true,
        }),
        scorer: scorer(),
    };
    go(&plan(folder.path(), vec![("keep", reject)])).0.unwrap();
    let kept = std::fs::read_to_string(folder.path().join("kept/keep.jsonl")).unwrap();
    let lines = kept.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        (text("prompt"), text("completion"))
    });
    lines.collect()
}

#[test]
fn problems_of_one_prompt_share_what_is_kept() {
    let mut one = kept_of_repeated(RejectOptions {
        keep: Some(1),
        ..RejectOptions::default()
    });
    assert_eq!(one.len(), 10);
    one.sort();
    one.dedup_by(|(prompt, _), (other, _)| prompt == other);
    assert_eq!(one.len(), 10, "every prompt once: {one:?}");
    let mut all = kept_of_repeated(RejectOptions::default());
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), count, "no completion of a prompt twice");
    let again = kept_of_repeated(RejectOptions {
        deduplicate: false,
        ..RejectOptions::default()
    });
    assert_eq!(again.len(), 80);
}
