//! Decoding with a cache against whole sequences.

use goldstone::train::Tensor;

use super::models::{Numbers, batch, configs, policies, sequences};
use super::oracle::Oracle;

fn rows(logits: &Tensor) -> Vec<Vec<f32>> {
    logits.to_vec2().unwrap()
}

fn assert_near(found: &[f32], wanted: &[f64], what: &str) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        let error = (f64::from(*found) - wanted).abs();
        assert!(error < 2e-5, "{what}: {found} for {wanted}");
    }
}

#[test]
fn cached_logits_are_those_of_whole_sequences() {
    let both = |(name, config)| policies(&config).map(|policy| (name, policy));
    for (name, policy) in configs().into_iter().flat_map(both) {
        let oracle = Oracle::new(&policy);
        let sequences = sequences();
        let prompts: Vec<&[u32]> = sequences.iter().map(|(prompt, _)| &prompt[..]).collect();
        let mut decoder = policy.decoder(prompts.len(), 80).unwrap();
        let mut logits = rows(&decoder.prefill(&prompts).unwrap());
        let whole: Vec<Vec<Vec<f64>>> = sequences
            .iter()
            .map(|(prompt, completion)| {
                let tokens = [&prompt[..], completion].concat();
                oracle.logits(&tokens).unwrap().to_vec2().unwrap()
            })
            .collect();
        let mut live: Vec<usize> = (0..sequences.len()).collect();
        for step in 0.. {
            for (row, sequence) in live.iter().enumerate() {
                let position = prompts[*sequence].len() - 1 + step;
                let wanted = &whole[*sequence][position];
                assert_near(&logits[row], wanted, &format!("{name} {sequence} {step}"));
            }
            let keep: Vec<bool> = live
                .iter()
                .map(|sequence| step < sequences[*sequence].1.len())
                .collect();
            decoder.retain(&keep);
            live.retain(|sequence| step < sequences[*sequence].1.len());
            assert_eq!(decoder.rows(), live.len());
            if live.is_empty() {
                break;
            }
            let tokens: Vec<u32> = live
                .iter()
                .map(|sequence| sequences[*sequence].1[step])
                .collect();
            logits = rows(&decoder.step(&tokens).unwrap());
        }
    }
}

#[test]
fn a_rollouts_log_probabilities_are_those_of_training() {
    let both = |(name, config)| policies(&config).map(|policy| (name, policy));
    for (name, policy) in configs().into_iter().flat_map(both) {
        let (prompt, completion) = sequences().swap_remove(2);
        let mut decoder = policy.decoder(1, prompt.len() + completion.len()).unwrap();
        let mut logits = rows(&decoder.prefill(&[&prompt]).unwrap());
        let mut logps = Vec::new();
        for token in &completion {
            let scaled: Vec<f64> = logits[0].iter().map(|x| f64::from(*x) / 0.7).collect();
            let peak = scaled.iter().copied().fold(f64::MIN, f64::max);
            let sum: f64 = scaled.iter().map(|x| (x - peak).exp()).sum();
            logps.push(scaled[*token as usize] - peak - sum.ln());
            logits = rows(&decoder.step(&[*token]).unwrap());
        }
        let batch = batch(&[(prompt, completion)]);
        let trained = policy.score(&batch, 0.7).unwrap().logps;
        for (trained, logp) in trained.iter().zip(logps) {
            let error = (f64::from(*trained) - logp).abs();
            assert!(error <= 1e-5, "{name}: {trained} for {logp}");
        }
    }
}

/// Prompts that are too many to be read at once are read in groups of 4096 tokens.
#[test]
fn many_prompts_are_read_as_one_by_one() {
    let (_, config) = configs().swap_remove(0);
    let mut numbers = Numbers(11);
    let prompts: Vec<Vec<u32>> = (0..140).map(|row| numbers.tokens(1 + row % 80)).collect();
    assert!(prompts.iter().map(Vec::len).sum::<usize>() > 4096);
    // One that two rows have is read once.
    let mut rows: Vec<&[u32]> = prompts.iter().map(|prompt| &prompt[..]).collect();
    rows.push(&prompts[70]);
    for policy in policies(&config) {
        let mut decoder = policy.decoder(rows.len(), 90).unwrap();
        let first = self::rows(&decoder.prefill(&rows).unwrap());
        let second = self::rows(&decoder.step(&vec![3; rows.len()]).unwrap());
        for (row, prompt) in rows.iter().enumerate() {
            let mut alone = policy.decoder(1, 90).unwrap();
            let wanted = [
                self::rows(&alone.prefill(&[prompt]).unwrap()),
                self::rows(&alone.step(&[3]).unwrap()),
            ];
            for (found, wanted) in [&first[row], &second[row]].into_iter().zip(&wanted) {
                let wanted: Vec<f64> = wanted[0].iter().map(|x| f64::from(*x)).collect();
                assert_near(found, &wanted, &format!("row {row}"));
            }
        }
    }
}

#[test]
fn a_decoder_starts_anew_with_every_prefill() {
    let (_, config) = configs().swap_remove(0);
    for policy in policies(&config) {
        let mut decoder = policy.decoder(2, 20).unwrap();
        let prompts: [&[u32]; 2] = [&[1, 2, 3], &[4]];
        let first = rows(&decoder.prefill(&prompts).unwrap());
        decoder.step(&[5, 6]).unwrap();
        decoder.retain(&[false, true]);
        decoder.step(&[7]).unwrap();
        assert_eq!(rows(&decoder.prefill(&prompts).unwrap()), first);
    }
}
