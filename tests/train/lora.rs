//! LoRA against PEFT, and against itself.

use candle_core::{Device, Tensor};
use goldstone::train::TrainError;
use goldstone::train::folder::{load_adapter, load_policy, save_adapter, save_policy};
use goldstone::train::optimizer::{AdamW, AdamWOptions};
use goldstone::train::policy::{Gradients, LoraOptions, LoraTarget, Policy, Recompute, TokenBatch};

use super::fixture::{Numbers, Weighted, batch, flat, folder, tensors};
use super::parity::{logits, near, relative};

/// Adapter folder, prefix of its tensors, its numbers.
fn adapters(numbers: &Numbers) -> [(&'static str, &'static str, &Weighted); 2] {
    [
        ("qwen2-adapter", "lora", numbers.lora.as_ref().unwrap()),
        (
            "qwen2-adapter-rslora",
            "rslora",
            numbers.rslora.as_ref().unwrap(),
        ),
    ]
}

fn base() -> Policy {
    load_policy(&folder("qwen2"), &Device::Cpu).unwrap().0
}

fn small() -> LoraOptions {
    LoraOptions {
        rank: 3,
        alpha: 5.0,
        ..LoraOptions::default()
    }
}

/// A policy whose adapters do something.
fn adapted(options: &LoraOptions) -> Policy {
    let mut policy = base().with_lora(options, 3).unwrap();
    let names: Vec<String> = policy
        .parameters()
        .iter()
        .filter(|(name, ..)| name.ends_with("lora_b"))
        .map(|(name, ..)| name.to_owned())
        .collect();
    for (index, name) in names.iter().enumerate() {
        let shape = policy.parameters().get(name).unwrap().shape().clone();
        let numbers = (0..shape.elem_count()).map(|at| ((at * 7 + index) as f32).sin() * 0.2);
        let tensor = Tensor::from_vec(numbers.collect::<Vec<_>>(), shape, &Device::Cpu);
        policy.parameters_mut().set(name, tensor.unwrap()).unwrap();
    }
    policy
}

fn gradients(policy: &Policy, batch: &TokenBatch, recompute: Recompute) -> Gradients {
    let mut gradients = Gradients::zeros(policy).unwrap();
    let (scores, tape) = policy.forward(batch, 0.8, recompute).unwrap();
    let weights: Vec<f32> = (0..scores.logps.len())
        .map(|at| (at as f32).cos())
        .collect();
    policy
        .backward(tape, &weights, None, &mut gradients)
        .unwrap();
    gradients
}

fn trained(policy: &Policy) -> Vec<String> {
    let parameters = policy.parameters().iter();
    parameters
        .filter(|(_, _, is_trainable)| *is_trainable)
        .map(|(name, ..)| name.to_owned())
        .collect()
}

#[test]
fn scores_and_gradients_are_those_of_peft() {
    let (numbers, theirs) = (Numbers::read("qwen2"), tensors("qwen2"));
    for (name, prefix, weighted) in adapters(&numbers) {
        let policy = load_adapter(&folder(name), base(), 0).unwrap();
        let batch = batch(&weighted.sequences);
        let (scores, tape) = policy
            .forward(&batch, weighted.temperature, Recompute::Never)
            .unwrap();
        let of = |what: &str| flat(&theirs[&format!("{prefix}.{what}")]);
        let logps = near(&scores.logps, &of("logps"), 2e-5, name);
        near(&scores.entropies, &of("entropies"), 2e-5, name);
        let scored = policy.score(&batch, weighted.temperature).unwrap();
        near(&scored.logps, &scores.logps, 1e-5, name);

        let mut gradients = Gradients::zeros(&policy).unwrap();
        let entropy_weights = Some(weighted.entropy_weights.as_slice());
        policy
            .backward(tape, &weighted.weights, entropy_weights, &mut gradients)
            .unwrap();
        assert!(
            gradients.uncovered().unwrap().is_empty(),
            "{:?}",
            gradients.uncovered().unwrap()
        );
        let trained = trained(&policy);
        let expected = theirs.keys();
        let expected = expected.filter(|key| key.starts_with(&format!("{prefix}.grad.")));
        assert_eq!(
            trained.len(),
            expected.count(),
            "{name}: adapters alone are trained"
        );
        let mut worst = 0.0_f32;
        for parameter in trained {
            let mut parts = parameter.split('.').skip(1);
            let [layer, module, side] = [(); 3].map(|()| parts.next().unwrap());
            let block = match module {
                "gate_proj" | "up_proj" | "down_proj" => "mlp",
                _ => "self_attn",
            };
            let side = if side == "lora_a" { 'A' } else { 'B' };
            let key =
                format!("{prefix}.grad.model.layers.{layer}.{block}.{module}.lora_{side}.weight");
            let found = flat(&gradients.get(&parameter).unwrap().unwrap());
            let distance = relative(&found, &flat(&theirs[&key].t().unwrap()));
            assert!(distance <= 1e-4, "{name} {parameter}: {distance}");
            worst = worst.max(distance);
        }
        println!("{name}: logps {logps:e}, gradients {worst:e} apart");
        // Merged, it is a model like any other.
        let expected = of("merged.logits");
        for policy in [&policy, &policy.merged().unwrap()] {
            for found in logits(policy, &weighted.sequences[0]) {
                near(&found, &expected, 2e-5, name);
            }
        }
    }
}

#[test]
fn fresh_adapters_change_nothing_and_the_base_is_the_reference() {
    let numbers = Numbers::read("qwen2");
    let batch = batch(&numbers.weighted.sequences);
    let plain = base().score(&batch, 1.0).unwrap();
    let fresh = base().with_lora(&small(), 9).unwrap();
    assert_eq!(fresh.score(&batch, 1.0).unwrap(), plain);

    let mut policy = adapted(&small());
    let reference = policy.without_lora().unwrap();
    assert!(reference.lora().is_none());
    assert_ne!(policy.score(&batch, 1.0).unwrap(), plain);
    // Training moves the policy, and neither the base nor the reference.
    let gradients = gradients(&policy, &batch, Recompute::Never);
    let before = policy.score(&batch, 1.0).unwrap();
    let mut optimizer = AdamW::new(&policy, AdamWOptions::default());
    optimizer.step(&mut policy, &gradients, 1e-2, 1.0).unwrap();
    assert_ne!(policy.score(&batch, 1.0).unwrap(), before);
    assert_eq!(reference.score(&batch, 1.0).unwrap(), plain);
    // No memory is spent on what is frozen.
    assert!(gradients.get("layers.0.qkv.weight").unwrap().is_none());
    assert!(gradients.get("embed.weight").unwrap().is_none());
    assert_eq!(trained(&policy).len(), 2 * 2 * 7);
}

#[test]
fn a_copy_has_adapters_of_its_own() {
    let numbers = Numbers::read("qwen2");
    let batch = batch(&numbers.weighted.sequences);
    let mut policy = adapted(&small());
    let copy = policy.duplicate().unwrap();
    let before = policy.score(&batch, 1.0).unwrap();
    assert_eq!(copy.score(&batch, 1.0).unwrap(), before);
    let gradients = gradients(&policy, &batch, Recompute::Never);
    let mut optimizer = AdamW::new(&policy, AdamWOptions::default());
    optimizer.step(&mut policy, &gradients, 1e-2, 1.0).unwrap();
    assert_eq!(copy.score(&batch, 1.0).unwrap(), before);
    assert_eq!(copy.lora(), policy.lora());
}

#[test]
fn a_snapshot_is_the_policy_as_it_was_adapters_included() {
    let numbers = Numbers::read("qwen2");
    let batch = batch(&numbers.weighted.sequences);
    let mut policy = adapted(&small());
    let snapshot = policy.snapshot().unwrap();
    let before = policy.score(&batch, 1.0).unwrap();
    let gradients = gradients(&policy, &batch, Recompute::Never);
    let mut optimizer = AdamW::new(&policy, AdamWOptions::default());
    optimizer.step(&mut policy, &gradients, 1e-2, 1.0).unwrap();
    assert_ne!(policy.score(&batch, 1.0).unwrap(), before);
    assert_eq!(snapshot.score(&batch, 1.0).unwrap(), before);
    // Not the policy below the adapters, which a stage before has left.
    let below = policy.without_lora().unwrap().score(&batch, 1.0).unwrap();
    assert_ne!(snapshot.score(&batch, 1.0).unwrap(), below);
}

#[test]
fn dropout_is_the_same_for_the_same_seed() {
    let numbers = Numbers::read("qwen2");
    let batch = batch(&numbers.weighted.sequences);
    let options = LoraOptions {
        dropout: 0.3,
        ..small()
    };
    let mut policy = adapted(&options);
    let of = |policy: &Policy, recompute: Recompute| {
        let gradients = gradients(policy, &batch, recompute);
        let trained = trained(policy).into_iter();
        let numbers = trained.map(|name| flat(&gradients.get(&name).unwrap().unwrap()));
        numbers.collect::<Vec<_>>()
    };
    policy.set_dropout_seed(1);
    let first = of(&policy, Recompute::Never);
    assert_eq!(first, of(&policy, Recompute::Never));
    assert_eq!(
        first,
        of(&policy, Recompute::Layers),
        "the masks are made again"
    );
    policy.set_dropout_seed(2);
    assert_ne!(first, of(&policy, Recompute::Never));
    // What is sampled and scored sees all of the adapters.
    let whole = adapted(&small());
    assert_eq!(
        policy.score(&batch, 1.0).unwrap(),
        whole.score(&batch, 1.0).unwrap()
    );
    let (dropped, _) = policy.forward(&batch, 1.0, Recompute::Never).unwrap();
    assert_ne!(dropped.logps, whole.score(&batch, 1.0).unwrap().logps);
}

/// The gradient with dropout is that of the function with the same mask.
#[test]
fn dropout_is_differentiated() {
    let numbers = Numbers::read("qwen2");
    let batch = batch(&numbers.weighted.sequences[..1]);
    let options = LoraOptions {
        dropout: 0.4,
        ..small()
    };
    let mut policy = adapted(&options);
    let value = |policy: &Policy| {
        let (scores, _) = policy.forward(&batch, 0.8, Recompute::Never).unwrap();
        let terms = scores.logps.iter().enumerate();
        terms
            .map(|(at, logp)| f64::from(*logp) * f64::from((at as f32).cos()))
            .sum::<f64>()
    };
    let gradients = gradients(&policy, &batch, Recompute::Never);
    for name in [
        "layers.0.k_proj.lora_a",
        "layers.0.q_proj.lora_b",
        "layers.1.down_proj.lora_a",
        "layers.1.o_proj.lora_b",
    ] {
        let gradient = flat(&gradients.get(name).unwrap().unwrap());
        let tensor = policy.parameters().get(name).unwrap().clone();
        let at = (0..gradient.len())
            .max_by(|a, b| gradient[*a].abs().total_cmp(&gradient[*b].abs()))
            .unwrap();
        let step = 2e-3_f32;
        let mut moved = |by: f32| {
            let mut numbers = flat(&tensor);
            numbers[at] += by;
            let numbers = Tensor::from_vec(numbers, tensor.shape(), &Device::Cpu).unwrap();
            policy.parameters_mut().set(name, numbers).unwrap();
            value(&policy)
        };
        let difference = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
        moved(0.0);
        let gradient = f64::from(gradient[at]);
        let distance = (difference - gradient).abs() / gradient.abs();
        assert!(distance < 0.02, "{name}: {difference} {gradient}");
    }
}

#[test]
fn adapters_are_saved_in_files_of_peft() {
    let (policy, read) = load_policy(&folder("qwen2"), &Device::Cpu).unwrap();
    let kept = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("policies");
    let policy = load_adapter(&folder("qwen2-adapter"), policy, 0).unwrap();
    let target = kept.join("qwen2-adapter");
    save_adapter(&target, &policy, &read, "qwen2").unwrap();
    let bytes =
        |folder: &std::path::Path| std::fs::read(folder.join("adapter_model.safetensors")).unwrap();
    assert!(
        bytes(&target) == bytes(&folder("qwen2-adapter")),
        "PEFT's own bytes"
    );
    let again = load_adapter(&target, base(), 0).unwrap();
    assert_eq!(again.lora(), policy.lora());

    // Whole policies and adapters are not taken for each other.
    let error = save_policy(&kept.join("never"), &policy, &read).unwrap_err();
    assert!(error.to_string().contains("Policy::merged"), "{error}");
    let error = save_adapter(&kept.join("never"), &base(), &read, "qwen2").unwrap_err();
    assert!(
        matches!(error, TrainError::Config { field: "lora", .. }),
        "{error}"
    );
    assert!(!kept.join("never").exists());
    save_policy(&kept.join("qwen2-merged"), &policy.merged().unwrap(), &read).unwrap();
}

#[test]
fn adapters_that_we_would_compute_otherwise_are_refused() {
    let source = folder("qwen2-adapter");
    let text = std::fs::read_to_string(source.join("adapter_config.json")).unwrap();
    for (field, value, words) in [
        ("peft_type", "\"IA3\"", "`LORA`"),
        ("use_dora", "true", "plain LoRA"),
        ("bias", "\"all\"", "`none`"),
        ("modules_to_save", "[\"lm_head\"]", "plain LoRA"),
        ("rank_pattern", "{\"q_proj\": 8}", "plain LoRA"),
        ("init_lora_weights", "\"pissa\"", "gaussian"),
        ("target_modules", "[\"q_proj\", \"lm_head\"]", "down_proj"),
        ("target_modules", "\".*_proj\"", "all-linear"),
        ("target_modules", "[\"q_proj\"]", "absent"),
        ("r", "8", "[8, 32]"),
        ("r", "0", "at least 1"),
        ("lora_alpha", "null", "a number above 0"),
        ("lora_dropout", "1.0", "[0, 1)"),
        ("layers_to_transform", "[0]", "plain LoRA"),
    ] {
        let target = tempfile::tempdir().unwrap();
        let weights = "adapter_model.safetensors";
        std::fs::copy(source.join(weights), target.path().join(weights)).unwrap();
        let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
        file[field] = serde_json::from_str(value).unwrap();
        std::fs::write(target.path().join("adapter_config.json"), file.to_string()).unwrap();
        let error = load_adapter(target.path(), base(), 0)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{field} = {value}: {error}");
        // `idle` values of the same fields are read.
        file[field] = serde_json::from_str::<serde_json::Value>(&text).unwrap()[field].clone();
        std::fs::write(target.path().join("adapter_config.json"), file.to_string()).unwrap();
        load_adapter(target.path(), base(), 0).unwrap();
    }
}

#[test]
fn options_that_make_no_adapter_are_refused() {
    type Change = fn(&mut LoraOptions);
    let with = |change: Change| {
        let mut options = small();
        change(&mut options);
        base().with_lora(&options, 0)
    };
    let refused: [(&str, Change); 6] = [
        ("lora.rank", |options| options.rank = 0),
        ("lora.alpha", |options| options.alpha = f64::NAN),
        ("lora.dropout", |options| options.dropout = 1.0),
        ("lora.dropout", |options| options.dropout = -0.1),
        ("lora.targets", |options| options.targets.clear()),
        ("lora.targets", |options| {
            options.targets = vec![LoraTarget::QProj, LoraTarget::QProj];
        }),
    ];
    for (field, change) in refused {
        let error = with(change).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    let twice = with(|_| {}).unwrap().with_lora(&small(), 0).unwrap_err();
    assert!(twice.to_string().contains("there already"), "{twice}");
    let twice = with(|options| options.targets = vec![LoraTarget::QProj; 2]);
    let shown = twice.unwrap_err().to_string();
    assert!(shown.contains(r#"["q_proj","q_proj"]"#), "{shown}");
    let read: LoraOptions = toml::from_str("rank = 2\ntargets = [\"q_proj\"]").unwrap();
    assert_eq!(read.targets, [LoraTarget::QProj]);
    assert!(toml::from_str::<LoraOptions>("targets = [\"lm_head\"]").is_err());
    assert!(toml::from_str::<LoraOptions>("rnak = 2").is_err());
}
