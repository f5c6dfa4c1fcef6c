//! Where a checkpoint's tensors lie in a policy's parameters.
//!
//! A checkpoint holds one matrix `[out, in]` a projection; a policy multiplies from
//! the right, `[in, out]`, and packs the matrices that share an input side by side.

use crate::train::policy::ModelConfig;

/// A tensor of the checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its name there.
    pub(super) name: String,
    /// Its outer length: a matrix's rows, a vector's entries.
    pub(super) outputs: usize,
}

/// A parameter of the policy and the tensors that it is made of, in order.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its name in the policy.
    pub(super) parameter: String,
    pub(super) form: Form,
    pub(super) pieces: Vec<Piece>,
}

/// How pieces become a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Vectors, one behind the other.
    Vector,
    /// One matrix of this inner length, as it is.
    Rows(usize),
    /// Matrices of this inner length, turned and side by side.
    Columns(usize),
}

impl Entry {
    fn new(parameter: String, form: Form, pieces: &[(String, usize)]) -> Self {
        let pieces = pieces.iter().map(|(name, outputs)| Piece {
            name: name.clone(),
            outputs: *outputs,
        });
        Self {
            parameter,
            form,
            pieces: pieces.collect(),
        }
    }

    /// A piece's shape in the checkpoint.
    pub(super) fn piece_shape(&self, piece: &Piece) -> Vec<usize> {
        match self.form {
            Form::Vector => vec![piece.outputs],
            Form::Rows(inputs) | Form::Columns(inputs) => vec![piece.outputs, inputs],
        }
    }

    /// The parameter's shape in the policy.
    pub(super) fn shape(&self) -> Vec<usize> {
        let outputs = self.pieces.iter().map(|piece| piece.outputs).sum();
        match self.form {
            Form::Vector => vec![outputs],
            Form::Rows(inputs) => vec![outputs, inputs],
            Form::Columns(inputs) => vec![inputs, outputs],
        }
    }

    /// The parameter's numbers out of its pieces', given in order.
    pub(super) fn pack(&self, mut pieces: Vec<Vec<f32>>) -> Vec<f32> {
        let Form::Columns(inputs) = self.form else {
            // One piece is the parameter, and may be half of the model.
            return match pieces.len() {
                1 => pieces.remove(0),
                _ => pieces.concat(),
            };
        };
        let width: usize = self.pieces.iter().map(|piece| piece.outputs).sum();
        let mut packed = vec![0.0; inputs * width];
        let mut first = 0;
        for (piece, numbers) in self.pieces.iter().zip(pieces) {
            tiles(piece.outputs, inputs, |row, column| {
                packed[column * width + first + row] = numbers[row * inputs + column];
            });
            first += piece.outputs;
        }
        packed
    }

    /// One piece's numbers out of the parameter's.
    pub(super) fn unpack(&self, at: usize, packed: Vec<f32>) -> Vec<f32> {
        if self.pieces.len() == 1 && !matches!(self.form, Form::Columns(_)) {
            return packed;
        }
        let first: usize = self.pieces[..at].iter().map(|piece| piece.outputs).sum();
        let outputs = self.pieces[at].outputs;
        let inputs = match self.form {
            Form::Vector => 1,
            Form::Rows(inputs) => inputs,
            Form::Columns(inputs) => {
                let width = packed.len() / inputs;
                let mut numbers = vec![0.0; inputs * outputs];
                tiles(outputs, inputs, |row, column| {
                    numbers[row * inputs + column] = packed[column * width + first + row];
                });
                return numbers;
            }
        };
        packed[first * inputs..(first + outputs) * inputs].to_vec()
    }
}

/// Visits all places of a matrix, tile by tile: both sides of a turn stay in the cache.
fn tiles(rows: usize, columns: usize, mut visit: impl FnMut(usize, usize)) {
    const TILE: usize = 16;
    for first_row in (0..rows).step_by(TILE) {
        for first_column in (0..columns).step_by(TILE) {
            for row in first_row..rows.min(first_row + TILE) {
                for column in first_column..columns.min(first_column + TILE) {
                    visit(row, column);
                }
            }
        }
    }
}

/// All parameters of a model, in the order in which transformers lists them.
pub(super) fn entries(config: &ModelConfig) -> Vec<Entry> {
    let hidden = config.hidden_size;
    let queries = config.heads * config.head_dim;
    let keys = config.kv_heads * config.head_dim;
    let ff = config.intermediate_size;
    let mut entries = vec![Entry::new(
        "embed.weight".to_owned(),
        Form::Rows(hidden),
        &[("model.embed_tokens.weight".to_owned(), config.vocab_size)],
    )];
    for layer in 0..config.layers {
        let theirs = |name: &str| format!("model.layers.{layer}.{name}");
        let mut add = |name: &str, form: Form, pieces: &[(&str, usize)]| {
            let pieces: Vec<_> = pieces
                .iter()
                .map(|(name, outputs)| (theirs(name), *outputs))
                .collect();
            entries.push(Entry::new(format!("layers.{layer}.{name}"), form, &pieces));
        };
        add(
            "qkv.weight",
            Form::Columns(hidden),
            &[
                ("self_attn.q_proj.weight", queries),
                ("self_attn.k_proj.weight", keys),
                ("self_attn.v_proj.weight", keys),
            ],
        );
        if config.attention_bias {
            add(
                "qkv.bias",
                Form::Vector,
                &[
                    ("self_attn.q_proj.bias", queries),
                    ("self_attn.k_proj.bias", keys),
                    ("self_attn.v_proj.bias", keys),
                ],
            );
        }
        if config.qk_norm {
            for name in ["q", "k"] {
                add(
                    &format!("{name}_norm.weight"),
                    Form::Vector,
                    &[(&format!("self_attn.{name}_norm.weight"), config.head_dim)],
                );
            }
        }
        let o = [("self_attn.o_proj.weight", hidden)];
        add("o.weight", Form::Columns(queries), &o);
        add(
            "gate_up.weight",
            Form::Columns(hidden),
            &[("mlp.gate_proj.weight", ff), ("mlp.up_proj.weight", ff)],
        );
        add(
            "down.weight",
            Form::Columns(ff),
            &[("mlp.down_proj.weight", hidden)],
        );
        let norm = [("input_layernorm.weight", hidden)];
        add("attention_norm.weight", Form::Vector, &norm);
        let norm = [("post_attention_layernorm.weight", hidden)];
        add("mlp_norm.weight", Form::Vector, &norm);
    }
    entries.push(Entry::new(
        "norm.weight".to_owned(),
        Form::Vector,
        &[("model.norm.weight".to_owned(), hidden)],
    ));
    if !config.tie_embeddings {
        entries.push(Entry::new(
            "head.weight".to_owned(),
            Form::Columns(hidden),
            &[("lm_head.weight".to_owned(), config.vocab_size)],
        ));
    }
    entries
}
