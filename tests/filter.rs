//! Filtering scored rows: what is kept, what is not, and how it is written.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

const ROLLOUTS: &str = r#"{"id":"a/0","group":"a","prompt":"2*21?","completion":"<think>long way round</think><answer>42</answer>","reference":"42","n_tokens":9,"finish_reason":"stop"}
{"id":"b/0","group":"b","prompt":[{"role":"user","content":"1/2?"},{"role":"assistant","content":"<think>"}],"completion":"half</think><answer>0.5</answer>","reference":"1/2","n_tokens":5,"finish_reason":"stop"}
{"id":"a/1","group":"a","prompt":"2*21?","completion":"<think>short</think><answer>42</answer>","reference":"42","n_tokens":4,"finish_reason":"stop"}
{"id":"a/2","group":"a","prompt":"2*21?","completion":"<think>short</think><answer>42</answer>","reference":"42","n_tokens":4,"finish_reason":"stop"}
{"id":"a/3","group":"a","prompt":"2*21?","completion":"<think>short</think><answer>41</answer>","reference":"42","n_tokens":4,"finish_reason":"stop"}
{"id":"a/4","group":"a","prompt":"2*21?","completion":"<think>cut</think><answer>42</answer>","reference":"42","n_tokens":4,"finish_reason":"length"}
{"id":"a/5","group":"a","prompt":"2*21?","completion":"<think>none</think><answer>42</answer>","n_tokens":4,"finish_reason":"stop"}
"#;

struct Folder(TempDir);

impl Folder {
    /// With `rollouts.jsonl`, `scored.jsonl` and `scores.jsonl`.
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        fs::write(folder.path("rollouts.jsonl"), ROLLOUTS).unwrap();
        for (output, columns) in [("scored.jsonl", "all"), ("scores.jsonl", "scores")] {
            let scored = folder.run(&[
                "score",
                "rollouts.jsonl",
                "--spec",
                "r1-zero",
                "-o",
                output,
                "--columns",
                columns,
                "-q",
            ]);
            // One row has no reference.
            assert_eq!(scored.status.code(), Some(1));
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin("goldstone"));
        command.args(args).current_dir(self.0.path());
        command.env("RUST_BACKTRACE", "0").output().unwrap()
    }

    /// The ids that are kept.
    fn kept(&self, args: &[&str]) -> Vec<String> {
        let all = [
            &["filter", "scored.jsonl", "-o", "out.jsonl", "--overwrite"],
            args,
        ]
        .concat();
        let output = self.run(&all);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
        ids(&self.path("out.jsonl"))
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn rows(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn ids(path: &Path) -> Vec<String> {
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    rows(path).iter().map(id).collect()
}

#[test]
fn each_reason_leaves_rows_out() {
    let folder = Folder::new();
    // A row without a reward is never kept; duplicates go unless asked for.
    assert_eq!(folder.kept(&[]), ["a/0", "b/0", "a/1", "a/3", "a/4"]);
    assert_eq!(
        folder.kept(&["--keep-duplicates"]),
        ["a/0", "b/0", "a/1", "a/2", "a/3", "a/4"]
    );
    assert_eq!(
        folder.kept(&["--min-reward", "2"]),
        ["a/0", "b/0", "a/1", "a/4"]
    );
    assert_eq!(
        folder.kept(&["--correct", "accuracy"]),
        ["a/0", "b/0", "a/1", "a/4"]
    );
    // No row could have it: that is a slip, and no reason to keep nothing.
    for asked in [["--correct", "acuracy"], ["--at-least", "acuracy=1"]] {
        let args = ["filter", "scored.jsonl", "-o", "new.jsonl"];
        let refused = folder.run(&[&args[..], &asked].concat());
        assert_eq!(refused.status.code(), Some(2));
        let said = said(&refused);
        assert!(
            said.contains("no reward `acuracy`; it has: accuracy, choice, format"),
            "{said}"
        );
    }
    assert!(!folder.path("new.jsonl").exists());
    let good = ["--min-reward", "2", "--finished"];
    assert_eq!(folder.kept(&good), ["a/0", "b/0", "a/1"]);
    assert_eq!(
        folder.kept(&[&good[..], &["--max-tokens", "5"]].concat()),
        ["b/0", "a/1"]
    );
    assert_eq!(
        folder.kept(&[&good[..], &["--min-tokens", "5"]].concat()),
        ["a/0", "b/0"]
    );
    // Of two right ones the shorter.
    assert_eq!(
        folder.kept(&[&good[..], &["-n", "1"]].concat()),
        ["b/0", "a/1"]
    );
}

#[test]
fn a_seed_decides_at_random() {
    let folder = Folder::new();
    let draw = |seed: &str| folder.kept(&["-n", "1", "--random", "--seed", seed]);
    assert_eq!(draw("1"), draw("1"));
    let draws: Vec<Vec<String>> = (0..12).map(|seed| draw(&seed.to_string())).collect();
    assert!(draws.iter().any(|drawn| *drawn != draws[0]), "{draws:?}");
    assert!(draws.iter().all(|drawn| drawn.len() == 2));
}

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

/// An error row says what is wrong with it, be it a rollout or not; a line that is no
/// score is no error row.
#[test]
fn error_rows_have_no_reward() {
    let folder = Folder(TempDir::new().unwrap());
    let rollouts = r#"{"id":"a","prompt":"?","completion":"\\boxed{1}","reference":"1"}
{"id":"b","prompt":"?","answer":"1"}
{"id":"c","prompt":"?","completion":"\\boxed{1}"}
"#;
    fs::write(folder.path("rollouts.jsonl"), rollouts).unwrap();
    for columns in ["all", "scores"] {
        let args = [
            "score",
            "rollouts.jsonl",
            "--spec",
            "math",
            "--columns",
            columns,
        ];
        let output = ["-o", "scored.jsonl", "--overwrite", "-q"];
        let scored = folder.run(&[&args[..], &output].concat());
        assert_eq!(scored.status.code(), Some(1), "{}", said(&scored));
        let filter = ["filter", "scored.jsonl", "-o", "out.jsonl", "--overwrite"];
        let filter = match columns {
            "all" => filter.to_vec(),
            _ => [&filter[..], &["--rollouts", "rollouts.jsonl"]].concat(),
        };
        let done = folder.run(&filter);
        let told = said(&done);
        assert_eq!(done.status.code(), Some(0), "{told}");
        assert_eq!(ids(&folder.path("out.jsonl")), ["a"]);
        assert!(told.contains("2  have no reward"), "{told}");
        assert!(
            told.contains("first without a reward: row 2: field `/completion`"),
            "{told}"
        );
        assert!(!told.contains("no scored rollouts"), "{told}");
    }
    let with_more = rollouts.to_owned() + r#"{"id":"d","status":"error"}"#;
    fs::write(folder.path("rollouts.jsonl"), with_more).unwrap();
    let args = [
        "score",
        "rollouts.jsonl",
        "--spec",
        "math",
        "-o",
        "scored.jsonl",
    ];
    folder.run(&[&args[..], &["--overwrite", "-q"]].concat());
    let mut scored = fs::read_to_string(folder.path("scored.jsonl")).unwrap();
    scored += "{\"id\":\"e\",\"answer\":\"1\"}\n";
    fs::write(folder.path("scored.jsonl"), scored).unwrap();
    let done = folder.run(&["filter", "scored.jsonl", "-o", "out.jsonl", "--overwrite"]);
    let told = said(&done);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("1  are no scored rollouts"), "{told}");
    assert!(told.contains("3  have no reward"), "{told}");
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
fn a_term_may_be_asked_for_a_number() {
    let folder = Folder::new();
    let right = folder.kept(&["--correct", "accuracy"]);
    assert_eq!(folder.kept(&["--at-least", "accuracy=0.5"]), right);
    assert_eq!(folder.kept(&["--at-least", "accuracy=-1"]).len(), 5);
    for bad in ["accuracy", "accuracy=", "accuracy=nan", "=1", "acuracy=0"] {
        let args = ["filter", "scored.jsonl", "-o", "x", "--at-least", bad];
        assert_eq!(folder.run(&args).status.code(), Some(2), "{bad}");
    }
}

#[test]
fn pairs_are_of_one_prompt_and_the_better_one_leads() {
    let folder = Folder::new();
    let good = ["--correct", "accuracy", "--pairs"];
    let pairs = |args: &[&str]| {
        let all = [
            &["filter", "scored.jsonl", "-o", "out.jsonl", "--overwrite"],
            &good[..],
            args,
        ]
        .concat();
        let output = folder.run(&all);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        (rows(&folder.path("out.jsonl")), said(&output))
    };
    // One wrong answer makes one pair; `b` has none.
    let (found, told) = pairs(&[]);
    assert_eq!(found.len(), 1, "{told}");
    assert_eq!(found[0]["prompt"], "2*21?");
    assert_eq!(found[0]["chosen_id"], "a/1");
    assert_eq!(found[0]["rejected_id"], "a/3");
    assert_eq!(
        (&found[0]["chosen_reward"], &found[0]["rejected_reward"]),
        (&Value::from(2.0), &Value::from(1.0))
    );
    assert_eq!(
        found[0]["rejected"],
        "<think>short</think><answer>41</answer>"
    );
    assert!(told.contains("have no worse one"), "{told}");
    let (talks, _) = pairs(&["--format", "messages"]);
    assert_eq!(talks[0]["prompt"][0]["role"], "user");
    assert_eq!(talks[0]["chosen"][0]["role"], "assistant");
    // The rewards are 1 apart.
    assert_eq!(pairs(&["--margin", "1"]).0.len(), 1);
    assert_eq!(pairs(&["--margin", "1.5"]).0.len(), 0);
    let args = ["filter", "scored.jsonl", "-o", "x", "--pairs", "--margin"];
    for bad in ["nan", "-1"] {
        let output = folder.run(&[&args[..], &[bad]].concat());
        assert_eq!(output.status.code(), Some(2), "{bad}");
    }
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
fn scores_join_their_rollouts() {
    let folder = Folder::new();
    let whole = folder.kept(&["--min-reward", "2"]);
    let args = [
        "filter",
        "scores.jsonl",
        "--rollouts",
        "rollouts.jsonl",
        "-o",
        "joined.jsonl",
        "--min-reward",
        "2",
    ];
    assert_eq!(folder.run(&args).status.code(), Some(0));
    assert_eq!(ids(&folder.path("joined.jsonl")), whole);
    // Files in another order are not about the same rows.
    let mut lines: Vec<&str> = ROLLOUTS.lines().collect();
    lines.reverse();
    fs::write(folder.path("rollouts.jsonl"), lines.join("\n")).unwrap();
    let output = folder.run(&[&args[..], &["--overwrite"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("same order"), "{}", said(&output));
}

#[test]
fn scores_of_other_rollouts_are_refused() {
    let folder = Folder::new();
    let filter = |scores: &str, rollouts: &str| {
        let args = ["filter", scores, "--rollouts", rollouts, "-o", "new.jsonl"];
        let output = folder.run(&args);
        (output.status.code(), said(&output))
    };
    let text = fs::read_to_string(folder.path("scores.jsonl")).unwrap();
    let fewer: String = text.split_inclusive('\n').take(5).collect();
    fs::write(folder.path("fewer.jsonl"), fewer).unwrap();
    let fewer: String = ROLLOUTS.split_inclusive('\n').take(5).collect();
    fs::write(folder.path("part.jsonl"), fewer).unwrap();
    for (scores, rollouts, told) in [
        (
            "fewer.jsonl",
            "rollouts.jsonl",
            "scores of 5 rows, and 7 rollouts",
        ),
        (
            "scores.jsonl",
            "part.jsonl",
            "scores of 7 rows, and 5 rollouts",
        ),
    ] {
        let (code, said) = filter(scores, rollouts);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(told), "{said}");
    }
    // Rollouts that nobody has scored are no scores, in whichever place.
    let (code, said) = filter("rollouts.jsonl", "rollouts.jsonl");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no scored row"), "{said}");
    let output = folder.run(&["filter", "rollouts.jsonl", "-o", "new.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path("new.jsonl").exists());
    // Scores of the first rows alone, by their manifest, are of those.
    let all = [
        "score",
        "rollouts.jsonl",
        "--spec",
        "r1-zero",
        "--columns",
        "scores",
    ];
    let args = [&all[..], &["--limit", "5", "-o", "first.jsonl"]].concat();
    assert_eq!(folder.run(&args).status.code(), Some(0));
    let (code, said) = filter("first.jsonl", "rollouts.jsonl");
    assert_eq!(code, Some(0), "{said}");
    let args = [&all[..], &["--where", "id!=b/0", "-o", "some.jsonl"]].concat();
    assert_eq!(folder.run(&args).status.code(), Some(1));
    fs::remove_file(folder.path("new.jsonl")).unwrap();
    let (code, said) = filter("some.jsonl", "rollouts.jsonl");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(ids(&folder.path("new.jsonl")), ["a/0", "a/1", "a/3", "a/4"]);
}

#[test]
fn rollouts_beside_scores_are_read_as_they_were_scored() {
    let folder = Folder(TempDir::new().unwrap());
    let verl = r#"{"data_source":"d","prompt":[{"role":"user","content":"6*7?"}],"reward_model":{"style":"rule","ground_truth":"42"},"responses":["<think>a</think><answer>42</answer>","<think>b</think><answer>41</answer>","<think>c</think><answer>42</answer>"]}"#;
    let dump = r#"{"input":"6*7?","output":"<think>a</think><answer>42</answer>","gts":"42","score":1.0,"step":3}
{"input":"6*7?","output":"<think>b</think><answer>41</answer>","gts":"42","score":0.0,"step":3}"#;
    for (name, text, kept) in [("verl", verl, 2), ("dump", dump, 1)] {
        fs::write(folder.path("r.jsonl"), text).unwrap();
        for columns in ["all", "scores"] {
            let scored = format!("{name}-{columns}.jsonl");
            let args = [
                "score",
                "r.jsonl",
                "--spec",
                "r1-zero",
                "--columns",
                columns,
            ];
            let output = folder.run(&[&args[..], &["-o", &scored]].concat());
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        }
        let good = ["--correct", "accuracy", "-o"];
        let whole = format!("{name}-all.jsonl");
        let whole = [
            &["filter", &whole],
            &good[..],
            &["whole.jsonl", "--overwrite"],
        ]
        .concat();
        let output = folder.run(&whole);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let scores = format!("{name}-scores.jsonl");
        let joined = ["filter", &scores, "--rollouts", "r.jsonl"];
        let joined = [&joined[..], &good, &["joined.jsonl", "--overwrite"]].concat();
        let output = folder.run(&joined);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(rows(&folder.path("whole.jsonl")).len(), kept, "{name}");
        assert_eq!(
            rows(&folder.path("whole.jsonl")),
            rows(&folder.path("joined.jsonl")),
            "{name}"
        );
    }
}

#[cfg(unix)]
#[test]
fn what_can_be_read_only_once_is_refused() {
    let folder = Folder::new();
    let made = Command::new("mkfifo").arg(folder.path("pipe")).status();
    assert!(made.unwrap().success());
    let before = fs::read(folder.path("scored.jsonl")).unwrap();
    for args in [
        &["filter", "pipe", "-o", "new.jsonl"][..],
        &["filter", "/dev/null", "-o", "new.jsonl"],
        &[
            "filter",
            "scores.jsonl",
            "--rollouts",
            "pipe",
            "-o",
            "new.jsonl",
        ],
        &["diff", "pipe", "pipe"],
        &["diff", "-", "-"],
        &["score", "pipe", "pipe", "--spec", "math", "-o", "new.jsonl"],
    ] {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(said(&output).contains("stream"), "{}", said(&output));
    }
    assert!(!folder.path("new.jsonl").exists());
    // A file is read twice.
    let output = folder.run(&["diff", "scored.jsonl", "scored.jsonl"]);
    assert_eq!(output.status.code(), Some(0));
    // Nor is what tells how rows were scored written over.
    let manifest = "scored.jsonl.manifest.json";
    for args in [
        &["filter", "scored.jsonl", "-o", manifest, "--overwrite"][..],
        &[
            "score",
            "scored.jsonl",
            "--spec",
            "math",
            "-o",
            manifest,
            "--overwrite",
        ],
    ] {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            said(&output).contains("the manifest of an input"),
            "{}",
            said(&output)
        );
    }
    assert_eq!(fs::read(folder.path("scored.jsonl")).unwrap(), before);
}

/// SGLang writes an object for the reason why a completion ended. A row that is chosen by
/// it is unusable; one that is not may have it.
#[test]
fn what_rows_are_chosen_by_has_its_type() {
    let folder = Folder::new();
    let specs = [
        ("one", ""),
        (
            "other",
            "[rewards.length]\nweight = 0.0\noverlong = { max_tokens = 10, cache_tokens = 5 }\n",
        ),
    ];
    let scored = specs.map(|(name, more)| {
        let spec = format!("version = 1\n[rewards.accuracy]\nmath = {{}}\n{more}");
        fs::write(folder.path(&format!("{name}.toml")), spec).unwrap();
        let row = format!(
            r#"{{"id": "{name}", "prompt": "{name}", "completion": "\\boxed{{1}}", "reference": "1", "n_tokens": 3, "finish_reason": {{"type": "length"}}}}"#
        );
        fs::write(folder.path(&format!("{name}.jsonl")), row + "\n").unwrap();
        let (input, spec) = (format!("{name}.jsonl"), format!("{name}.toml"));
        let output = format!("{name}-scored.jsonl");
        let done = folder.run(&["score", &input, "--spec", &spec, "-o", &output, "-q"]);
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        output
    });
    // Specs that look at other fields are no two kinds of rows.
    let filter = [
        "filter",
        &scored[0],
        &scored[1],
        "-o",
        "out.jsonl",
        "--overwrite",
    ];
    let all = folder.run(&filter);
    assert_eq!(all.status.code(), Some(0), "{}", said(&all));
    assert_eq!(ids(&folder.path("out.jsonl")), ["one", "other"]);

    let finished = folder.run(&[&filter[..], &["--finished"]].concat());
    assert_eq!(finished.status.code(), Some(1), "{}", said(&finished));
    assert_eq!(rows(&folder.path("out.jsonl")).len(), 0);

    // Nor are the same rows without a manifest.
    let both = scored.map(|name| fs::read_to_string(folder.path(&name)).unwrap());
    fs::write(folder.path("both.jsonl"), both.concat()).unwrap();
    let filter = ["filter", "both.jsonl", "-o", "out.jsonl", "--overwrite"];
    let all = folder.run(&filter);
    assert_eq!(all.status.code(), Some(0), "{}", said(&all));
    assert_eq!(ids(&folder.path("out.jsonl")), ["one", "other"]);
    let finished = folder.run(&[&filter[..], &["--finished"]].concat());
    assert_eq!(finished.status.code(), Some(1), "{}", said(&finished));
    assert_eq!(rows(&folder.path("out.jsonl")).len(), 0);
}

#[test]
fn a_bound_is_a_number() {
    let folder = Folder::new();
    for bad in ["nan", "inf", "-inf", "one"] {
        let output = folder.run(&["filter", "scored.jsonl", "-o", "x", "--min-reward", bad]);
        assert_eq!(output.status.code(), Some(2), "{bad}");
    }
    assert_eq!(folder.kept(&["--min-reward", "-1"]).len(), 5);
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
