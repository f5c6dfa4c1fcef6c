//! AdamW against its formula in f64.

use goldstone::train::optimizer::{AdamW, AdamWOptions};
use goldstone::train::policy::{Gradients, Policy, Recompute};

use super::models::{Numbers, batch, configs, policies, policy, sequences};

fn weights(policy: &Policy, name: &str) -> Vec<f32> {
    let tensor = policy.parameters().get(name).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn gradient(gradients: &Gradients, name: &str) -> Vec<f32> {
    let tensor = gradients.get(name).unwrap().unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Gradients of a batch, different at every step.
fn draw(policy: &Policy, step: u64, gradients: &mut Gradients) {
    let batch = batch(&sequences());
    let (_, tape) = policy.forward(&batch, 1.0, Recompute::Never).unwrap();
    let d_logps = Numbers(step).list(batch.scored());
    gradients.clear();
    policy.backward(tape, &d_logps, None, gradients).unwrap();
}

const OPTIONS: AdamWOptions = AdamWOptions {
    betas: (0.9, 0.95),
    epsilon: 1e-8,
    weight_decay: 0.1,
};

#[test]
fn steps_follow_the_formula() {
    let (_, config) = configs().swap_remove(0);
    for policy in policies(&config) {
        follows_the_formula(policy);
    }
}

fn follows_the_formula(mut policy: Policy) {
    let config = policy.config().clone();
    let shapes = config.parameter_shapes();
    let mut wanted: Vec<Vec<[f64; 3]>> = shapes
        .iter()
        .map(|(name, _)| {
            let weights = weights(&policy, name);
            weights.iter().map(|w| [f64::from(*w), 0.0, 0.0]).collect()
        })
        .collect();
    let mut optimizer = AdamW::new(&policy, OPTIONS);
    let mut gradients = Gradients::zeros(&policy).unwrap();
    for step in 1..=6_i32 {
        let (rate, scale) = (0.01 / f64::from(step), 0.5);
        draw(&policy, step as u64, &mut gradients);
        for ((name, shape), wanted) in shapes.iter().zip(&mut wanted) {
            let decay = if shape.len() > 1 { 0.1 } else { 0.0 };
            for ([w, m, v], g) in wanted.iter_mut().zip(gradient(&gradients, name)) {
                let g = f64::from(g) * scale;
                *w -= rate * decay * *w;
                *m = 0.9 * *m + 0.1 * g;
                *v = 0.95 * *v + 0.05 * g * g;
                let mean = *m / (1.0 - 0.9_f64.powi(step));
                let square = *v / (1.0 - 0.95_f64.powi(step));
                *w -= rate * mean / (square.sqrt() + 1e-8);
            }
        }
        optimizer
            .step(&mut policy, &gradients, rate, scale)
            .unwrap();
        assert_eq!(optimizer.steps(), step as u64);
        for ((name, _), wanted) in shapes.iter().zip(&wanted) {
            for (i, (found, [wanted, ..])) in weights(&policy, name).iter().zip(wanted).enumerate()
            {
                let error = (f64::from(*found) - wanted).abs();
                assert!(
                    error < 1e-6,
                    "{name}[{i}], step {step}: {found} for {wanted}"
                );
            }
        }
    }
}

#[test]
fn a_saved_state_goes_on_to_the_bit() {
    let (_, config) = configs().swap_remove(1);
    for policy in policies(&config) {
        goes_on_to_the_bit(policy);
    }
}

fn goes_on_to_the_bit(mut whole: Policy) {
    let config = whole.config().clone();
    let mut optimizer = AdamW::new(&whole, OPTIONS);
    let mut gradients = Gradients::zeros(&whole).unwrap();
    let mut resumed = None;
    for step in 1..=5 {
        draw(&whole, step, &mut gradients);
        optimizer.step(&mut whole, &gradients, 1e-2, 1.0).unwrap();
        if step == 3 {
            let copy = whole.duplicate().unwrap();
            let mut fresh = AdamW::new(&copy, OPTIONS);
            let moments = optimizer.moments().unwrap();
            fresh.load_moments(optimizer.steps(), &moments).unwrap();
            resumed = Some((copy, fresh));
        }
    }
    let (mut copy, mut optimizer) = resumed.unwrap();
    for step in 4..=5 {
        draw(&copy, step, &mut gradients);
        optimizer.step(&mut copy, &gradients, 1e-2, 1.0).unwrap();
    }
    for (name, _) in config.parameter_shapes() {
        assert_eq!(weights(&whole, &name), weights(&copy, &name), "{name}");
    }
}

#[test]
fn frozen_parameters_stay_and_need_no_moments() {
    let (_, config) = configs().swap_remove(0);
    let mut policy = policy(&config);
    let is_trained = |name: &str| name.ends_with("down.weight");
    policy.parameters_mut().set_trainable(is_trained);
    let before = policy.duplicate().unwrap();
    let mut optimizer = AdamW::new(&policy, OPTIONS);
    let mut gradients = Gradients::zeros(&policy).unwrap();
    draw(&policy, 1, &mut gradients);
    optimizer.step(&mut policy, &gradients, 1e-2, 1.0).unwrap();
    for (name, _) in config.parameter_shapes() {
        let is_same = weights(&policy, &name) == weights(&before, &name);
        assert_eq!(is_same, !is_trained(&name), "{name}");
    }
    assert_eq!(optimizer.moments().unwrap().len(), 2);
}

#[test]
fn steps_and_states_that_do_not_fit_are_refused() {
    let (_, config) = configs().swap_remove(0);
    let mut policy = policy(&config);
    let mut optimizer = AdamW::new(&policy, OPTIONS);
    let mut gradients = Gradients::zeros(&policy).unwrap();
    draw(&policy, 1, &mut gradients);
    let before = weights(&policy, "norm.weight");
    let error = optimizer.step(&mut policy, &gradients, f64::NAN, 1.0);
    assert_eq!(
        error.unwrap_err().to_string(),
        "`learning_rate` is NaN; it must be finite"
    );
    let error = optimizer.step(&mut policy, &gradients, 1e-2, f64::INFINITY);
    assert_eq!(
        error.unwrap_err().to_string(),
        "`gradient_scale` is inf; it must be finite"
    );
    assert_eq!(optimizer.steps(), 0);
    assert_eq!(weights(&policy, "norm.weight"), before);
    let mut moments = optimizer.moments().unwrap();
    let last = moments.pop().unwrap();
    let error = optimizer.load_moments(1, &moments).unwrap_err().to_string();
    assert!(
        error.starts_with("parameter `norm.weight` is missing"),
        "{error}"
    );
    let turned = last.first.reshape((4, 6)).unwrap();
    moments.push(goldstone::train::optimizer::Moments {
        first: turned,
        ..last
    });
    let error = optimizer.load_moments(1, &moments).unwrap_err().to_string();
    assert_eq!(
        error,
        "parameter `norm.weight` is a moment of shape [4, 6]; it must be of shape [24]"
    );
    assert_eq!(optimizer.steps(), 0);
}
