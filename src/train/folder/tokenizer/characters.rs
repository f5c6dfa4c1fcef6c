//! A tokenizer of single characters: an alphabet in, transformers' files out.
//!
//! Byte-pair encoding over bytes, as Qwen's and Llama 3's, whose only merges join
//! the bytes of a character of the alphabet; added tokens are looked for before.
//! It must be over bytes: beside a Qwen2 model, transformers 5 puts Qwen2's own
//! splitting into bytes in the place of whatever `tokenizer.json` says.

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
    // These stand for bytes in the decoder, added tokens included.
    let is_byte = |letter: char| !letter.is_ascii() && (letter as u32) < 256 + 68;
    if let Some(marker) = markers.iter().find(|marker| marker.contains(is_byte)) {
        return refuse(format!("`{marker}` has a letter with an accent"));
    }

    let special = [PAD, EOS, UNK];
    let marks = markers.iter().map(String::as_str);
    let mut tokens: Vec<String> = special
        .into_iter()
        .chain(marks)
        .map(str::to_owned)
        .chain(
            alphabet
                .chars()
                .map(|character| spelled(character).concat()),
        )
        .collect();
    let merges = joined(alphabet, &mut tokens);
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
        "normalizer": null, "post_processor": null,
        "pre_tokenizer": byte_level(false), "decoder": byte_level(true),
        "model": {
            "type": "BPE", "dropout": null, "unk_token": UNK,
            "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": merges,
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

/// The step between text and bytes, on its own: without splitting into words.
fn byte_level(splits: bool) -> Value {
    json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": splits,
    })
}

/// A character's bytes, each as the letter that stands for it in byte-level
/// vocabularies: printable ones for themselves, the others from U+0100 on (GPT-2).
fn spelled(character: char) -> Vec<String> {
    let is_shown = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let letter = |byte: u8| {
        if is_shown(byte) {
            return char::from(byte);
        }
        let before = (0..byte).filter(|other| !is_shown(*other)).count();
        char::from_u32(256 + before as u32).expect("68 bytes are not shown")
    };
    let mut buffer = [0; 4];
    let bytes = character.encode_utf8(&mut buffer).bytes();
    bytes.map(|byte| letter(byte).to_string()).collect()
}

/// The merges that join characters of several bytes; their bytes and beginnings are
/// put behind the other tokens.
fn joined(alphabet: &str, tokens: &mut Vec<String>) -> Vec<[String; 2]> {
    let mut known: HashSet<String> = tokens.iter().cloned().collect();
    let mut merges = Vec::new();
    for character in alphabet.chars() {
        let letters = spelled(character);
        let mut begun = String::new();
        for letter in letters {
            let whole = format!("{begun}{letter}");
            for token in [&letter, &whole] {
                if known.insert(token.clone()) {
                    tokens.push(token.clone());
                }
            }
            let merge = [begun, letter];
            if !merge[0].is_empty() && !merges.contains(&merge) {
                merges.push(merge);
            }
            begun = whole;
        }
    }
    merges
}

fn pretty(file: &Value) -> Vec<u8> {
    format!("{file:#}\n").into_bytes()
}
