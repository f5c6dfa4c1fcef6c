//! GRPO with a judge: rewards from it, a judge that dies, a run that ends for it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use tempfile::TempDir;

use super::server::{Reply, Request, Server, chat};

/// Seconds even without optimisation.
fn recipe(url: &str, judge: &str, stage: &str) -> String {
    format!(
        r#"
version = 1
name = "judged"
seed = 3

[model]
random = {{ layers = 1, hidden_size = 16, intermediate_size = 32, heads = 2, max_positions = 64 }}
tokenizer = {{ characters = "0123456789+=;", special = ["<think>", "</think>", "<answer>", "</answer>"] }}

[tasks.train]
generator = {{ addition = {{ digits = 1 }} }}
part = "train"

[reward]
spec = "judged"

[specs]
judged = '''
version = 1
[rewards.helpful]
remote = {{ section = "text", url = "{url}", model = "judge", prompt = "{{completion}}", range = [0, 10], retries = 0, away_after = 3, away_ms = 0, {judge} }}
'''

[[stages]]
name = "reasoning"
[stages.grpo]
steps = 3
prompts_per_step = 2
group_size = 4
sampling = {{ max_tokens = 12 }}
optimizer = {{ learning_rate = 1e-3 }}
{stage}
"#
    )
}

/// Scores by what was judged, so that the rows of a group differ.
fn judge(request: &Request) -> Reply {
    let text = request.body.to_string();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    Reply::Json(chat(&format!("Score: {}", digits % 11)))
}

struct Run {
    folder: TempDir,
    code: Option<i32>,
    said: String,
}

impl Run {
    fn of(recipe: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("judged.toml"), recipe).expect("written");
        let mut command = Command::new(cargo_bin("goldstone"));
        command.args(["train", "judged.toml", "--jobs", "2", "--plain"]);
        command.current_dir(folder.path()).stdin(Stdio::null());
        let output = command.output().expect("it runs");
        Self {
            folder,
            code: output.status.code(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn rows(&self, name: &str) -> Vec<Value> {
        let path: PathBuf = self.folder.path().join("runs/judged").join(name);
        let text = fs::read_to_string(path).expect("a file of the run");
        let rows = text.lines().map(serde_json::from_str);
        rows.collect::<Result<_, _>>().expect("JSON lines")
    }
}

#[test]
fn a_stage_learns_from_a_judge() {
    let server = Server::start(judge);
    let run = Run::of(&recipe(&server.url, "", ""));
    assert_eq!(run.code, Some(0), "{}", run.said);
    let completions = run.rows("completions.jsonl");
    assert!(!completions.is_empty());
    let paid = completions.iter().filter(|row| row["reward"].is_number());
    assert_eq!(paid.count(), completions.len());
    assert!(
        server.count() > 0 && server.count() <= 3 * 2 * 4,
        "{}",
        server.count()
    );
}

/// Rows without a reward have no advantage; the run goes on, if it may.
#[test]
fn a_judge_that_dies_leaves_rows_without_reward() {
    let server = Server::start(|request| match request.number {
        0..8 => judge(request),
        _ => Reply::Close,
    });
    let run = Run::of(&recipe(&server.url, "", "max_unscorable = 1.0"));
    assert_eq!(run.code, Some(0), "{}", run.said);
    assert!(
        run.said.contains("is away after 3 failures in a row"),
        "{}",
        run.said
    );
    let last = run.rows("metrics.jsonl");
    let last = last
        .iter()
        .rfind(|row| row["frac_unscorable"].is_number())
        .expect("a step");
    // Empty completions are worth the least, and nobody is asked about them.
    assert!(last["frac_unscorable"].as_f64() >= Some(0.5), "{last}");
    let completions = run.rows("completions.jsonl");
    let (null, paid): (Vec<&Value>, Vec<&Value>) =
        completions.iter().partition(|row| row["reward"].is_null());
    assert!(
        !null.is_empty() && !paid.is_empty(),
        "{} {}",
        null.len(),
        paid.len()
    );
    for row in null {
        assert_eq!(row["advantage"].as_f64().unwrap_or(0.0), 0.0, "{row}");
    }
}

/// By default a run ends when more than half of its rows have no reward.
#[test]
fn a_run_without_rewards_ends() {
    let server = Server::start(|_| Reply::Close);
    let run = Run::of(&recipe(&server.url, "", ""));
    assert_eq!(run.code, Some(2), "{}", run.said);
    assert!(run.said.contains("max_unscorable"), "{}", run.said);
}

#[test]
fn a_failure_ends_the_run_where_the_spec_says_so() {
    let server = Server::start(|request| match request.number {
        0..8 => judge(request),
        _ => Reply::Status(503, "overloaded"),
    });
    let run = Run::of(&recipe(&server.url, "on_failure = \"error\"", ""));
    assert_eq!(run.code, Some(3), "{}", run.said);
    assert!(run.said.contains("status 503: overloaded"), "{}", run.said);
}
