//! What filtered rows hold: conversations with all that was said and called in them.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Rollouts with the reference 42, scored.
struct Scored(TempDir);

impl Scored {
    fn new(rollouts: &[Value]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        let mut text = String::new();
        for (index, row) in rollouts.iter().enumerate() {
            let mut row = row.clone();
            row["id"] = json!(format!("r/{index}"));
            row["group"] = json!("g");
            row["reference"] = json!("42");
            text += &format!("{row}\n");
        }
        fs::write(folder.0.path().join("r.jsonl"), text).unwrap();
        let args = ["score", "r.jsonl", "--spec", "math", "-o", "s.jsonl"];
        let output = folder.run(&args);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        folder
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin("goldstone"));
        command
            .args(args)
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// What is written, and said.
    fn filtered(&self, args: &[&str]) -> (Vec<Value>, String) {
        let all = ["filter", "s.jsonl", "-o", "out.jsonl", "--overwrite"];
        let output = self.run(&[&all[..], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let text = fs::read_to_string(self.0.path().join("out.jsonl")).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
        (rows.collect(), said(&output))
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn call(argument: &str) -> Value {
    let function = json!({"name": "times", "arguments": argument});
    json!({"id": "c1", "type": "function", "function": function})
}

/// A completion that calls a tool with the argument.
fn with_tool(argument: &str) -> Value {
    json!([
        {"role": "assistant", "content": null, "tool_calls": [call(argument)]},
        {"role": "tool", "tool_call_id": "c1", "name": "times", "content": "42"},
        {"role": "assistant", "content": "It is \\boxed{42}."},
    ])
}

#[test]
fn a_conversation_keeps_calls_names_and_parts() {
    let picture = json!({"type": "image_url", "image_url": {"url": "data:,"}});
    let asked = json!([
        {"role": "system", "content": "Use tools.", "name": "boss"},
        {"role": "user", "content": [{"type": "text", "text": "6*7?"}, picture]},
    ]);
    let scored = Scored::new(&[json!({"prompt": asked, "completion": with_tool("6,7")})]);
    let (rows, _) = scored.filtered(&["--min-reward", "1"]);
    let wanted: Vec<Value> = [asked, with_tool("6,7")]
        .iter()
        .flat_map(|side| side.as_array().unwrap().clone())
        .collect();
    assert_eq!(rows[0]["messages"], json!(wanted));
}

#[test]
fn a_call_tells_completions_apart() {
    let row = |argument| json!({"prompt": "6*7?", "completion": with_tool(argument)});
    let scored = Scored::new(&[row("6,7"), row("7,6"), row("6,7")]);
    // A plain prompt is the user's, where the answer is more than a text.
    let (rows, told) = scored.filtered(&[]);
    assert_eq!(rows.len(), 2, "{told}");
    assert_eq!(
        rows[0]["messages"][0],
        json!({"role": "user", "content": "6*7?"})
    );
    assert_eq!(rows[1]["messages"][1]["tool_calls"][0], call("7,6"));
    assert!(told.contains("1  repeat a kept one"), "{told}");
    // A text has no place for calls.
    let (rows, told) = scored.filtered(&["--format", "pair"]);
    assert!(rows.is_empty(), "{told}");
    assert!(told.contains("3  have calls of tools"), "{told}");
}

#[test]
fn pairs_keep_calls() {
    let wrong =
        json!([{"role": "assistant", "content": "\\boxed{41}", "tool_calls": [call("6,6")]}]);
    let asked = json!([{"role": "user", "content": "6*7?"}]);
    let scored = Scored::new(&[
        json!({"prompt": asked, "completion": with_tool("6,7")}),
        json!({"prompt": asked, "completion": wrong}),
    ]);
    let (rows, told) = scored.filtered(&["--correct", "accuracy", "--pairs"]);
    assert_eq!(rows.len(), 1, "{told}");
    assert_eq!(rows[0]["prompt"], asked);
    assert_eq!(rows[0]["chosen"], with_tool("6,7"));
    assert_eq!(rows[0]["rejected"], wrong);
}

#[test]
fn thinking_and_what_was_begun_are_part_of_the_answer() {
    let asked = json!([
        {"role": "user", "content": "6*7?"},
        {"role": "assistant", "content": "Well: "},
    ]);
    let completion = json!([
        {"role": "assistant", "content": "\\boxed{42}", "reasoning_content": "6, seven times", "tool_calls": null},
    ]);
    let scored = Scored::new(&[json!({"prompt": asked, "completion": completion})]);
    let (rows, _) = scored.filtered(&[]);
    let messages = rows[0]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!(
        messages[1]["content"],
        "Well: <think>\n6, seven times\n</think>\n\n\\boxed{42}"
    );
    assert!(messages[1].get("reasoning_content").is_none());
}

#[test]
fn half_an_emoji_costs_no_row() {
    let scored = Scored::new(&[
        json!({"prompt": [{"role": "user", "content": "6*7?"}], "completion": with_tool("6,7")}),
    ]);
    let path = scored.0.path().join("s.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("It is ", "\\\\u \\ud83d\\ude00 \\ud83d ");
    fs::write(&path, text).unwrap();
    let (rows, _) = scored.filtered(&[]);
    let messages = rows[0]["messages"].as_array().unwrap();
    assert_eq!(
        messages[3]["content"],
        "\\u \u{1f600} \u{fffd} \\boxed{42}."
    );
    assert_eq!(messages[1]["tool_calls"][0], call("6,7"));
}

#[test]
fn a_demonstration_of_nothing_asked_is_left_out() {
    let answer = "\\boxed{42}";
    let blank = json!([{"role": "system", "content": "Help."}, {"role": "user", "content": " "}]);
    let picture = json!([{"role": "user", "content": [{"type": "image", "image": "x.png"}]}]);
    let scored = Scored::new(&[
        json!({"completion": answer}),
        json!({"prompt": "", "completion": answer}),
        json!({"prompt": blank, "completion": answer}),
        json!({"prompt": picture, "completion": answer}),
    ]);
    let (rows, told) = scored.filtered(&["--keep-duplicates"]);
    assert_eq!(rows.len(), 1, "{told}");
    assert_eq!(rows[0]["id"], "r/3");
    assert!(told.contains("3  ask nothing"), "{told}");
}
