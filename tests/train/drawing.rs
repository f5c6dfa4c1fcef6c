//! `goldstone sample` in a shell: prompts from a pipe, rollouts into one, and what it
//! asks for before it draws.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::commands::{Folder, RECIPE};

/// A folder with a policy that a run has made.
fn trained() -> Folder {
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
