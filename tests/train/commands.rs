//! `goldstone train` and `goldstone sample` from a shell: what they make, what
//! they refuse, and their exit codes. The policy is tiny and learns nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

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

/// What became of a run, as it says at its end.
fn summary(said: &str) -> String {
    let at = said.find("on held-out problems").unwrap();
    let lines = said[at..]
        .lines()
        .take_while(|line| !line.contains(": report.html"));
    lines.collect::<Vec<_>>().join("\n")
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
fn what_is_not_a_runs_is_not_written_over() {
    let folder = Folder::new();
    let mine = ["own/best/notes.txt", "own/final/thesis.tex"];
    for name in mine {
        fs::create_dir_all(folder.path(name).parent().unwrap()).unwrap();
        fs::write(folder.path(name), "years of work").unwrap();
    }
    fs::write(folder.path("own/recipe.toml"), RECIPE).unwrap();
    for extra in [&[][..], &["--overwrite"], &["--resume"]] {
        for (recipe, output) in [("tiny.toml", "own"), ("own/recipe.toml", "own")] {
            let args = [&["train", recipe, "-q", "-o", output], extra].concat();
            folder.run(2, &args);
        }
    }
    let said = folder.run(2, &["train", "tiny.toml", "-o", ".", "--overwrite"]);
    assert!(said.contains("`own`"), "{said}");
    for name in mine {
        assert!(folder.path(name).exists(), "{name}");
    }
    assert_eq!(fs::read_dir(folder.path("own")).unwrap().count(), 3);
    let kept = fs::read_to_string(folder.path("own/recipe.toml")).unwrap();
    assert_eq!(kept, RECIPE);

    // An empty folder is as good as none; a run's own is replaced when asked.
    fs::create_dir(folder.path("run")).unwrap();
    let train = ["train", "tiny.toml", "-q", "-o", "run"];
    folder.run(0, &train);
    fs::create_dir(folder.path("run/kept")).unwrap();
    fs::write(folder.path("run/kept/old.jsonl"), "").unwrap();
    let anew = [&train[..], &["--overwrite"]].concat();
    let never = [
        &anew[..],
        &["--set", "evaluation.early_stop={at_least=2.0}"],
    ]
    .concat();
    folder.run(0, &never);
    assert!(!folder.path("run/kept").exists());
    let copy = fs::read_to_string(folder.path("run/recipe.toml")).unwrap();
    assert!(copy.contains("#: set evaluation.early_stop"), "{copy}");
    // Not with something foreign in it, and not from what it would replace.
    fs::write(folder.path("run/final/notes.txt"), "mine").unwrap();
    let said = folder.run(2, &anew);
    assert!(said.contains("notes.txt"), "{said}");
    assert!(folder.path("run/best/model.safetensors").exists());
    fs::remove_file(folder.path("run/final/notes.txt")).unwrap();
    let from = ["train", "run/recipe.toml", "-q", "-o", "run", "--overwrite"];
    let said = folder.run(2, &from);
    assert!(said.contains("copy it elsewhere"), "{said}");
    folder.run(
        0,
        &["train", "run/recipe.toml", "-q", "-o", "run", "--resume"],
    );
}

#[test]
fn a_run_goes_on_only_with_what_it_was_begun_with() {
    let folder = Folder::new();
    let rows = |answer: u32| {
        let row = |n: u32| format!("{{\"prompt\": \"{n}+1=\", \"reference\": \"{answer}\"}}\n");
        (0..4).map(row).collect::<String>()
    };
    fs::write(folder.path("rows.jsonl"), rows(1)).unwrap();
    let given = "generator = { addition = { digits = 1 } }\npart = \"held_out\"";
    let recipe = RECIPE.replace(given, "file = \"rows.jsonl\"");
    fs::write(folder.path("tiny.toml"), recipe).unwrap();
    let resume = ["train", "tiny.toml", "-o", "run", "--resume", "--plain"];
    folder.run(0, &["train", "tiny.toml", "-o", "run", "-q", "--jobs", "1"]);
    let said = folder.run(0, &[&resume[..], &["--jobs", "2"]].concat());
    assert!(said.contains("goes on with `cpu, 2 threads`"), "{said}");
    fs::write(folder.path("rows.jsonl"), rows(2)).unwrap();
    let said = folder.run(2, &resume);
    assert!(said.contains("another content of `rows.jsonl`"), "{said}");
    // Nor before the first checkpoint.
    fs::write(folder.path("rows.jsonl"), rows(1)).unwrap();
    fs::remove_dir_all(folder.path("run/checkpoints")).unwrap();
    let said = folder.run(2, &[&resume[..], &["--seed", "9"]].concat());
    assert!(said.contains("another recipe"), "{said}");
    folder.run(0, &resume);
}

#[cfg(unix)]
#[test]
fn a_folder_has_one_run_at_a_time() {
    let folder = Folder::new();
    let long = ["--set", "stages.reasoning.grpo.steps=100000", "--jobs", "1"];
    let args = [&["train", "tiny.toml", "-o", "run", "-q"], &long[..]].concat();
    let mut child = folder.command(&args).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !folder.path("run/checkpoints").exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "no checkpoint");
        thread::sleep(Duration::from_millis(5));
    }
    for more in ["--resume", "--overwrite"] {
        let said = folder.run(2, &[&args[..], &[more]].concat());
        let busy = "another run is going on in `run`: wait until it has ended, stop it";
        assert!(said.contains(busy), "{more}: {said}");
    }
    // Another folder is free, and death gives the first one back.
    folder.run(0, &["train", "tiny.toml", "-o", "other", "-q"]);
    child.kill().unwrap();
    child.wait().unwrap();
    let short = ["train", "tiny.toml", "-o", "run", "-q", "--overwrite"];
    folder.run(0, &short);
    assert!(folder.path("run/final").exists());
    // What is left of a run that was killed before it began is in nobody's way.
    fs::create_dir(folder.path("early")).unwrap();
    fs::write(folder.path("early/run.lock"), "").unwrap();
    folder.run(0, &["train", "tiny.toml", "-o", "early", "-q"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_goes_on_to_the_same_end() {
    let folder = Folder::new();
    let long = ["--set", "stages.reasoning.grpo.steps=40", "--jobs", "1"];
    let whole = folder.run(
        0,
        &[&["train", "tiny.toml", "-o", "whole"], &long[..]].concat(),
    );
    let args = [&["train", "tiny.toml", "-o", "cut"], &long[..]].concat();
    let mut child = folder.command(&args).stderr(Stdio::null()).spawn().unwrap();
    // As soon as it reasons.
    let began = Instant::now();
    while !fs::read_to_string(folder.path("cut/metrics.jsonl"))
        .is_ok_and(|text| text.contains("reasoning"))
    {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "no step in a minute"
        );
        thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(folder.metrics("cut").len() < folder.metrics("whole").len());
    let cut = folder.run(0, &[&args[..], &["--resume"]].concat());
    assert_eq!(summary(&cut), summary(&whole));
    assert_eq!(folder.metrics("cut"), folder.metrics("whole"));
    let weights = |run: &str| fs::read(folder.path(run).join("final/model.safetensors")).unwrap();
    assert!(weights("cut") == weights("whole"), "the weights differ");
}

#[cfg(unix)]
#[test]
fn half_of_the_samples_are_not_taken_for_all() {
    let folder = Folder::new();
    folder.run(0, &["train", "tiny.toml", "-q"]);
    let args = [
        "sample",
        "runs/tiny",
        "--recipe",
        "tiny.toml",
        "-o",
        "rows.jsonl",
    ];
    let many = [&args[..], &["--limit", "1000000", "--max-tokens", "12"]].concat();
    let part = folder.path("rows.jsonl.part");
    let mut child = folder
        .command(&many)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !fs::metadata(&part).is_ok_and(|file| file.len() > 0) {
        assert!(began.elapsed() < Duration::from_secs(60), "no rows");
        thread::sleep(Duration::from_millis(5));
    }
    // Two processes never write one file, whatever they are asked.
    let said = folder.run(2, &[&many[..], &["--overwrite"]].concat());
    assert!(said.contains("another process is writing"), "{said}");
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(killed.success());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(
        said.contains("of 1000000 rollouts, in rows.jsonl.part"),
        "{said}"
    );
    assert!(!folder.path("rows.jsonl").exists());
    // Every row is whole, and all stay until someone says that they may go.
    let rows = folder.rows("rows.jsonl.part");
    assert!(!rows.is_empty() && rows.len() < 1_000_000);
    let few = [&args[..], &["--limit", "2", "--max-tokens", "12"]].concat();
    let said = folder.run(2, &few);
    assert!(said.contains("`rows.jsonl.part` holds"), "{said}");
    assert_eq!(folder.rows("rows.jsonl.part"), rows);
    folder.run(0, &[&few[..], &["--overwrite"]].concat());
    assert!(!part.exists());
    assert_eq!(folder.rows("rows.jsonl"), rows[..2]);
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

#[test]
fn samples_are_rollouts_to_score_and_filter() {
    let folder = Folder::new();
    folder.run(0, &["train", "tiny.toml", "-q"]);
    let draw = |output: &str, more: &[&str]| {
        let args = [
            "sample",
            "runs/tiny",
            "--recipe",
            "tiny.toml",
            "--limit",
            "3",
            "--max-tokens",
            "12",
            "-o",
            output,
        ];
        folder.run(0, &[&args[..], more].concat())
    };
    let said = draw("rollouts.jsonl", &["-n", "2", "--logprobs"]);
    assert!(said.contains("6 rollouts in rollouts.jsonl"), "{said}");
    let rows = folder.rows("rollouts.jsonl");
    assert_eq!(rows.len(), 6);
    assert_eq!(rows[1]["id"], "held-out/0/1");
    assert_eq!(rows[1]["group"], rows[0]["group"]);
    assert_eq!(
        rows[0]["logprobs"].as_array().unwrap().len() as u64,
        rows[0]["n_tokens"].as_u64().unwrap()
    );
    for row in &rows {
        assert!(["stop", "length"].contains(&row["finish_reason"].as_str().unwrap()));
        assert!(row["reference"].is_string() && row["task"] == "addition");
    }
    // The same draws again; others by another seed; one text at temperature 0.
    draw("again.jsonl", &["-n", "2", "--logprobs"]);
    assert_eq!(folder.rows("again.jsonl"), rows);
    draw("other.jsonl", &["-n", "2", "--logprobs", "--seed", "1"]);
    assert_ne!(folder.rows("other.jsonl"), rows);
    // Every container has the same rows, scored to the same bytes.
    let scores = |name: &str| {
        let score = ["score", name, "--spec", "r1-zero", "--columns", "scores"];
        let score = [&score[..], &["-q", "--overwrite", "-o", "scores.jsonl"]].concat();
        folder.run(0, &score);
        fs::read(folder.path("scores.jsonl")).unwrap()
    };
    let plain = scores("rollouts.jsonl");
    for name in ["packed.jsonl.gz", "packed.jsonl.zst", "packed.parquet"] {
        if cfg!(feature = "parquet") || !name.ends_with("parquet") {
            draw(name, &["-n", "2", "--logprobs"]);
            assert!(scores(name) == plain, "{name}");
        }
    }
    draw("greedy.jsonl", &["-n", "2", "--temperature", "0"]);
    let greedy = folder.rows("greedy.jsonl");
    assert_eq!(greedy[0]["completion"], greedy[1]["completion"]);
    // A file of prompts, through the whole chain.
    fs::write(
        folder.path("prompts.jsonl"),
        "{\"q\": \"1+2=\", \"a\": 3}\n{\"q\": \"4+5=\", \"a\": 9}\n",
    )
    .unwrap();
    folder.run(
        0,
        &[
            "sample",
            "runs/tiny/final",
            "prompts.jsonl",
            "--prompt",
            "/q",
            "--reference",
            "/a",
            "-n",
            "2",
            "--max-tokens",
            "8",
            "-o",
            "chain.jsonl",
        ],
    );
    folder.run(
        0,
        &[
            "score",
            "chain.jsonl",
            "--spec",
            "r1-zero",
            "-o",
            "scored.jsonl",
            "-q",
        ],
    );
    folder.run(0, &["filter", "scored.jsonl", "-o", "sft.jsonl"]);
    // What is refused.
    let said = folder.run(
        2,
        &[
            "sample",
            "runs/tiny",
            "--recipe",
            "tiny.toml",
            "-o",
            "x.jsonl",
        ],
    );
    assert!(said.contains("--limit"), "{said}");
    folder.run(2, &["sample", "runs/tiny", "none.jsonl", "-o", "x.jsonl"]);
    folder.run(
        2,
        &[
            "sample",
            "nowhere",
            "prompts.jsonl",
            "--prompt",
            "/q",
            "-o",
            "x.jsonl",
        ],
    );
    let said = folder.run(
        2,
        &[
            "sample",
            "runs/tiny",
            "prompts.jsonl",
            "--prompt",
            "/q",
            "-o",
            "x.jsonl",
            "--top-p",
            "0",
        ],
    );
    assert!(said.contains("--top-p"), "{said}");
    fs::write(folder.path("letters.jsonl"), "{\"prompt\": \"abc\"}\n").unwrap();
    folder.run(
        2,
        &["sample", "runs/tiny", "letters.jsonl", "-o", "x.jsonl"],
    );
    assert!(!folder.path("x.jsonl").exists());
}
