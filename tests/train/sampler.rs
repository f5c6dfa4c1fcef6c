//! Sampling: whatever the batch, the same completions.

use goldstone::train::TrainError;
use goldstone::train::policy::{Compute, Policy, TokenBatch};
use goldstone::train::sample::{Completion, Finish, Prompt, SampleOptions, Vocabulary, sample};

use super::world::{Characters, policy};

/// Prompts of different lengths and tokens.
fn prompts(count: u64) -> Vec<Vec<u32>> {
    let prompt = |index: u64| {
        let length = 1 + index % 5;
        (0..length)
            .map(|at| 1 + ((index * 7 + at * 3) % 14) as u32)
            .collect()
    };
    (0..count).map(prompt).collect()
}

fn options() -> SampleOptions {
    SampleOptions {
        max_tokens: 12,
        seed: 3,
        ..SampleOptions::default()
    }
}

fn run(prompts: &[(u64, &[u32])], options: &SampleOptions) -> Vec<Completion> {
    let policy = policy(1);
    let prompts: Vec<Prompt<'_>> = prompts
        .iter()
        .map(|(row, tokens)| Prompt { row: *row, tokens })
        .collect();
    let mut found: Vec<Option<Completion>> = vec![None; prompts.len()];
    sample(
        &policy,
        &Characters,
        &prompts,
        options,
        |index, completion| {
            assert!(found[index].replace(completion).is_none(), "given twice");
            Ok(())
        },
    )
    .unwrap();
    found.into_iter().map(Option::unwrap).collect()
}

#[test]
fn a_completion_does_not_depend_on_its_batch() {
    let prompts = prompts(64);
    let rows: Vec<(u64, &[u32])> = prompts
        .iter()
        .zip(0..)
        .map(|(p, row)| (row, &**p))
        .collect();
    let options = options();
    let together = run(&rows, &options);
    let mut reversed: Vec<_> = rows.clone();
    reversed.reverse();
    let mut backwards = run(&reversed, &options);
    backwards.reverse();
    for (index, whole) in together.iter().enumerate() {
        let alone = &run(&rows[index..=index], &options)[0];
        for other in [alone, &backwards[index]] {
            assert_eq!(whole.tokens, other.tokens, "row {index}");
            assert_eq!((&whole.text, whole.finish), (&other.text, other.finish));
            for (one, two) in whole.logps.iter().zip(&other.logps) {
                assert!((one - two).abs() < 1e-5, "row {index}: {one} and {two}");
            }
        }
    }
    let different: std::collections::HashSet<_> = together.iter().map(|c| &c.tokens).collect();
    assert!(different.len() > 32, "the rows repeat each other");
}

#[test]
fn rows_of_one_prompt_differ_by_their_numbers_and_the_seed() {
    let tokens: &[u32] = &[3, 4];
    let first = run(&[(0, tokens), (1, tokens), (0, tokens)], &options());
    assert_ne!(first[0].tokens, first[1].tokens);
    assert_eq!(first[0].tokens, first[2].tokens);
    let other = SampleOptions {
        seed: 4,
        ..options()
    };
    assert_ne!(first[0].tokens, run(&[(0, tokens)], &other)[0].tokens);
}

#[test]
fn log_probabilities_are_the_trainers() {
    let prompts = prompts(20);
    let rows: Vec<(u64, &[u32])> = prompts
        .iter()
        .zip(0..)
        .map(|(p, row)| (row, &**p))
        .collect();
    for (temperature, top_k) in [(1.0, 0), (0.6, 0), (1.3, 4)] {
        let options = SampleOptions {
            temperature,
            top_k,
            ..options()
        };
        let completions = run(&rows, &options);
        let mut batch = TokenBatch::new();
        for (prompt, completion) in prompts.iter().zip(&completions) {
            assert_eq!(completion.tokens.len(), completion.logps.len());
            batch.push(prompt, &completion.tokens);
        }
        let scores = policy(1).score(&batch, temperature).unwrap();
        let sampled = completions.iter().flat_map(|completion| &completion.logps);
        for (trained, sampled) in scores.logps.iter().zip(sampled) {
            assert!((trained - sampled).abs() < 1e-5, "{trained} and {sampled}");
        }
    }
}

#[test]
fn greedy_completions_need_no_luck() {
    let prompts = prompts(8);
    let rows = |shift: u64| -> Vec<(u64, &[u32])> {
        let numbered = prompts.iter().zip(shift..);
        numbered.map(|(prompt, row)| (row, &**prompt)).collect()
    };
    let greedy = SampleOptions {
        temperature: 0.0,
        ..options()
    };
    let other_seed = SampleOptions {
        seed: 99,
        ..greedy.clone()
    };
    let one = run(&rows(0), &greedy);
    let two = run(&rows(1000), &other_seed);
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one.tokens, two.tokens);
    }
    let cold = SampleOptions {
        temperature: 1e-4,
        ..options()
    };
    assert_eq!(one[0].tokens, run(&rows(0), &cold)[0].tokens);
}

#[test]
fn a_completion_ends_where_it_must() {
    let prompts = prompts(200);
    let rows: Vec<(u64, &[u32])> = prompts
        .iter()
        .zip(0..)
        .map(|(p, row)| (row, &**p))
        .collect();
    // Two characters are two tokens: the text stands across their border.
    let options = SampleOptions {
        stop: vec!["ab".to_owned(), "1;".to_owned(), "+".to_owned()],
        stop_ids: Characters.encode("=").unwrap(),
        max_tokens: 20,
        ..options()
    };
    let (mut by_end, mut by_text, mut by_token, mut by_length) = (0, 0, 0, 0);
    for completion in run(&rows, &options) {
        let Completion {
            tokens,
            text,
            finish,
            ..
        } = &completion;
        let (last, before) = tokens.split_last().unwrap();
        assert!(
            before.iter().all(|token| *token != 0 && *token != 12),
            "{text}"
        );
        let ends = |text: &str| options.stop.iter().any(|stop| text.ends_with(stop));
        let began: Vec<bool> = (0..text.len()).map(|at| ends(&text[..at])).collect();
        assert!(!began.contains(&true), "{text} went on after a stop text");
        match (finish, last) {
            (Finish::Stop, 0) => by_end += 1,
            (Finish::Stop, 12) => by_token += 1,
            (Finish::Stop, _) => {
                assert!(ends(text), "{text}");
                by_text += 1;
            }
            (Finish::Length, _) => {
                assert!(tokens.len() == 20 && !ends(text), "{text}");
                by_length += 1;
            }
        }
        // The token that ends has no text of its own.
        let written = tokens.len() - usize::from([0, 12].contains(last));
        assert_eq!(text.len(), written);
    }
    let all = [by_end, by_text, by_token, by_length];
    assert!(
        all.iter().all(|count| *count > 0),
        "not every end was met: {all:?}"
    );
}

#[test]
fn a_completion_ends_where_positions_do() {
    let long = vec![2; 29];
    let options = SampleOptions {
        max_tokens: 50,
        ..options()
    };
    for completion in run(&[(0, &long), (1, &long), (2, &[2])], &options) {
        assert!(completion.tokens.len() <= 31);
    }
    let first = &run(&[(0, &long)], &options)[0];
    assert!(first.tokens.len() <= 3);
}

#[test]
fn prompts_that_cannot_be_answered_are_refused() {
    let policy = policy(1);
    let try_tokens = |tokens: &[u32]| {
        let prompts = [Prompt { row: 0, tokens }];
        sample(&policy, &Characters, &prompts, &options(), |_, _| Ok(()))
    };
    assert!(matches!(
        try_tokens(&[]),
        Err(TrainError::EmptySequence { .. })
    ));
    assert!(matches!(
        try_tokens(&[1; 32]),
        Err(TrainError::TooLong { .. })
    ));
    assert!(matches!(try_tokens(&[77]), Err(TrainError::Token { .. })));
    assert!(try_tokens(&[1; 31]).is_ok());
}

#[test]
fn an_error_of_the_receiver_ends_the_sampling() {
    let policy = policy(1);
    let prompts = [Prompt {
        row: 0,
        tokens: &[1],
    }];
    let refuse = |_, _| {
        Err(TrainError::Source {
            problem: "enough".to_owned(),
        })
    };
    let result = sample(&policy, &Characters, &prompts, &options(), refuse);
    assert!(matches!(result, Err(TrainError::Source { .. })));
}

/// The logits of every row after a prompt and some steps.
fn decoded(policy: &Policy, prompts: &[&[u32]], steps: &[Vec<u32>]) -> Vec<Vec<Vec<f32>>> {
    let mut decoder = policy.decoder(prompts.len(), 32).unwrap();
    let mut all = vec![decoder.prefill(prompts).unwrap().to_vec2().unwrap()];
    for tokens in steps {
        all.push(decoder.step(tokens).unwrap().to_vec2().unwrap());
    }
    all
}

#[test]
fn a_prompt_that_rows_have_in_common_is_read_as_if_each_had_its_own() {
    let (one, two, three): (&[u32], &[u32], &[u32]) = (&[3, 4, 5, 9], &[6, 1], &[3, 4, 5, 8]);
    // Also apart, and one that is the beginning of none.
    let prompts = [one, one, two, one, three, two];
    let steps: Vec<Vec<u32>> = (0..6)
        .map(|step| (0..6).map(|row| (step * 5 + row * 3) % 15 + 1).collect())
        .collect();
    for compute in [Compute::Kernels, Compute::Plain] {
        let mut policy = policy(1);
        policy.set_compute(compute).unwrap();
        let together = decoded(&policy, &prompts, &steps);
        // To the bit what a batch has that holds each of them once.
        let once = decoded(&policy, &[one, two, three], &[]);
        for (row, place) in [0, 0, 1, 0, 2, 1].into_iter().enumerate() {
            assert_eq!(together[0][row], once[0][place], "{compute:?} row {row}");
        }
        // From there on each row is its own, whatever the others write.
        for row in 0..prompts.len() {
            let own: Vec<Vec<u32>> = steps.iter().map(|tokens| vec![tokens[row]]).collect();
            let alone = decoded(&policy, &prompts[row..=row], &own);
            for (step, (together, alone)) in together.iter().zip(&alone).enumerate() {
                for (found, expected) in together[row].iter().zip(&alone[0]) {
                    let distance = (found - expected).abs();
                    assert!(
                        distance < 1e-5,
                        "{compute:?} row {row} step {step}: {distance}"
                    );
                }
            }
        }
        // Rows that leave take nothing of their prompt with them.
        let mut decoder = policy.decoder(3, 32).unwrap();
        decoder.prefill(&[one, two, one]).unwrap();
        decoder.retain(&[false, true, true]);
        let rows: Vec<Vec<f32>> = decoder.step(&[2, 7]).unwrap().to_vec2().unwrap();
        let alone = decoded(&policy, &[one], &[vec![7]]);
        for (found, expected) in rows[1].iter().zip(&alone[1][0]) {
            assert!((found - expected).abs() < 1e-5, "{compute:?}");
        }
    }
}

#[test]
fn groups_are_what_their_rows_are_alone() {
    let prompts = prompts(6);
    let rows: Vec<(u64, &[u32])> = (0..48)
        .map(|row| (row, &*prompts[row as usize / 8]))
        .collect();
    let groups = run(&rows, &options());
    for (row, completion) in rows.iter().zip(&groups) {
        let alone = &run(&[*row], &options())[0];
        assert_eq!(completion.tokens, alone.tokens);
        for (one, two) in completion.logps.iter().zip(&alone.logps) {
            assert!((one - two).abs() < 1e-5, "{one} and {two}");
        }
    }
}
