use super::{SampleOptions, draw, filtered};
use crate::train::random::Key;

const LOGITS: [f32; 8] = [2.0, 1.0, 0.5, 0.5, -0.5, -1.0, 3.0, -8.0];
const DRAWS: u64 = 40_000;

/// The distribution that is drawn from, restated from the documents of the
/// filters: sort, cut, renormalise after each.
fn expected(options: &SampleOptions) -> Vec<f64> {
    let softmax = |logits: &[f64]| {
        let weights: Vec<f64> = logits.iter().map(|logit| logit.exp()).collect();
        let total: f64 = weights.iter().sum();
        weights
            .into_iter()
            .map(|weight| weight / total)
            .collect::<Vec<f64>>()
    };
    let mut logits: Vec<f64> = LOGITS
        .iter()
        .map(|logit| f64::from(*logit) / options.temperature)
        .collect();
    if options.top_k > 0 {
        let mut sorted = logits.clone();
        sorted.sort_by(|one, other| other.total_cmp(one));
        let least = sorted[options.top_k - 1];
        for logit in &mut logits {
            if *logit < least {
                *logit = f64::NEG_INFINITY;
            }
        }
    }
    if options.top_p < 1.0 {
        let shares = softmax(&logits);
        let mut order: Vec<usize> = (0..8).collect();
        order.sort_by(|one, other| shares[*one].total_cmp(&shares[*other]));
        // From the least likely on, tokens go while their sum is at most 1 - p.
        let mut sum = 0.0;
        for token in &order[..7] {
            sum += shares[*token];
            if sum <= 1.0 - options.top_p {
                logits[*token] = f64::NEG_INFINITY;
            }
        }
    }
    if options.min_p > 0.0 {
        let shares = softmax(&logits);
        let bound = options.min_p * shares.iter().copied().fold(0.0, f64::max);
        for (logit, share) in logits.iter_mut().zip(shares) {
            if share < bound {
                *logit = f64::NEG_INFINITY;
            }
        }
    }
    softmax(&logits)
}

/// The sum of squared differences over what is expected; for 7 degrees of
/// freedom it is above 24.3 once in a thousand times.
fn chi_squared(options: &SampleOptions) -> f64 {
    let key = Key::new(11, "chi", &[]);
    let mut counts = [0.0; 8];
    for position in 0..DRAWS {
        let drawn = draw(&LOGITS, options, key.uniform(position % 7, position)).unwrap();
        counts[drawn.token as usize] += 1.0;
    }
    let expected = expected(options);
    let mut sum = 0.0;
    for (count, share) in counts.iter().zip(expected) {
        if share == 0.0 {
            assert_eq!(
                *count, 0.0,
                "a token was drawn that is left out: {options:?}"
            );
        } else {
            let count_expected = share * DRAWS as f64;
            sum += (count - count_expected).powi(2) / count_expected;
        }
    }
    sum
}

#[test]
fn draws_follow_the_distribution() {
    let options = |change: fn(&mut SampleOptions)| {
        let mut options = SampleOptions::default();
        change(&mut options);
        options
    };
    let cases = [
        options(|_| ()),
        options(|o| o.temperature = 0.5),
        options(|o| o.temperature = 2.0),
        options(|o| o.top_k = 3),
        // Two tokens tie for the last place.
        options(|o| o.top_k = 4),
        options(|o| o.top_p = 0.9),
        options(|o| o.top_p = 0.05),
        options(|o| o.min_p = 0.1),
        options(|o| {
            o.temperature = 1.5;
            o.top_k = 6;
            o.top_p = 0.8;
            o.min_p = 0.2;
        }),
    ];
    for case in cases {
        let sum = chi_squared(&case);
        assert!(sum < 24.3, "chi-squared is {sum} for {case:?}");
    }
}

#[test]
fn a_wrong_distribution_is_noticed() {
    let options = SampleOptions {
        temperature: 1.05,
        ..SampleOptions::default()
    };
    let plain = expected(&SampleOptions::default());
    let hot = expected(&options);
    let distance: f64 = plain
        .iter()
        .zip(&hot)
        .map(|(p, h)| (p - h).powi(2) / p)
        .sum();
    assert!(distance * DRAWS as f64 > 40.0);
}

#[test]
fn log_probabilities_are_those_before_the_filters() {
    let options = SampleOptions {
        top_k: 2,
        temperature: 0.7,
        ..SampleOptions::default()
    };
    let total: f64 = LOGITS
        .iter()
        .map(|logit| (f64::from(*logit) / 0.7).exp())
        .sum();
    for uniform in [0.0, 0.5, 0.999_999] {
        let drawn = draw(&LOGITS, &options, uniform).unwrap();
        let exact = f64::from(LOGITS[drawn.token as usize]) / 0.7 - total.ln();
        assert!((f64::from(drawn.logp) - exact).abs() < 1e-6);
    }
}

#[test]
fn temperature_0_takes_the_first_of_the_likeliest() {
    let options = SampleOptions {
        temperature: 0.0,
        ..SampleOptions::default()
    };
    assert_eq!(draw(&[1.0, 4.0, 4.0], &options, 0.99).unwrap().token, 1);
}

#[test]
fn at_least_one_token_is_kept() {
    let options = SampleOptions {
        top_k: 1,
        top_p: 1e-9,
        min_p: 1.0,
        ..SampleOptions::default()
    };
    let kept = filtered(&[0.2, 1.0, 0.3], &options);
    assert_eq!(kept, [0.0, 1.0, 0.0]);
}

#[test]
fn logits_that_are_no_numbers_give_nothing() {
    let options = SampleOptions::default();
    assert_eq!(draw(&[1.0, f32::NAN], &options, 0.5), None);
    assert_eq!(draw(&[1.0, f32::INFINITY], &options, 0.5), None);
    assert_eq!(draw(&[f32::NEG_INFINITY; 2], &options, 0.5), None);
    assert_eq!(draw(&[], &options, 0.5), None);
    // A token that is ruled out is no fault.
    let some = draw(&[f32::NEG_INFINITY, 1.0], &options, 0.5).unwrap();
    assert_eq!((some.token, some.logp), (1, 0.0));
}
