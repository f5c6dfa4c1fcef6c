//! How kept rows are written, and where.

use std::fs;

use tempfile::TempDir;

use super::{Folder, ids, rows, said};

#[test]
fn rows_become_conversations_or_pairs() {
    let folder = Folder::new();
    let good = ["--min-reward", "2", "--finished", "-n", "1"];
    // Each as its prompt is.
    folder.kept(&good);
    let either = rows(&folder.path("out.jsonl"));
    assert_eq!(either[0]["messages"][0]["content"], "1/2?");
    assert!(either[0].get("prompt").is_none());
    assert_eq!(either[1]["prompt"], "2*21?");
    assert!(either[1].get("messages").is_none());
    folder.kept(&[&good[..], &["--format", "messages"]].concat());
    let talks = rows(&folder.path("out.jsonl"));
    // What the assistant had begun in the prompt is part of its answer.
    assert_eq!(
        talks[0]["messages"],
        serde_json::json!([
            {"role": "user", "content": "1/2?"},
            {"role": "assistant", "content": "<think>half</think><answer>0.5</answer>"},
        ])
    );
    assert_eq!(talks[1]["messages"][0]["content"], "2*21?");
    assert_eq!(talks[1]["reward"], 2.0);
    folder.kept(&[
        "--min-reward",
        "2",
        "--finished",
        "-n",
        "1",
        "--format",
        "pair",
    ]);
    let pairs = rows(&folder.path("out.jsonl"));
    assert_eq!(pairs[1]["prompt"], "2*21?");
    assert_eq!(
        pairs[1]["completion"],
        "<think>short</think><answer>42</answer>"
    );
}

#[test]
fn a_dash_is_standard_output() {
    let folder = Folder::new();
    let task = r#"{"id":"t","question":"6*7?","answer":"6*7=42\n#### 42"}"#;
    fs::write(folder.path("gsm8k.jsonl"), task).unwrap();
    let answer = r#"{"id":"t","response":"It is 42."}"#;
    fs::write(folder.path("answers.jsonl"), answer).unwrap();
    let out = |args: &[&str]| {
        let done = folder.run(args);
        (
            done.status.code(),
            String::from_utf8(done.stdout).unwrap(),
            String::from_utf8(done.stderr).unwrap(),
        )
    };
    let commands = [
        &["score", "rollouts.jsonl", "--spec", "r1-zero", "-q"][..],
        &[
            "import",
            "gsm8k",
            "gsm8k.jsonl",
            "--completions",
            "answers.jsonl",
            "-q",
        ],
    ];
    for command in commands {
        let (code, wanted, _) = out(command);
        assert!(wanted.starts_with('{'), "{command:?}: {wanted}");
        let found = out(&[command, &["-o", "-"]].concat());
        assert_eq!((found.0, found.1), (code, wanted), "{command:?}");
    }
    let (code, _, told) = out(&[commands[0], &["-o", "-", "--resume"]].concat());
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("standard output cannot be gone on with"),
        "{told}"
    );
    folder.kept(&["--min-reward", "2"]);
    let (code, rows, told) = out(&["filter", "scored.jsonl", "--min-reward", "2", "-o", "-"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(rows, fs::read_to_string(folder.path("out.jsonl")).unwrap());
    assert!(told.contains("in standard output"), "{told}");
    assert!(!folder.path("-").exists());
}

/// A prompt that has opened the thinking, and thinking that a server has parsed away:
/// the text that is written is what was judged, with one marker.
#[test]
fn thinking_is_opened_once() {
    let folder = Folder(TempDir::new().unwrap());
    let apart = |answer: &str| {
        format!(
            r#"[{{"role":"assistant","content":"<answer>{answer}</answer>","reasoning_content":"so"}}]"#
        )
    };
    let begun = r#"[{"role":"user","content":"x"},{"role":"assistant","content":"<think>\n"}]"#;
    let prompts = [
        (r#""x <think>\n""#, "so\n</think>\n\n<answer>1</answer>"),
        (r#""x <think>""#, "\nso\n</think>\n\n<answer>1</answer>"),
        (r#""x""#, "<think>\nso\n</think>\n\n<answer>1</answer>"),
        (begun, "so\n</think>\n\n<answer>1</answer>"),
    ];
    let mut rollouts = String::new();
    for (id, (prompt, _)) in prompts.iter().enumerate() {
        for (kind, completion) in [("good", apart("1")), ("bad", apart("2"))] {
            rollouts += &format!(
                r#"{{"id":"{id}/{kind}","prompt":{prompt},"completion":{completion},"reference":"1"}}"#
            );
            rollouts += "\n";
        }
    }
    fs::write(folder.path("rollouts.jsonl"), rollouts).unwrap();
    let score = |input: &str, output: &str| {
        let scored = folder.run(&["score", input, "--spec", "r1-zero", "-o", output]);
        assert_eq!(scored.status.code(), Some(0), "{}", said(&scored));
    };
    score("rollouts.jsonl", "scored.jsonl");
    let good = ["--min-reward", "2", "--format", "pair"];
    assert_eq!(folder.kept(&good), ["0/good", "1/good", "2/good", "3/good"]);
    let mut again = String::new();
    for (row, (_, completion)) in rows(&folder.path("out.jsonl")).iter_mut().zip(prompts) {
        assert_eq!(row["completion"], completion, "{row}");
        row["reference"] = "1".into();
        again += &format!("{row}\n");
    }
    fs::write(folder.path("again.jsonl"), again).unwrap();
    score("again.jsonl", "rescored.jsonl");
    for row in rows(&folder.path("rescored.jsonl")) {
        assert_eq!(row["reward"], 2.0, "{row}");
    }
    let args = [
        "scored.jsonl",
        "--min-reward",
        "2",
        "--pairs",
        "-o",
        "pairs.jsonl",
    ];
    let done = folder.run(&[&["filter"], &args[..]].concat());
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let pairs = rows(&folder.path("pairs.jsonl"));
    assert_eq!(pairs[0]["chosen"], prompts[0].1);
    assert_eq!(pairs[0]["rejected"], "so\n</think>\n\n<answer>2</answer>");
}

#[test]
fn what_is_kept_is_what_was_judged() {
    let folder = Folder(TempDir::new().unwrap());
    let row = r#"{"completion": "an older text: 41", "response": "It is \\boxed{42}.", "prompt": "OLD", "question": "6*7?", "reference": "42"}"#;
    fs::write(folder.path("r.jsonl"), row).unwrap();
    let spec = "version = 1\n[input]\ncompletion = \"/response\"\nprompt = \"/question\"\n[rewards.accuracy]\nmath = { section = \"response\" }\n";
    fs::write(folder.path("spec.toml"), spec).unwrap();
    let args = [
        "score",
        "r.jsonl",
        "--spec",
        "spec.toml",
        "-o",
        "scored.jsonl",
    ];
    let scored = folder.run(&args);
    assert_eq!(scored.status.code(), Some(0), "{}", said(&scored));
    folder.kept(&["--correct", "accuracy"]);
    let kept = rows(&folder.path("out.jsonl"));
    assert_eq!(kept[0]["prompt"], "6*7?");
    assert_eq!(kept[0]["completion"], "It is \\boxed{42}.");
    // A manifest that cannot be read is no licence to guess.
    fs::write(folder.path("scored.jsonl.manifest.json"), "{").unwrap();
    let args = ["filter", "scored.jsonl", "-o", "new.jsonl"];
    let refused = folder.run(&args);
    assert_eq!(refused.status.code(), Some(2));
    let told = said(&refused);
    assert!(
        told.contains("`goldstone score --overwrite` writes a new one"),
        "{told}"
    );
}

#[test]
fn outputs_are_whole_or_not_there() {
    let folder = Folder::new();
    folder.kept(&[]);
    let output = folder.run(&["filter", "scored.jsonl", "-o", "out.jsonl"]);
    assert_eq!(output.status.code(), Some(2), "it exists");
    let output = folder.run(&["filter", "-", "-o", "new.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    let output = folder.run(&["filter", "none.jsonl", "-o", "new.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path("new.jsonl").exists());
    // A line that is none is said, and the rest is kept.
    let text = fs::read_to_string(folder.path("scored.jsonl")).unwrap();
    fs::write(folder.path("scored.jsonl"), format!("{{\"id\": 7,\n{text}")).unwrap();
    let output = folder.run(&["filter", "scored.jsonl", "-o", "new.jsonl"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("scored.jsonl, line 1"),
        "{}",
        said(&output)
    );
    assert_eq!(ids(&folder.path("new.jsonl")).len(), 5);
}
