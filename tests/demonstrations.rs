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
        Self::by("math", rollouts)
    }

    fn by(spec: &str, rollouts: &[Value]) -> Self {
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
        let args = ["score", "r.jsonl", "--spec", spec, "-o", "s.jsonl"];
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

/// The messages of a row from the one at `from` on.
fn messages(row: &Value, from: usize) -> Value {
    json!(row["messages"].as_array().unwrap()[from..])
}

#[test]
fn thinking_is_written_as_it_was_judged() {
    let asked = json!([{"role": "user", "content": "6*7?"}]);
    let row = |answer| json!({"prompt": asked, "completion": [answer]});
    let whole = "<think>so</think><answer>42</answer>";
    let answer = "<answer>42</answer>";
    let apart = |thinking: [(&str, &str); 2]| {
        let mut message = json!({"role": "assistant", "content": answer});
        for (name, text) in thinking {
            message[name] = json!(text);
        }
        row(message)
    };
    let mut empty = json!({"role": "assistant", "content": whole, "reasoning_content": ""});
    empty["thinking"] = json!([]);
    let scored = Scored::by(
        "r1-zero",
        &[
            row(empty),
            apart([("reasoning_content", "so it is"), ("thinking", "")]),
            // The last one of the line counts.
            apart([("reasoning", "A"), ("reasoning_content", "B")]),
            // Thinking in two places is no answer in that form.
            row(json!({"role": "assistant", "content": whole, "reasoning": "so"})),
        ],
    );
    let (rows, told) = scored.filtered(&["--min-reward", "2"]);
    let contents: Vec<_> = rows.iter().map(|row| &row["messages"][1]).collect();
    let said = |thinking: &str| format!("<think>\n{thinking}\n</think>\n\n{answer}");
    let wanted = [whole.to_owned(), said("so it is"), said("B")];
    assert_eq!(rows.len(), 3, "{told}");
    for (message, wanted) in contents.into_iter().zip(wanted) {
        assert_eq!(*message, json!({"role": "assistant", "content": wanted}));
    }
}

#[test]
fn what_the_prompt_began_is_one_message_with_the_answer() {
    let asked = json!({"role": "user", "content": "6*7?"});
    let row = |begun: Value, answer: &str| {
        let answer = json!([{"role": "assistant", "content": answer}]);
        json!({"prompt": [asked, begun], "completion": answer})
    };
    let right = "so</think><answer>42</answer>";
    let wrong = "so</think><answer>41</answer>";
    let marked = json!({"role": "assistant", "content": "<think>\n", "prefix": true});
    let parts = json!({"role": "assistant", "content": [{"type": "text", "text": "<think>\n"}]});
    let calls = json!({"role": "assistant", "content": "<think>\n", "tool_calls": [call("6,7")]});
    let apart = json!([{"role": "assistant", "content": "<answer>42</answer>", "reasoning": "so"}]);
    let scored = Scored::by(
        "r1-zero",
        &[
            row(marked.clone(), right),
            row(marked.clone(), wrong),
            row(parts, right),
            row(calls.clone(), right),
            json!({"prompt": [asked, marked], "completion": apart}),
        ],
    );
    let (rows, told) = scored.filtered(&["--correct", "accuracy", "--keep-duplicates"]);
    assert_eq!(rows.len(), 4, "{told}");
    let said = |text: &str| json!([{"role": "assistant", "content": text}]);
    let joined = said(&format!("<think>\n{right}"));
    assert_eq!(messages(&rows[0], 1), joined);
    assert_eq!(messages(&rows[1], 1), joined);
    // What was called is a turn of its own.
    assert_eq!(messages(&rows[2], 1), json!([calls, said(right)[0]]));
    // Thinking that stands apart has its own marker.
    let rendered = "<think>\nso\n</think>\n\n<answer>42</answer>";
    assert_eq!(messages(&rows[3], 1), said(rendered));
    let (rows, told) = scored.filtered(&["--correct", "accuracy", "--pairs"]);
    assert_eq!(rows.len(), 1, "{told}");
    assert_eq!(rows[0]["prompt"], json!([asked]));
    assert_eq!(rows[0]["chosen"], joined);
    assert_eq!(rows[0]["rejected"], said(&format!("<think>\n{wrong}")));
}

#[test]
fn a_demonstration_ends_with_the_message_that_was_judged() {
    let answer = json!({"role": "assistant", "content": "\\boxed{42}"});
    let row = |messages: Value| json!({"prompt": "6*7?", "completion": messages});
    let scored = Scored::new(&[
        row(json!([answer, {"role": "tool", "content": "lookup says 17"}])),
        row(json!([answer, {"role": "user", "content": "Thanks!"}])),
        row(with_tool("6,7")),
        // What the user says is no answer.
        row(json!([{"role": "user", "content": "\\boxed{42}"}])),
    ]);
    let args = ["--min-reward", "1", "--keep-duplicates"];
    let (rows, told) = scored.filtered(&[&args[..], &["--format", "messages"]].concat());
    assert_eq!(rows.len(), 3, "{told}");
    assert_eq!(messages(&rows[0], 1), json!([answer]));
    assert_eq!(messages(&rows[1], 1), json!([answer]));
    assert_eq!(messages(&rows[2], 1), with_tool("6,7"));
    // One message is left of these, and that is a text.
    let (rows, told) = scored.filtered(&[&args[..], &["--format", "pair"]].concat());
    assert_eq!(rows.len(), 2, "{told}");
    assert_eq!(rows[0]["completion"], "\\boxed{42}");
}

#[test]
fn a_text_in_parts_is_a_text() {
    let row = |content: Value| {
        let asked = json!([{"role": "user", "content": content}]);
        let answer =
            json!([{"role": "assistant", "content": [{"type": "text", "text": "\\boxed{42}"}]}]);
        json!({"prompt": asked, "completion": answer})
    };
    let text = json!({"type": "text", "text": "*7?"});
    let parts = row(json!([{"type": "text", "text": "6"}, text]));
    let scored = Scored::new(&[row(json!("6*7?")), parts.clone()]);
    let (rows, _) = scored.filtered(&["--keep-duplicates"]);
    for row in &rows {
        let wanted = json!([
            {"role": "user", "content": "6*7?"},
            {"role": "assistant", "content": "\\boxed{42}"},
        ]);
        assert_eq!(row["messages"], wanted);
    }
    let table = ["filter", "s.jsonl", "--keep-duplicates", "-o", "x.parquet"];
    let output = scored.run(&table);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    // A picture is none, nor is a text that has more to it.
    let cached = json!({"type": "text", "text": "6*7?", "cache_control": {"type": "ephemeral"}});
    let picture = json!({"type": "image_url", "image_url": {"url": "data:,"}});
    for other in [json!([text, picture]), json!([cached])] {
        let scored = Scored::new(&[row(other.clone()), parts.clone()]);
        let (rows, _) = scored.filtered(&["--keep-duplicates"]);
        assert_eq!(rows[0]["messages"][0]["content"], other);
        assert_eq!(scored.run(&table).status.code(), Some(2));
    }
}

#[test]
fn one_plain_answer_is_a_text_by_any_name() {
    let row = |message: Value| json!({"prompt": "6*7?", "completion": [message]});
    let boxed = "\\boxed{42}";
    let model = json!({"role": "model", "content": boxed});
    let scored = Scored::new(&[
        row(model.clone()),
        row(json!({"role": "assistant", "content": boxed, "name": "", "finish_reason": "stop"})),
        row(
            json!({"role": "assistant", "content": boxed, "tool_calls": [], "function_call": null}),
        ),
        row(json!({"role": "assistant", "content": boxed, "function_call": {"name": "times"}})),
        row(
            json!({"role": "assistant", "content": [{"type": "text", "text": boxed}, {"type": "audio"}]}),
        ),
    ]);
    let (rows, told) = scored.filtered(&["--keep-duplicates", "--format", "pair"]);
    assert_eq!(rows.len(), 3, "{told}");
    assert!(told.contains("2  have calls of tools"), "{told}");
    let (rows, _) = scored.filtered(&["--keep-duplicates"]);
    for row in &rows[..3] {
        assert_eq!(
            (&row["prompt"], &row["completion"]),
            (&json!("6*7?"), &json!(boxed))
        );
    }
    assert!(rows[3]["messages"].is_array() && rows[4]["messages"].is_array());
    let (rows, _) = scored.filtered(&["--format", "messages"]);
    assert_eq!(
        messages(&rows[0], 1),
        json!([{"role": "assistant", "content": boxed}])
    );
}
