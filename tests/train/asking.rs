//! What `goldstone sample` makes of prompts that share a name, of flags that say
//! nothing to each other, and of files that it does not read.

use std::fs;

use super::commands::Folder;
use super::drawing::trained;

#[test]
fn rollouts_are_in_the_group_of_their_prompt() {
    let folder = trained();
    // One name twice, and one prompt twice.
    let rows = concat!(
        "{\"id\": \"a\", \"prompt\": \"1+1=\", \"reference\": \"2\"}\n",
        "{\"id\": \"a\", \"prompt\": \"2+1=\", \"reference\": \"3\"}\n",
        "{\"id\": \"b\", \"prompt\": \"1+1=\", \"reference\": \"2\"}\n",
    );
    fs::write(folder.path("prompts.jsonl"), rows).unwrap();
    let args = ["sample", "runs/tiny", "prompts.jsonl", "--max-tokens", "4"];
    let more = ["-n", "2", "-o", "rows.jsonl"];
    folder.run(0, &[&args[..], &more].concat());
    let rows = folder.rows("rows.jsonl");
    let groups: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["group"].as_str())
        .collect();
    assert_eq!(groups[0], groups[1]);
    assert_ne!(groups[0], groups[2]);
    assert_eq!(groups[0], groups[4]);
    // As `score` names the group of a row that has none.
    let mut bare = rows.clone();
    for row in &mut bare {
        row.as_object_mut().unwrap().remove("group");
    }
    let bare: String = bare.iter().map(|row| format!("{row}\n")).collect();
    fs::write(folder.path("bare.jsonl"), bare).unwrap();
    folder.run(
        0,
        &[
            "score",
            "bare.jsonl",
            "--spec",
            "math",
            "-o",
            "scores.jsonl",
        ],
    );
    let scores = folder.rows("scores.jsonl");
    for (score, group) in scores.iter().zip(groups) {
        assert_eq!(score["group"], group);
    }
}

#[test]
fn flags_without_effect_are_refused() {
    let folder = Folder::new();
    let draw = |more: &[&str]| {
        let args = ["sample", "nowhere", "-o", "x.jsonl"];
        folder.run(2, &[&args[..], more].concat())
    };
    for flag in [
        &["--system", "x"][..],
        &["--prefill", "x"],
        &["--prompt", "/q"],
        &["--reference", "/a"],
        &["--no-chat"],
        &["prompts.jsonl"],
    ] {
        let said = draw(&[&["--recipe", "tiny.toml"], flag].concat());
        assert!(said.contains("cannot be used with"), "{flag:?}: {said}");
        assert!(!draw(flag).contains("cannot be used with"), "{flag:?}");
    }
    let said = draw(&["prompts.jsonl", "--task", "train"]);
    assert!(said.contains("cannot be used with"), "{said}");
    let said = draw(&["prompts.jsonl", "--limit", "0"]);
    assert!(said.contains("--limit"), "{said}");
    fs::write(folder.path("prompts.jsonl"), "{\"prompt\": \"1+2=\"}\n").unwrap();
    let said = draw(&["prompts.jsonl", "--device", "tpu"]);
    assert!(said.contains("`device` is `tpu`; it must be"), "{said}");
    assert!(!said.contains("model configuration"), "{said}");
}

#[test]
fn prompts_that_are_packed_are_called_so() {
    let folder = trained();
    for (name, begin, kind) in [
        ("a.jsonl.gz", &b"\x1f\x8b\x08\0"[..], "gzip"),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfd\0", "zstd"),
        ("a.parquet", b"PAR1\0", "Parquet"),
    ] {
        fs::write(folder.path(name), begin).unwrap();
        let said = folder.run(2, &["sample", "runs/tiny", name, "-o", "x.jsonl"]);
        assert!(said.contains(name) && said.contains(kind), "{said}");
        assert!(!said.contains("UTF-8"), "{said}");
    }
    // What is no more than not UTF-8 is that.
    fs::write(folder.path("a.jsonl"), b"\xff\n").unwrap();
    let said = folder.run(2, &["sample", "runs/tiny", "a.jsonl", "-o", "x.jsonl"]);
    assert!(said.contains("line 1: not valid UTF-8"), "{said}");
}

#[test]
fn messages_need_the_template_that_was_left_out() {
    let folder = Folder::new();
    let model = std::path::absolute(super::fixture::folder("qwen2")).unwrap();
    let model = model.to_str().unwrap();
    let rows = "{\"prompt\": [{\"role\": \"user\", \"content\": \"1\"}]}\n";
    fs::write(folder.path("chat.jsonl"), rows).unwrap();
    let args = [
        "sample",
        model,
        "chat.jsonl",
        "--max-tokens",
        "2",
        "-o",
        "x.jsonl",
    ];
    let said = folder.run(2, &[&args[..], &["--no-chat"]].concat());
    assert!(said.contains("`--no-chat` out"), "{said}");
    assert!(!said.contains("has no chat template"), "{said}");
    folder.run(0, &args);
}
