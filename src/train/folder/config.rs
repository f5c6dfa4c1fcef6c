//! `config.json`: what transformers says about a model, read and written.
//!
//! Every field that changes what the model computes is read or refused; the rest
//! is kept as it is for the next save.

use serde_json::{Map, Value, json};

use super::FolderError;
use super::json::Document;
use super::tensors::StoredType;
use crate::train::policy::{Architecture, ModelConfig, Rope, RopeScaling};

/// Name of the file.
pub(super) const CONFIG: &str = "config.json";

/// Positions of a model whose file does not say.
const POSITIONS: usize = 32_768;
/// Base of the rotation where the file does not say, as in transformers.
const THETA: f64 = 10_000.0;

/// Reads the file's fields.
pub(super) fn read(document: &Document) -> Result<ModelConfig, FolderError> {
    let architecture = architecture(document)?;
    refuse_unsupported(document, architecture)?;
    let hidden_size = document.required_count("hidden_size")?;
    let heads = document.required_count("num_attention_heads")?;
    let head_dim = match (document.count("head_dim")?, architecture) {
        (Some(size), _) => size,
        // What transformers takes where the file does not say.
        (None, Architecture::Qwen3) => 128,
        (None, _) => hidden_size / heads,
    };
    let rms_norm_eps = document.positive("rms_norm_eps")?.unwrap_or(1e-6);
    Ok(ModelConfig {
        architecture,
        vocab_size: document.required_count("vocab_size")?,
        hidden_size,
        intermediate_size: document.required_count("intermediate_size")?,
        layers: document.required_count("num_hidden_layers")?,
        heads,
        kv_heads: document.count("num_key_value_heads")?.unwrap_or(heads),
        head_dim,
        rms_norm_eps,
        rope: rope(document)?,
        tie_embeddings: document.flag("tie_word_embeddings", false)?,
        attention_bias: architecture == Architecture::Qwen2,
        qk_norm: architecture == Architecture::Qwen3,
        max_positions: document
            .count("max_position_embeddings")?
            .unwrap_or(POSITIONS),
    })
}

fn architecture(document: &Document) -> Result<Architecture, FolderError> {
    let wanted = "`qwen2`, `qwen3` or `llama`";
    let (architecture, class) = match document.text("model_type")? {
        Some("qwen2") => (Architecture::Qwen2, "Qwen2ForCausalLM"),
        Some("qwen3") => (Architecture::Qwen3, "Qwen3ForCausalLM"),
        Some("llama") => (Architecture::Llama, "LlamaForCausalLM"),
        _ => return Err(document.refuse("model_type", wanted)),
    };
    // A reward model or an encoder has another head.
    match document.value("architectures").and_then(Value::as_array) {
        Some(names) if !names.iter().any(|name| name == class) => {
            Err(document.refuse("architectures", format!("`[\"{class}\"]`")))
        }
        _ => Ok(architecture),
    }
}

/// Refuses what our forward pass does not compute.
fn refuse_unsupported(document: &Document, architecture: Architecture) -> Result<(), FolderError> {
    if document.value("quantization_config").is_some() {
        let wanted = "missing: quantised weights cannot be trained; use the checkpoint in bf16";
        return Err(document.refuse("quantization_config", wanted));
    }
    match document.text("hidden_act")? {
        None | Some("silu") => {}
        Some(_) => return Err(document.refuse("hidden_act", "`silu`")),
    }
    if architecture != Architecture::Qwen2 && document.flag("attention_bias", false)? {
        let wanted = "`false`: of biases, only Qwen2's on queries, keys and values is supported";
        return Err(document.refuse("attention_bias", wanted));
    }
    if document.flag("mlp_bias", false)? {
        return Err(document.refuse("mlp_bias", "`false`"));
    }
    for dropout in ["attention_dropout", "hidden_dropout"] {
        match document.value(dropout).map(Value::as_f64) {
            None | Some(Some(0.0)) => {}
            Some(_) => return Err(document.refuse(dropout, "`0.0`: there is no dropout")),
        }
    }
    sliding_window(document)
}

/// Refuses a window that some layer would use.
fn sliding_window(document: &Document) -> Result<(), FolderError> {
    if let Some(types) = document.value("layer_types") {
        let list = types.as_array().map(Vec::as_slice).unwrap_or_default();
        if list.iter().any(|name| name != "full_attention") {
            let wanted = "`full_attention` in every layer: sliding windows are not supported";
            return Err(document.refuse("layer_types", wanted));
        }
        return Ok(());
    }
    let used = document.flag("use_sliding_window", false)?;
    let layers = document.required_count("num_hidden_layers")?;
    // Layers below this one attend to everything.
    let first = document.value("max_window_layers").and_then(Value::as_u64);
    let reached = first.is_none_or(|first| first < layers as u64);
    if used && reached && document.value("sliding_window").is_some() {
        let wanted = "`false`: sliding windows are not supported";
        return Err(document.refuse("use_sliding_window", wanted));
    }
    Ok(())
}

/// The rotation of positions: `rope_parameters` of transformers 5, or `rope_theta`
/// and `rope_scaling` of those before.
fn rope(document: &Document) -> Result<Rope, FolderError> {
    let outer = document.positive("rope_theta")?;
    let parameters = match document.object("rope_parameters")? {
        Some(parameters) => Some(parameters),
        None => document.object("rope_scaling")?,
    };
    let Some(parameters) = parameters else {
        return Ok(Rope {
            theta: outer.unwrap_or(THETA),
            scaling: RopeScaling::None,
        });
    };
    let theta = parameters
        .positive("rope_theta")?
        .or(outer)
        .unwrap_or(THETA);
    // Older files call it `type`.
    let field = match parameters.value("rope_type") {
        Some(_) => "rope_type",
        None => "type",
    };
    let required = |field: &str| {
        let number = parameters.positive(field)?;
        number.ok_or_else(|| parameters.refuse(field, "a number above 0"))
    };
    let scaling = match parameters.text(field)? {
        None | Some("default") => RopeScaling::None,
        Some("linear") => RopeScaling::Linear {
            factor: required("factor")?,
        },
        Some("llama3") => RopeScaling::Llama3 {
            factor: required("factor")?,
            low_frequency_factor: required("low_freq_factor")?,
            high_frequency_factor: required("high_freq_factor")?,
            original_positions: parameters.required_count("original_max_position_embeddings")?,
        },
        Some(_) => return Err(parameters.refuse(field, "`default`, `linear` or `llama3`")),
    };
    if parameters.positive("partial_rotary_factor")?.unwrap_or(1.0) != 1.0 {
        return Err(parameters.refuse("partial_rotary_factor", "`1.0`"));
    }
    Ok(Rope { theta, scaling })
}

/// The file of a model that came from nowhere, or the loaded one with the type of
/// its numbers brought up to date.
pub(super) fn write(
    config: &ModelConfig,
    loaded: Option<&Map<String, Value>>,
    stored: StoredType,
) -> Vec<u8> {
    let mut fields = match loaded {
        Some(fields) => fields.clone(),
        None => new_fields(config),
    };
    // transformers 5 writes `dtype`, older ones `torch_dtype`.
    let field = match fields.contains_key("torch_dtype") {
        true => "torch_dtype",
        false => "dtype",
    };
    fields.insert(field.to_owned(), stored.name().into());
    format!("{:#}\n", Value::Object(fields)).into_bytes()
}

fn new_fields(config: &ModelConfig) -> Map<String, Value> {
    let (class, model_type) = match config.architecture {
        Architecture::Qwen2 => ("Qwen2ForCausalLM", "qwen2"),
        Architecture::Qwen3 => ("Qwen3ForCausalLM", "qwen3"),
        Architecture::Llama => ("LlamaForCausalLM", "llama"),
    };
    let scaling = match &config.rope.scaling {
        RopeScaling::None => Value::Null,
        RopeScaling::Linear { factor } => json!({ "rope_type": "linear", "factor": factor }),
        RopeScaling::Llama3 {
            factor,
            low_frequency_factor,
            high_frequency_factor,
            original_positions,
        } => json!({
            "rope_type": "llama3", "factor": factor, "low_freq_factor": low_frequency_factor,
            "high_freq_factor": high_frequency_factor,
            "original_max_position_embeddings": original_positions,
        }),
    };
    // `rope_theta` and `rope_scaling` are read by every version of transformers.
    let fields = json!({
        "architectures": [class], "model_type": model_type, "attention_dropout": 0.0,
        "head_dim": config.head_dim, "hidden_act": "silu", "hidden_size": config.hidden_size,
        "initializer_range": 0.02, "intermediate_size": config.intermediate_size,
        "max_position_embeddings": config.max_positions,
        "num_attention_heads": config.heads, "num_hidden_layers": config.layers,
        "num_key_value_heads": config.kv_heads, "rms_norm_eps": config.rms_norm_eps,
        "rope_theta": config.rope.theta, "rope_scaling": scaling,
        "tie_word_embeddings": config.tie_embeddings, "use_cache": true,
        "vocab_size": config.vocab_size,
    });
    let Value::Object(mut fields) = fields else {
        unreachable!("an object is written above");
    };
    let rest: &[(&str, Value)] = match config.architecture {
        Architecture::Qwen2 => &[("use_sliding_window", false.into())],
        Architecture::Qwen3 => &[
            ("use_sliding_window", false.into()),
            ("attention_bias", false.into()),
        ],
        Architecture::Llama => &[
            ("attention_bias", false.into()),
            ("mlp_bias", false.into()),
            ("pretraining_tp", 1.into()),
        ],
    };
    fields.extend(
        rest.iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    fields
}
