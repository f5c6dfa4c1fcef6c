//! Several samples of a prompt: pass@k and the majority.

use goldstone::batch::BatchOptions;
use goldstone::load;

use super::{Folder, run_with};

/// One line of a group; `answer` is what a completion of spec `math` boxes.
fn sample(group: &str, answer: &str) -> String {
    format!(
        "{{\"group\": \"{group}\", \"completion\": \"\\\\boxed{{{answer}}}\", \"reference\": \"1\"}}\n"
    )
}

#[test]
fn samples_of_a_prompt_give_the_papers_pass_at_k() {
    let folder = Folder::new();
    let mut text = String::new();
    // Of 5 samples 2 correct; of 4 none; of 2 both, one of them undecided more.
    for (group, answers) in [
        ("a", &["1", "2", "2", "1.0", "2"][..]),
        ("b", &["2", "3", "2", "4"]),
        ("c", &["1", "1", "1t"]),
        ("d", &["2/2", "5"]),
    ] {
        for answer in answers {
            text += &sample(group, answer);
        }
    }
    let path = folder.file("in.jsonl", text);
    let (_, report) = run_with(
        &load::spec("math").unwrap(),
        &[path],
        &BatchOptions::default(),
    );
    let summary = report.unwrap().summary;
    let samples = summary.samples.unwrap();
    assert_eq!(
        (samples.groups, samples.largest, samples.unjudged),
        (Some(4), 5, 1)
    );
    let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
    // pass@1 is c/n; pass@2 of group a is 1 - C(3,2)/C(5,2) = 0.7, and of group
    // d 1; pass@4 needs four samples: group a 1 (only 3 are wrong), group b 0.
    let wanted = [
        (1, (0.4 + 0.0 + 1.0 + 0.5) / 4.0, 4),
        (2, (0.7 + 0.0 + 1.0 + 1.0) / 4.0, 4),
        (4, 0.5, 2),
    ];
    let got: Vec<_> = samples
        .pass_at
        .iter()
        .map(|pass| (pass.k, pass.value, pass.groups))
        .collect();
    assert_eq!(got.len(), wanted.len(), "{got:?}");
    for (got, wanted) in got.iter().zip(wanted) {
        assert!(
            got.0 == wanted.0 && close(got.1, wanted.1) && got.2 == wanted.2,
            "{got:?}"
        );
    }
    // Of a alone, which has five samples: 2 has three votes, and is wrong.
    let majority = samples.majority.unwrap();
    assert_eq!((majority.k, majority.groups), (5, 1));
    assert!(close(majority.value, 0.0));
    let reward = &summary.tasks[0].rewards[0];
    assert_eq!((reward.correct, reward.wrong, reward.unknown), (5, 8, 1));
    // 5 ones and 8 zeros: mean 5/13, sample variance (5·8/13)/12.
    assert!(close(reward.raw.mean.unwrap(), 5.0 / 13.0));
    assert!(close(
        reward.raw.std.unwrap(),
        (40.0_f64 / 13.0 / 12.0).sqrt()
    ));
}

#[test]
fn a_majority_is_of_groups_with_as_many_samples() {
    let folder = Folder::new();
    let mut text = String::new();
    // Right by two of three; tied, one of three right; two samples are no three.
    for (group, answers) in [
        ("a", &["1", "1", "2"][..]),
        ("b", &["1", "2", "3"]),
        ("c", &["1", "1"]),
        ("d", &["2", "3"]),
    ] {
        for answer in answers {
            text += &sample(group, answer);
        }
    }
    let path = folder.file("in.jsonl", text);
    let spec = load::spec("math").unwrap();
    let (_, report) = run_with(&spec, &[path], &BatchOptions::default());
    let majority = report.unwrap().summary.samples.unwrap().majority.unwrap();
    assert_eq!((majority.k, majority.groups), (3, 2));
    assert!((majority.value - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
}

#[test]
fn single_samples_have_no_pass_at_k() {
    let folder = Folder::new();
    let path = folder.file("in.jsonl", sample("a", "1") + &sample("b", "2"));
    let (_, report) = run_with(
        &load::spec("math").unwrap(),
        &[path],
        &BatchOptions::default(),
    );
    assert_eq!(report.unwrap().summary.samples, None);
}
