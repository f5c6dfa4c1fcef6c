//! `goldstone train` and `goldstone sample` from a shell: what they make, what
//! they refuse, and their exit codes. The policy is tiny and learns nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

use super::interrupted::summary;

/// Seconds even without optimisation.
pub(super) const RECIPE: &str = r#"
version = 1
name = "tiny"
seed = 3

[model]
random = { layers = 1, hidden_size = 16, intermediate_size = 32, heads = 2, max_positions = 64 }
tokenizer = { characters = "0123456789+=;", special = ["<think>", "</think>", "<answer>", "</answer>"] }

[tasks.train]
generator = { addition = { digits = 1 } }
part = "train"

[tasks.held-out]
generator = { addition = { digits = 1 } }
part = "held_out"

[reward]
spec = "r1-zero"

[evaluation]
prompts = 4
every = 2
samples = 1
sampling = { max_tokens = 12 }

[checkpoints]
every = 2

[[stages]]
name = "cold-start"
[stages.sft]
demonstrations = 16
batch_size = 4
optimizer = { learning_rate = 1e-2 }

[[stages]]
name = "reasoning"
[stages.grpo]
steps = 3
prompts_per_step = 2
group_size = 2
sampling = { max_tokens = 12 }
optimizer = { learning_rate = 1e-3 }
"#;

pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        fs::write(folder.path("tiny.toml"), RECIPE).unwrap();
        folder
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin("goldstone"));
        command.args(args).current_dir(self.0.path());
        command.env("RUST_BACKTRACE", "0").stdin(Stdio::null());
        command
    }

    /// Runs a command that must end with this code, and gives what it said.
    pub(super) fn run(&self, code: i32, args: &[&str]) -> String {
        let output: Output = self.command(args).output().unwrap();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = said(&output.stdout) + &said(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        said
    }

    pub(super) fn rows(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.path(name)).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The metrics of a run, without times.
    pub(super) fn metrics(&self, run: &str) -> Vec<Vec<(String, Value)>> {
        let is_clock = |name: &str| {
            ["time", "step_time", "perf", "tokens_per", "timing"]
                .iter()
                .any(|word| name.contains(word))
        };
        let rows = self.rows(&format!("{run}/metrics.jsonl"));
        let timeless = |row: Value| -> Vec<(String, Value)> {
            let map = row.as_object().unwrap().clone();
            map.into_iter()
                .filter(|(name, _)| !is_clock(name))
                .collect()
        };
        rows.into_iter().map(timeless).collect()
    }
}

#[test]
fn a_run_without_evaluation_has_no_best_policy() {
    let folder = Folder::new();
    let (head, rest) = RECIPE.split_once("[evaluation]").unwrap();
    let (_, tail) = rest.split_once("[checkpoints]").unwrap();
    let text = format!("{head}[checkpoints]{tail}");
    fs::write(folder.path("blind.toml"), text).unwrap();
    let said = folder.run(0, &["train", "blind.toml", "-o", "blind"]);
    assert!(said.contains("completions, the final/ policy"), "{said}");
    assert!(!folder.path("blind/best").exists());
}

#[test]
fn a_run_fills_its_folder() {
    let folder = Folder::new();
    let said = folder.run(0, &["train", "tiny.toml", "--jobs", "1"]);
    assert!(
        said.contains("greedy/accuracy on held-out problems"),
        "{said}"
    );
    for name in [
        "run.json",
        "recipe.toml",
        "metrics.jsonl",
        "completions.jsonl",
        "report.html",
        "best/model.safetensors",
        "final/config.json",
        "final/tokenizer.json",
    ] {
        assert!(folder.path("runs/tiny").join(name).exists(), "{name}");
    }
    assert!(
        said.contains("completions, best/ and final/ policies"),
        "{said}"
    );
    // A run that goes on tells of all evaluations, not of its own alone.
    let again = folder.run(0, &["train", "tiny.toml", "--jobs", "1", "--resume"]);
    assert_eq!(summary(&again), summary(&said));
    assert!(summary(&said).contains("after cold-start"), "{said}");
    // The same seed and threads are the same run.
    folder.run(
        0,
        &[
            "train",
            "tiny.toml",
            "--jobs",
            "1",
            "-o",
            "again",
            "--quiet",
        ],
    );
    assert_eq!(folder.metrics("runs/tiny"), folder.metrics("again"));
    // Another seed is another, and the copy of the recipe says so.
    folder.run(
        0,
        &[
            "train",
            "tiny.toml",
            "--jobs",
            "1",
            "-o",
            "other",
            "--seed",
            "4",
            "-q",
        ],
    );
    assert_ne!(folder.metrics("runs/tiny"), folder.metrics("other"));
    let copy = fs::read_to_string(folder.path("other/recipe.toml")).unwrap();
    assert!(copy.ends_with("#: set seed = 4\n"), "{copy}");
    // A folder with a run is not written over unasked.
    let said = folder.run(2, &["train", "tiny.toml"]);
    assert!(
        said.contains("--resume") && said.contains("--overwrite"),
        "{said}"
    );
    let said = folder.run(2, &["train", "tiny.toml", "--resume", "-o", "nowhere"]);
    assert!(said.contains("no run to go on with"), "{said}");
    // What was begun with one recipe does not go on with another.
    let said = folder.run(
        2,
        &[
            "train",
            "tiny.toml",
            "--resume",
            "--set",
            "stages.reasoning.grpo.steps=9",
        ],
    );
    assert!(said.contains("another recipe"), "{said}");
}

#[test]
fn adapters_are_trained_beside_a_kept_policy() {
    let folder = Folder::new();
    folder.run(0, &["train", "tiny.toml", "-q"]);
    let (head, tail) = RECIPE.split_once("[model]").unwrap();
    let (_, tail) = tail.split_once("[tasks.train]").unwrap();
    let model = "[model]\npath = \"runs/tiny/final\"\nlora = { rank = 2, targets = [\"q_proj\", \"down_proj\"] }\n";
    let recipe = format!("{head}{model}\n[tasks.train]{tail}");
    fs::write(
        folder.path("lora.toml"),
        recipe.replace("name = \"tiny\"", "name = \"lora\""),
    )
    .unwrap();
    folder.run(0, &["train", "lora.toml", "-q", "--jobs", "1"]);
    assert!(
        folder
            .path("runs/lora/final/adapter_model.safetensors")
            .exists()
    );
    let run: Value =
        serde_json::from_slice(&fs::read(folder.path("runs/lora/run.json")).unwrap()).unwrap();
    assert!(run["trainable"].as_u64().unwrap() < run["parameters"].as_u64().unwrap());
    folder.run(
        0,
        &[
            "sample",
            "runs/lora",
            "--recipe",
            "tiny.toml",
            "--limit",
            "2",
            "--max-tokens",
            "8",
            "-o",
            "rows.jsonl",
        ],
    );
    let said = folder.run(
        2,
        &[
            "train",
            "lora.toml",
            "--set",
            "model.lora.dropout=0.1",
            "-o",
            "x",
        ],
    );
    assert!(said.contains("runs have no dropout"), "{said}");
}

#[test]
fn a_dry_run_says_what_would_be_done() {
    let folder = Folder::new();
    let said = folder.run(0, &["train", "tiny.toml", "--dry-run"]);
    for part in [
        "parameters",
        "2 prompts x 2 completions",
        "memory: about ",
        "activations",
        "runs/tiny",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!folder.path("runs").exists());
    let said = folder.run(2, &["train", "gsm8k", "--dry-run"]);
    assert!(
        said.contains("missing") && said.contains("--set model.path="),
        "{said}"
    );
    let said = folder.run(
        2,
        &[
            "train",
            "tiny.toml",
            "--dry-run",
            "--set",
            "stages.reasoning.grpo.stepz=2",
        ],
    );
    assert!(said.contains("did you mean `steps`?"), "{said}");
}

/// What a run on another machine would take can be asked on this one.
#[cfg(not(feature = "cuda"))]
#[test]
fn a_dry_run_plans_for_a_device_that_is_not_there() {
    let folder = Folder::new();
    let said = folder.run(2, &["train", "tiny.toml", "--dry-run", "--device", "cuda"]);
    for part in ["missing  device `cuda` cannot be used", "memory: about "] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let said = folder.run(2, &["train", "tiny.toml", "--dry-run", "--device", "tpu"]);
    assert!(!said.contains("memory"), "{said}");
}

/// Matrices are multiplied in bf16, and all that is kept is f32.
#[test]
fn a_run_in_bf16_says_so_and_saves_f32() {
    let folder = Folder::new();
    let said = folder.run(0, &["train", "tiny.toml", "--compute", "bf16"]);
    for part in ["memory   cold-start: about ", "bf16 copies", "moments"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let info = fs::read_to_string(folder.path("runs/tiny/run.json")).unwrap();
    let info: Value = serde_json::from_str(&info).unwrap();
    let device = info["device"].as_str().unwrap();
    assert!(device.ends_with("bf16"), "{device}");
    let recipe = fs::read_to_string(folder.path("runs/tiny/recipe.toml")).unwrap();
    assert!(recipe.contains("compute"), "{recipe}");
    let saved = fs::read(folder.path("runs/tiny/final/model.safetensors")).unwrap();
    let header = String::from_utf8_lossy(&saved[..2000]).into_owned();
    assert!(
        header.contains("F32") && !header.contains("BF16"),
        "{header}"
    );
    // The same with the key in the recipe; one without it is another recipe.
    let more = ["train", "tiny.toml", "-o", "again", "--quiet"];
    let key = ["--set", "model.compute=\"bf16\""];
    folder.run(0, &[&more[..], &key[..]].concat());
    assert_eq!(folder.metrics("runs/tiny"), folder.metrics("again"));
    let said = folder.run(2, &["train", "tiny.toml", "--resume"]);
    assert!(said.contains("another recipe"), "{said}");
    let said = folder.run(2, &["train", "tiny.toml", "--compute", "fp8"]);
    assert!(said.contains("`auto`, `f32` or `bf16`"), "{said}");
    let said = folder.run(2, &["train", "tiny.toml", "--set", "model.compute=\"fp8\""]);
    assert!(said.contains("fp8"), "{said}");
}

#[test]
fn recipes_are_listed_shown_and_checked() {
    let folder = Folder::new();
    let list = folder.run(0, &["train", "--list"]);
    for shipped in goldstone::train::recipe::shipped() {
        assert!(list.contains(shipped.name), "{list}");
    }
    let shown = folder.run(0, &["train", "--show", "addition"]);
    fs::write(folder.path("copy.toml"), shown).unwrap();
    let said = folder.run(0, &["check", "copy.toml", "tiny.toml", "r1-zero"]);
    assert!(
        said.contains("recipe `addition`") && said.contains("spec `r1-zero`"),
        "{said}"
    );
    fs::write(
        folder.path("bad.toml"),
        RECIPE.replace("[stages.sft]", "[stages.sfd]"),
    )
    .unwrap();
    let said = folder.run(2, &["check", "bad.toml"]);
    assert!(said.contains("did you mean `sft`?"), "{said}");
    folder.run(2, &["train", "--show", "none"]);
    folder.run(2, &["train", "none"]);
    folder.run(2, &["train"]);
    let schema = folder.run(0, &["train", "--schema"]);
    assert!(serde_json::from_str::<Value>(&schema).unwrap().is_object());
    for command in ["train", "sample", "filter"] {
        let help = folder.run(0, &[command, "--help"]);
        assert!(help.contains("Examples:\n  goldstone "), "{command}");
    }
}
