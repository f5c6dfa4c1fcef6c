//! Hugging Face folders: read, refused, written.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use goldstone::train::TrainError;
use goldstone::train::folder::{
    FolderError, ModelFolder, SaveOptions, StoredType, Tokenizer, load_policy, save_policy,
    save_policy_with,
};
use goldstone::train::policy::{ModelConfig, Policy};
use goldstone::train::recipe::Words;
use goldstone::train::sample::Vocabulary;
use goldstone::train::stage::Framing;
use serde::Deserialize;
use serde_json::Value;

use super::fixture::{NAMES, Numbers, folder};

#[test]
fn tokens_are_those_of_transformers() {
    for name in NAMES {
        let tokenizer = Tokenizer::load(&folder(name)).unwrap();
        let numbers = Numbers::read(name);
        for case in &numbers.texts {
            let of = format!("{name}: {:?}", case.text);
            assert_eq!(tokenizer.encode(&case.text).unwrap(), case.ids, "{of}");
            let whole = tokenizer.encode_document(&case.text).unwrap();
            assert_eq!(whole, case.whole, "{of}");
            assert_eq!(tokenizer.decode(&case.ids).unwrap(), case.shown, "{of}");
            assert_eq!(tokenizer.decode_all(&case.ids).unwrap(), case.all, "{of}");
        }
        assert_eq!(tokenizer.eos_ids(), [numbers.eos, numbers.pad], "{name}");
        assert_eq!(tokenizer.pad_id(), Some(numbers.pad), "{name}");
        assert_eq!(tokenizer.vocab_size(), 96, "{name}");
    }
}

#[test]
fn text_without_tokens_is_refused() {
    for name in NAMES {
        let tokenizer = Tokenizer::load(&folder(name)).unwrap();
        for text in ["é", "What Ω", "数 the"] {
            let error = tokenizer.encode(text).unwrap_err();
            assert!(
                matches!(error, FolderError::UnknownText { .. }),
                "{name} {text}: {error}"
            );
        }
    }
}

#[test]
fn a_conversation_becomes_a_prompt() {
    for name in NAMES {
        let read = ModelFolder::load(&folder(name)).unwrap();
        let message = goldstone::train::folder::Message {
            role: "user".to_owned(),
            content: "What is 3 + 4?".to_owned(),
        };
        let shown = read.chat.unwrap().render(&[message], true).unwrap();
        assert_eq!(shown, Numbers::read(name).chat, "{name}");
    }
}

/// One text and its tokens, by transformers on the files that we write.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelled {
    text: String,
    ids: Vec<u32>,
    shown: String,
    all: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Characters {
    alphabet: String,
    markers: Vec<String>,
    texts: Vec<Spelled>,
    eos: u32,
    pad: u32,
}

fn characters() -> (Characters, Tokenizer) {
    let text = std::fs::read_to_string("tests/data/train/policies/characters.json").unwrap();
    let made: Characters = serde_json::from_str(&text).unwrap();
    let tokenizer = Tokenizer::characters(&made.alphabet, &made.markers).unwrap();
    (made, tokenizer)
}

#[test]
fn a_tokenizer_of_characters_is_one_of_transformers() {
    let (made, tokenizer) = characters();
    for case in &made.texts {
        assert_eq!(
            tokenizer.encode(&case.text).unwrap(),
            case.ids,
            "{:?}",
            case.text
        );
        assert_eq!(
            tokenizer.decode(&case.ids).unwrap(),
            case.shown,
            "{:?}",
            case.text
        );
        assert_eq!(
            tokenizer.decode_all(&case.ids).unwrap(),
            case.all,
            "{:?}",
            case.text
        );
    }
    assert_eq!(tokenizer.eos_ids(), [made.eos]);
    assert_eq!(tokenizer.pad_id(), Some(made.pad));
    // The files that transformers read are the files that are written.
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("characters");
    std::fs::create_dir_all(&target).unwrap();
    tokenizer.save(&target).unwrap();
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        let recorded = folder("characters").join(file);
        let written = std::fs::read(target.join(file)).unwrap();
        assert!(written == std::fs::read(recorded).unwrap(), "{file}");
    }
    let read = Tokenizer::load(&target).unwrap();
    assert_eq!(
        read.encode("12=3").unwrap(),
        tokenizer.encode("12=3").unwrap()
    );
    for text in ["1 è", "1\t2", "ß", "A", "\u{1f600}"] {
        let error = tokenizer.encode(text).unwrap_err();
        assert!(matches!(error, FolderError::UnknownText { .. }), "{text}");
    }
}

#[test]
fn the_scored_text_has_every_token() {
    let tokenizer = Tokenizer::characters("0123456789=", &["<answer>".to_owned()]).unwrap();
    let last = tokenizer.vocab_size() as u32;
    let token = |text: &str| tokenizer.token(text).unwrap();
    for special in ["<pad>", "<eos>", "<unk>", "<answer>"] {
        let written = [token("4"), token(special), token("3"), token("2")];
        let text = Words(tokenizer.clone()).decode(&written).unwrap();
        assert_eq!(text, format!("4{special}32"));
        // What is kept is learned as it was written.
        assert_eq!(tokenizer.encode(&text).unwrap(), written);
    }
    // A row of the model that the tokenizer has no token for.
    let text = Words(tokenizer.clone()).decode(&[token("4"), last, token("2")]);
    assert_eq!(text.unwrap(), "4\u{FFFD}2");
    // An unknown character is an error still.
    assert!(tokenizer.encode("4+2").is_err());
}

#[test]
fn plain_prompts_begin_as_documents() {
    let read = ModelFolder::load(&folder("llama")).unwrap();
    let words = Words(read.tokenizer.clone());
    let plain = Framing::Document.encode("1+1", &words).unwrap();
    let framed = Framing::Chat.encode("1+1", &words).unwrap();
    assert_eq!(plain, read.tokenizer.encode_document("1+1").unwrap());
    assert_eq!(
        plain[1..],
        framed,
        "one token, such as `<s>`, stands before it"
    );
}

#[test]
fn alphabets_that_are_none_are_refused() {
    for (alphabet, markers) in [
        ("", vec![]),
        ("aba", vec![]),
        ("ab", vec!["<m>", "<m>"]),
        ("ab", vec![""]),
        ("ab", vec!["a"]),
        ("ab", vec!["<eos>"]),
        ("ab", vec!["<né>"]),
    ] {
        let markers: Vec<String> = markers.into_iter().map(str::to_owned).collect();
        let error = Tokenizer::characters(alphabet, &markers).unwrap_err();
        assert!(
            matches!(error, FolderError::Alphabet { .. }),
            "{alphabet:?} {markers:?}"
        );
    }
}

/// A folder that was changed in one place, and what is said about it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Broken {
    name: String,
    policy: String,
    file: String,
    /// Path of the field, e.g. `/rope_parameters/rope_type`.
    field: Option<String>,
    value: Option<toml::Value>,
    /// Takes the file, or the field, away.
    #[serde(default)]
    remove: bool,
    /// Bytes of the file that stay.
    cut: Option<usize>,
    /// All of these stand in the error; none: the folder is read.
    refused: Option<Vec<String>>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BrokenFolders {
    case: Vec<Broken>,
}

#[test]
fn folders_are_read_or_refused_with_the_reason() {
    let text = std::fs::read_to_string("tests/data/train/folders.toml").unwrap();
    let cases: BrokenFolders = toml::from_str(&text).unwrap();
    let mut names = std::collections::HashSet::new();
    for case in &cases.case {
        assert!(
            names.insert(&case.name) && !case.why.is_empty(),
            "{}",
            case.name
        );
        let target = tempfile::tempdir().unwrap();
        copy(&folder(&case.policy), target.path());
        case.break_in(target.path());
        let read = load_policy(target.path(), &Device::Cpu);
        match (&case.refused, read) {
            (None, Ok(_)) => {}
            (Some(words), Err(error)) => {
                let shown = error.to_string();
                assert!(
                    words.iter().all(|word| shown.contains(word)),
                    "{}: {shown}",
                    case.name
                );
            }
            (None, Err(error)) => panic!("{}: {error}", case.name),
            (Some(_), Ok(_)) => panic!("{}: it was read", case.name),
        }
    }
}

impl Broken {
    fn break_in(&self, target: &Path) {
        let path = target.join(&self.file);
        let Some(field) = &self.field else {
            if self.remove {
                std::fs::remove_file(&path).unwrap();
            }
            if let Some(length) = self.cut {
                let bytes = std::fs::read(&path).unwrap();
                std::fs::write(&path, &bytes[..length]).unwrap();
            }
            if let Some(value) = &self.value {
                std::fs::write(&path, value.as_str().unwrap()).unwrap();
            }
            return;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        let mut file: Value = serde_json::from_str(&text).unwrap();
        let (parent, name) = field.rsplit_once('/').unwrap();
        let parent = file.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if self.remove {
            parent.remove(name).unwrap();
        } else {
            let value = serde_json::to_value(self.value.as_ref().unwrap()).unwrap();
            parent.insert(name.to_owned(), value);
        }
        std::fs::write(&path, file.to_string()).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

fn assert_same(left: &Policy, right: &Policy, tolerance: f32) {
    assert_eq!(left.config(), right.config());
    for ((name, left, _), (_, right, _)) in left.parameters().iter().zip(right.parameters().iter())
    {
        let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (left, right) in numbers(left).iter().zip(numbers(right)) {
            let allowed = tolerance * left.abs().max(1e-3);
            assert!((left - right).abs() <= allowed, "{name}: {left} {right}");
            assert!(
                tolerance > 0.0 || left.to_bits() == right.to_bits(),
                "{name}"
            );
        }
    }
}

#[test]
fn a_saved_policy_is_the_one_that_was_read() {
    // Kept, so that transformers can read them: `check_saved.py` beside the data.
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policies");
    for name in NAMES {
        let (policy, read) = load_policy(&folder(name), &Device::Cpu).unwrap();
        let target = kept.join(name);
        save_policy(&target, &policy, &read).unwrap();
        let (again, read_again) = load_policy(&target, &Device::Cpu).unwrap();
        assert_same(&policy, &again, 0.0);
        assert_eq!(read.generation, read_again.generation);

        let json = |folder: &Path, file: &str| -> Value {
            serde_json::from_slice(&std::fs::read(folder.join(file)).unwrap()).unwrap()
        };
        let mut config = json(&folder(name), "config.json");
        config["dtype"] = "float32".into();
        assert_eq!(
            json(&target, "config.json"),
            config,
            "{name}: every field stays"
        );
        for file in [
            "tokenizer.json",
            "tokenizer_config.json",
            "chat_template.jinja",
            "generation_config.json",
        ] {
            let bytes = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
            assert_eq!(bytes(&target), bytes(&folder(name)), "{name}: {file}");
        }
        // Over the one that stands there, in several files, and at half the size.
        let options = SaveOptions {
            stored: StoredType::Bf16,
            shard_bytes: 10_000,
        };
        let target = kept.join(format!("{name}-bf16"));
        save_policy(&target, &policy, &read).unwrap();
        save_policy_with(&target, &policy, &read, &options).unwrap();
        assert!(!target.join("model.safetensors").exists());
        let (rounded, _) = load_policy(&target, &Device::Cpu).unwrap();
        assert_same(&policy, &rounded, 1.0 / 256.0);
        assert_eq!(json(&target, "config.json")["dtype"], "bfloat16");
    }
}

#[test]
fn weights_of_16_bits_are_read_and_whole_numbers_refused() {
    let (policy, _) = load_policy(&folder("qwen2"), &Device::Cpu).unwrap();
    let weights = "model.safetensors";
    let tensors = candle_core::safetensors::load(folder("qwen2").join(weights), &Device::Cpu);
    let tensors = tensors.unwrap();
    for (dtype, tolerance) in [
        (DType::F16, Some(1.0 / 1024.0)),
        (DType::BF16, Some(1.0 / 256.0)),
        (DType::F64, None),
        (DType::U8, None),
    ] {
        let target = tempfile::tempdir().unwrap();
        copy(&folder("qwen2"), target.path());
        let cast = tensors
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.to_dtype(dtype).unwrap()));
        let cast: std::collections::HashMap<_, _> = cast.collect();
        candle_core::safetensors::save(&cast, target.path().join(weights)).unwrap();
        match (tolerance, load_policy(target.path(), &Device::Cpu)) {
            (Some(tolerance), Ok((read, _))) => assert_same(&policy, &read, tolerance),
            (None, Err(error)) => {
                let shown = error.to_string();
                assert!(shown.contains("F32, BF16 or F16"), "{dtype:?}: {shown}");
            }
            (_, read) => panic!("{dtype:?}: {}", read.is_ok()),
        }
    }
}

#[test]
fn the_files_are_those_that_transformers_writes() {
    // One file, f32 and nothing trained: our bytes are those of `save_pretrained`.
    let (policy, read) = load_policy(&folder("qwen2"), &Device::Cpu).unwrap();
    let target = tempfile::tempdir().unwrap();
    let target = target.path().join("saved");
    save_policy(&target, &policy, &read).unwrap();
    for entry in std::fs::read_dir(folder("qwen2")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap();
        let written = std::fs::read(target.join(file)).unwrap();
        let theirs = std::fs::read(&path).unwrap();
        if file == "config.json" {
            let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
            assert_eq!(parse(&written), parse(&theirs));
        } else {
            assert!(written == theirs, "{}", file.display());
        }
    }
    assert_eq!(
        std::fs::read_dir(&target).unwrap().count(),
        std::fs::read_dir(folder("qwen2")).unwrap().count()
    );
}

#[test]
fn a_policy_from_nowhere_is_saved_and_read() {
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policies");
    let (_, tokenizer) = characters();
    for name in NAMES {
        let config = ModelConfig {
            vocab_size: tokenizer.vocab_size(),
            ..ModelFolder::load(&folder(name)).unwrap().config
        };
        let policy = Policy::random(config.clone(), 7, &Device::Cpu).unwrap();
        let mut made = ModelFolder::new(config, tokenizer.clone()).unwrap();
        made.set_chat_template("{% for m in messages %}{{ m.content }}={% endfor %}")
            .unwrap();
        let target = kept.join(format!("{name}-random"));
        save_policy(&target, &policy, &made).unwrap();
        let (read, folder) = load_policy(&target, &Device::Cpu).unwrap();
        assert_same(&policy, &read, 0.0);
        assert_eq!(folder.generation, made.generation);
        assert_eq!(folder.tokenizer.eos_ids(), [1]);
        assert_eq!(folder.chat.unwrap().source(), made.chat.unwrap().source());
    }
}

#[test]
fn a_model_smaller_than_its_tokenizer_is_refused() {
    let (_, tokenizer) = characters();
    let config = ModelConfig {
        vocab_size: tokenizer.vocab_size() - 1,
        ..ModelFolder::load(&folder("qwen2")).unwrap().config
    };
    let error = ModelFolder::new(config, tokenizer).unwrap_err();
    assert!(
        matches!(
            error,
            TrainError::Config {
                field: "vocab_size",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_folder_with_other_things_in_it_is_not_replaced() {
    let (policy, read) = load_policy(&folder("qwen2"), &Device::Cpu).unwrap();
    let target = tempfile::tempdir().unwrap();
    for thing in ["thesis.tex", "notes", "notes.txt"] {
        let precious = target.path().join(thing);
        std::fs::write(&precious, "years of work").unwrap();
        let error = save_policy(target.path(), &policy, &read).unwrap_err();
        assert!(matches!(error, TrainError::Foreign { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&precious).unwrap(), "years of work");
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 1);
        std::fs::remove_file(&precious).unwrap();
    }
    save_policy(target.path(), &policy, &read).unwrap();
}
