//! LoRA adapters in PEFT's files: `adapter_config.json` and
//! `adapter_model.safetensors`.

use std::path::Path;

use candle_core::Tensor;
use serde_json::{Value, json};

use super::error::{read, write};
use super::json::Document;
use super::tensors::{Shape, StoredType, Tensors, write_file};
use super::{FolderError, ModelFolder};
use crate::train::TrainError;
use crate::train::policy::{LoraOptions, LoraSide, LoraTarget, Policy};
use crate::train::replace::replace;

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

/// One matrix of an adapter: its name in PEFT's file and in the policy.
struct Matrix {
    name: String,
    parameter: String,
}

/// All matrices of a policy's adapters.
fn matrices(options: &LoraOptions, layers: usize) -> Vec<Matrix> {
    let mut all = Vec::new();
    for layer in 0..layers {
        for target in &options.targets {
            for (side, letter) in [(LoraSide::A, 'A'), (LoraSide::B, 'B')] {
                let (block, module) = (target.block(), target.name());
                all.push(Matrix {
                    name: format!(
                        "base_model.model.model.layers.{layer}.{block}.{module}.lora_{letter}.weight"
                    ),
                    parameter: target.parameter(layer, side),
                });
            }
        }
    }
    all
}

/// Writes a policy's adapters so that PEFT loads them; `base` is the folder or the
/// name of the model that they stand beside. The tokenizer's files are written too.
///
/// Numbers are stored in f32. A folder of an adapter that stands at `path` is
/// replaced, whole or not at all.
///
/// # Errors
/// [`TrainError::Config`] for a policy without adapters; otherwise as
/// [`save_policy`](super::save_policy).
pub fn save_adapter(
    path: &Path,
    policy: &Policy,
    folder: &ModelFolder,
    base: &str,
) -> Result<(), TrainError> {
    let Some(options) = policy.lora() else {
        return Err(TrainError::Config {
            field: "lora",
            found: "missing".to_owned(),
            wanted: "there: a policy without adapters is saved whole".to_owned(),
        });
    };
    replace(path, |target| {
        folder.tokenizer.save(target)?;
        let file = format!("{:#}\n", settings(options, base));
        write(&target.join(CONFIG), file.as_bytes())?;
        let all = matrices(options, policy.config().layers);
        let tensor = |matrix: &Matrix| -> Result<Tensor, TrainError> {
            let tensor = policy.parameters().get(&matrix.parameter);
            let tensor = tensor.ok_or_else(|| TrainError::UnknownParameter {
                name: matrix.parameter.clone(),
            })?;
            Ok(tensor.t()?)
        };
        let shapes = all
            .iter()
            .map(|matrix| Ok((matrix.name.clone(), tensor(matrix)?.dims().to_vec())))
            .collect::<Result<Vec<Shape>, TrainError>>()?;
        let mut numbers = |name: &str| -> Result<Vec<f32>, TrainError> {
            let matrix = all.iter().find(|matrix| matrix.name == name);
            let matrix = matrix.expect("shapes are those of the matrices");
            Ok(tensor(matrix)?.flatten_all()?.to_vec1()?)
        };
        let shapes: Vec<&Shape> = shapes.iter().collect();
        write_file(
            &target.join(WEIGHTS),
            &shapes,
            StoredType::F32,
            &mut numbers,
        )
    })
}

/// Reads adapters that PEFT, or [`save_adapter`], wrote, and puts them beside the
/// policy's weights; `seed` is that of dropout.
///
/// # Errors
/// [`TrainError::Folder`] for whatever is missing or malformed, a method other than
/// plain LoRA, modules that are no linear map of a layer, and tensors that do not fit.
pub fn load_adapter(path: &Path, policy: Policy, seed: u64) -> Result<Policy, TrainError> {
    let file = path.join(CONFIG);
    let document = Document::parse(&file, &read(&file)?)?;
    let options = options(&document)?;
    let mut policy = policy.with_lora(&options, seed)?;
    let all = matrices(&options, policy.config().layers);
    let mut tensors = Tensors::open_file(&path.join(WEIGHTS))?;
    let stranger = tensors
        .names()
        .find(|name| all.iter().all(|matrix| matrix.name != **name));
    if let Some(name) = stranger {
        return Err(TrainError::Folder(FolderError::Tensor {
            path: path.join(WEIGHTS),
            name: name.to_owned(),
            found: "there".to_owned(),
            wanted: "absent: adapter_config.json has no such module for this model".to_owned(),
        }));
    }
    for matrix in all {
        let ours = policy.parameters().get(&matrix.parameter);
        let (rows, columns) = match ours {
            Some(tensor) => tensor.dims2()?,
            None => (0, 0),
        };
        let numbers = tensors.read(&matrix.name, &[columns, rows])?;
        let tensor = Tensor::from_vec(numbers, (columns, rows), policy.device())?;
        let tensor = tensor.t()?.contiguous()?;
        policy.parameters_mut().set(&matrix.parameter, tensor)?;
    }
    Ok(policy)
}

fn options(document: &Document) -> Result<LoraOptions, FolderError> {
    if document.text("peft_type")? != Some("LORA") {
        return Err(document.refuse("peft_type", "`LORA`"));
    }
    refuse_unsupported(document)?;
    let wanted = "a list of `q_proj`, `k_proj`, `v_proj`, `o_proj`, `gate_proj`, `up_proj`, \
                  `down_proj`, or `all-linear`";
    let refuse = || document.refuse("target_modules", wanted);
    let targets = match document.value("target_modules") {
        Some(Value::String(all)) if all == "all-linear" => LoraTarget::ALL.to_vec(),
        Some(Value::Array(names)) => LoraTarget::ALL
            .into_iter()
            .filter(|target| names.iter().any(|name| name == target.name()))
            .collect::<Vec<_>>(),
        _ => return Err(refuse()),
    };
    let named = document.value("target_modules").and_then(Value::as_array);
    if targets.is_empty() || named.is_some_and(|names| names.len() != targets.len()) {
        return Err(refuse());
    }
    let dropout = match document.value("lora_dropout").map(Value::as_f64) {
        None => 0.0,
        Some(Some(share)) if (0.0..1.0).contains(&share) => share,
        Some(_) => return Err(document.refuse("lora_dropout", "a number in [0, 1)")),
    };
    let alpha = document.positive("lora_alpha")?;
    Ok(LoraOptions {
        rank: document.required_count("r")?,
        alpha: alpha.ok_or_else(|| document.refuse("lora_alpha", "a number above 0"))?,
        rslora: document.flag("use_rslora", false)?,
        targets,
        dropout,
    })
}

/// Refuses what makes of the same matrices another model.
fn refuse_unsupported(document: &Document) -> Result<(), FolderError> {
    let is_idle = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    for field in [
        "use_dora",
        "use_qalora",
        "use_bdlora",
        "lora_bias",
        "fan_in_fan_out",
        "modules_to_save",
        "rank_pattern",
        "alpha_pattern",
        "layers_to_transform",
        "layers_pattern",
        "layer_replication",
        "exclude_modules",
        "target_parameters",
        "trainable_token_indices",
        "alora_invocation_tokens",
        "arrow_config",
        "kasa_config",
        "monteclora_config",
        "velora_config",
    ] {
        if document.value(field).is_some_and(|value| !is_idle(value)) {
            return Err(document.refuse(field, "absent: plain LoRA alone is supported"));
        }
    }
    match document.text("bias")? {
        None | Some("none") => {}
        Some(_) => return Err(document.refuse("bias", "`none`")),
    }
    // Other ways to begin change the weights that the adapters stand beside.
    match document.value("init_lora_weights") {
        None | Some(Value::Bool(_)) => Ok(()),
        Some(Value::String(way)) if way == "gaussian" => Ok(()),
        Some(_) => Err(document.refuse("init_lora_weights", "`true`, `false` or `gaussian`")),
    }
}

/// The file as PEFT writes it, without what it has by default.
fn settings(options: &LoraOptions, base: &str) -> Value {
    let targets: Vec<&str> = options.targets.iter().map(|target| target.name()).collect();
    json!({
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": base,
        "inference_mode": true, "r": options.rank, "lora_alpha": options.alpha,
        "lora_dropout": options.dropout, "target_modules": targets, "bias": "none",
        "use_rslora": options.rslora, "use_dora": false, "fan_in_fan_out": false,
        "init_lora_weights": true, "modules_to_save": null,
    })
}
