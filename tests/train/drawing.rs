//! `goldstone sample` in a shell: prompts from a pipe, rollouts into one, and what it
//! asks for before it draws.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::commands::{Folder, RECIPE};

/// A folder with a policy that a run has made.
pub(super) fn trained() -> Folder {
    let folder = Folder::new();
    folder.run(0, &["train", "tiny.toml", "-q"]);
    folder
}

#[test]
fn rollouts_go_through_pipes() {
    let folder = trained();
    let prompts = "{\"prompt\": \"1+2=\", \"reference\": \"3\"}\n";
    fs::write(folder.path("prompts.jsonl"), prompts).unwrap();
    let args = ["sample", "runs/tiny", "--max-tokens", "8", "-n", "2"];
    folder.run(
        0,
        &[&args[..], &["prompts.jsonl", "-o", "rows.jsonl"]].concat(),
    );
    let mut child = folder.command(&[&args[..], &["-", "-o", "-"]].concat());
    child.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.stderr(Stdio::piped()).spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(prompts.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let rows: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(rows, folder.rows("rows.jsonl"));
    assert!(!folder.path("-").exists() && !folder.path("-.part").exists());
    // Of a run's policies it says which.
    assert!(said.contains("policy   runs/tiny/best"), "{said}");
    assert!(said.contains("2 rollouts in standard output"), "{said}");
    // A name that says nothing is JSON lines, as `score` has it.
    let named = ["prompts.jsonl", "-o", "rows.csv"];
    folder.run(0, &[&args[..], &named].concat());
    assert_eq!(folder.rows("rows.csv"), rows);
}

#[test]
fn a_prompt_with_many_completions_can_be_interrupted() {
    let folder = trained();
    let prompts = "{\"prompt\": \"1+2=\", \"reference\": \"3\"}\n";
    fs::write(folder.path("prompts.jsonl"), prompts.repeat(2)).unwrap();
    let draw = |samples: &str, output: &str| {
        let args = ["sample", "runs/tiny", "prompts.jsonl", "--max-tokens", "4"];
        folder.command(&[&args[..], &["-n", samples, "-o", output]].concat())
    };
    // The pipe is not emptied before the signal, so there is more to draw by then.
    let mut child = draw("1000000", "-");
    child.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    let count = 1 + rest.lines().count();
    assert!(count < 1_000_000, "{count}");
    let wanted = format!("stopped: {count} of 2000000 rollouts, in standard output");
    assert!(said.contains(&wanted), "{said}");
    assert!(!said.contains("--overwrite"), "{said}");
    // A row is the same wherever drawing was cut.
    assert_eq!(draw("300", "few.jsonl").status().unwrap().code(), Some(0));
    let few = folder.rows("few.jsonl");
    assert_eq!(few.len(), 600);
    for (row, index) in few.iter().zip(0..) {
        assert_eq!(row["id"], format!("{}/{}", index / 300 + 1, index % 300));
    }
    let begun: Vec<Value> = [&*first]
        .into_iter()
        .chain(rest.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let shared = begun.len().min(300);
    assert_eq!(begun[..shared], few[..shared]);
}

#[test]
fn a_recipe_is_asked_for_its_task_alone() {
    let folder = trained();
    let text = RECIPE
        .replace("random = {", "path = \"nowhere\"\n#")
        .replace("tokenizer = {", "#")
        .replace("spec = \"r1-zero\"", "spec = \"nowhere.toml\"")
        .replace(
            "[reward]",
            "[tasks.file]\nfile = \"file.jsonl\"\n\n[reward]",
        );
    fs::write(folder.path("elsewhere.toml"), text).unwrap();
    folder.run(2, &["train", "elsewhere.toml"]);
    let draw = |code: i32, task: &str| {
        let args = ["sample", "runs/tiny", "--recipe", "elsewhere.toml"];
        let more = ["--task", task, "--limit", "1", "-o", "-"];
        folder.run(code, &[&args[..], &more].concat())
    };
    draw(0, "held-out");
    let said = draw(2, "file");
    assert!(said.contains("cannot read `file.jsonl`"), "{said}");
    let said = draw(2, "nothing");
    assert!(said.contains("no task `nothing`"), "{said}");
}

#[test]
fn prompts_are_checked_before_one_is_answered() {
    let folder = trained();
    let long = "1+".repeat(40);
    let rows = format!("{{\"prompt\": \"1+2=\"}}\n{{\"prompt\": \"{long}\"}}\n");
    fs::write(folder.path("long.jsonl"), rows).unwrap();
    // Not even made tokens: each has 256 bytes at most.
    let huge = "x".repeat(64 * 256 + 1);
    let rows = format!("{{\"prompt\": \"{huge}\"}}\n");
    fs::write(folder.path("huge.jsonl"), rows).unwrap();
    fs::write(
        folder.path("letters.jsonl"),
        "{\"prompt\": \"1+2=\"}\n{\"prompt\": \"abc\"}\n",
    )
    .unwrap();
    fs::write(
        folder.path("fields.jsonl"),
        "{\"q\": \"1+2=\", \"zz\": 3}\n",
    )
    .unwrap();
    for (name, wanted) in [
        (
            "long.jsonl",
            "`long.jsonl`: the prompt of problem `2` has 80 tokens",
        ),
        (
            "huge.jsonl",
            "`huge.jsonl`: the prompt of problem `1` has 16385 bytes",
        ),
        (
            "letters.jsonl",
            "`letters.jsonl`: the prompt of problem `2` cannot be made tokens",
        ),
        ("fields.jsonl", "(`--prompt` can name another field)"),
    ] {
        let said = folder.run(2, &["sample", "runs/tiny", name, "-o", "x.jsonl"]);
        assert!(said.contains(wanted), "{said}");
        assert!(!folder.path("x.jsonl").exists() && !folder.path("x.jsonl.part").exists());
    }
}

#[test]
fn a_model_without_an_end_teaches_none() {
    let folder = trained();
    let policy = folder.path("runs/tiny/final");
    for name in ["config.json", "generation_config.json"] {
        let path = policy.join(name);
        let mut fields: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        fields["eos_token_id"] = Value::Null;
        fs::write(&path, fields.to_string()).unwrap();
    }
    let path = policy.join("tokenizer_config.json");
    let mut fields: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    fields.as_object_mut().unwrap().remove("eos_token");
    fs::write(&path, fields.to_string()).unwrap();
    fs::write(folder.path("prompts.jsonl"), "{\"prompt\": \"1+2=\"}\n").unwrap();
    let args = ["sample", "runs/tiny/final", "prompts.jsonl", "-o", "-"];
    let said = folder.run(0, &[&args[..], &["--max-tokens", "4"]].concat());
    assert!(said.contains("has no end token"), "{said}");
    let stopped = [&args[..], &["--max-tokens", "4", "--stop", ";"]].concat();
    assert!(!folder.run(0, &stopped).contains("has no end token"));
    let text = RECIPE
        .replace("random = {", "path = \"runs/tiny/final\"\n#")
        .replace("tokenizer = {", "#");
    fs::write(folder.path("endless.toml"), text).unwrap();
    let said = folder.run(2, &["train", "endless.toml", "-o", "endless"]);
    assert!(
        said.contains("stage `cold-start` would teach no end"),
        "{said}"
    );
    // One that the model does not have.
    fs::write(
        policy.join("generation_config.json"),
        "{\"eos_token_id\": 100000}",
    )
    .unwrap();
    let said = folder.run(2, &args);
    assert!(said.contains("`eos_token_id` is 100000"), "{said}");
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
