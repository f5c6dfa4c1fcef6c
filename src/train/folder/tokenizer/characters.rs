//! A tokenizer of single characters: an alphabet in, transformers' files out.
//!
//! Byte-pair encoding without a single merge splits a text into characters, and
//! added tokens are looked for before. Both are read by every version of the
//! `tokenizers` library, so that the numbers are the same there.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{FolderError, TOKENIZER, TOKENIZER_CONFIG};

const PAD: &str = "<pad>";
const EOS: &str = "<eos>";
const UNK: &str = "<unk>";

/// The tokenizer's files by name.
pub(super) fn files(
    alphabet: &str,
    markers: &[String],
) -> Result<Vec<(String, Vec<u8>)>, FolderError> {
    let refuse = |why: String| Err(FolderError::Alphabet { why });
    if alphabet.is_empty() {
        return refuse("the alphabet is empty".to_owned());
    }
    let mut seen = HashSet::from([PAD.to_owned(), EOS.to_owned(), UNK.to_owned()]);
    let characters = alphabet.chars().map(String::from);
    for text in markers.iter().cloned().chain(characters) {
        if text.is_empty() {
            return refuse("a special token is empty".to_owned());
        }
        if !seen.insert(text.clone()) {
            return refuse(format!("`{text}` occurs twice"));
        }
    }

    let special = [PAD, EOS, UNK];
    let marks = markers.iter().map(String::as_str);
    let tokens: Vec<String> = special
        .into_iter()
        .chain(marks)
        .map(str::to_owned)
        .chain(alphabet.chars().map(String::from))
        .collect();
    let added: Vec<Value> = tokens
        .iter()
        .take(special.len() + markers.len())
        .enumerate()
        .map(|(id, content)| {
            json!({
                "id": id, "content": content, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false,
                // Rewards look for markers in the text; these must not vanish from it.
                "special": id < special.len(),
            })
        })
        .collect();
    let vocab: Map<String, Value> = tokens
        .iter()
        .enumerate()
        .map(|(id, token)| (token.clone(), id.into()))
        .collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": null, "pre_tokenizer": null, "post_processor": null,
        "decoder": { "type": "Fuse" },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": UNK,
            "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": [],
        },
    });
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false,
        "pad_token": PAD, "eos_token": EOS, "unk_token": UNK,
        // transformers' own number for "no limit".
        "model_max_length": 1_000_000_000_000_000_019_884_624_838_656_f64,
    });
    Ok(vec![
        (TOKENIZER.to_owned(), pretty(&tokenizer)),
        (TOKENIZER_CONFIG.to_owned(), pretty(&config)),
    ])
}

fn pretty(file: &Value) -> Vec<u8> {
    format!("{file:#}\n").into_bytes()
}
