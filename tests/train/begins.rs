//! What is refused before a run makes its folder, with the place of what to change.

use std::fs;

use super::commands::{Folder, RECIPE};

/// The tiny recipe with its stages in the other order, and demonstrations of a file.
fn late() -> Folder {
    let folder = Folder::new();
    let (head, stages) = RECIPE.split_once("[[stages]]").unwrap();
    let (cold, reasoning) = stages.split_once("[[stages]]").unwrap();
    let cold = cold.replace("demonstrations = 16", "task = \"shown\"");
    let task = "[tasks.shown]\nfile = \"shown.jsonl\"\n";
    let text = format!("{head}{task}[[stages]]{reasoning}[[stages]]{cold}");
    fs::write(folder.path("late.toml"), text).unwrap();
    folder
}

#[test]
fn demonstrations_are_read_before_the_stages_before_them() {
    let folder = late();
    let shown = |rows: &str| fs::write(folder.path("shown.jsonl"), rows).unwrap();
    let right = "{\"prompt\": \"1+1=\", \"completion\": \"2\"}\n";
    shown(&format!(
        "{right}{{\"prompt\": \"1+2=\", \"completion\": \"three\"}}\n"
    ));
    let said = folder.run(2, &["train", "late.toml", "-q"]);
    for part in ["shown.jsonl`, line 2: the completion cannot be", "\"t\""] {
        assert!(said.contains(part), "{part}: {said}");
    }
    shown(&format!(
        "{right}{{\"prompt\": \"one\", \"completion\": \"2\"}}\n"
    ));
    let said = folder.run(2, &["train", "late.toml", "-q"]);
    assert!(said.contains("line 2: the prompt cannot be"), "{said}");
    // What needs no tokenizer is said of the recipe alone.
    shown(&format!("{right}{{\"prompt\": \"1+2=\"}}\n"));
    for args in [
        &["check", "late.toml"][..],
        &["train", "late.toml", "--dry-run"],
        &["train", "late.toml", "-q"],
    ] {
        let said = folder.run(2, args);
        assert!(said.contains("line 2: there is no completion"), "{said}");
    }
    assert!(!folder.path("runs").exists());
    shown(right);
    folder.run(0, &["train", "late.toml", "-q"]);
}

#[test]
fn a_dry_run_knows_the_tokens_of_the_policy() {
    let folder = Folder::new();
    let plan = |code: i32, key: &str, id: &str| {
        let set = format!("{key}.stop_ids=[{id}]");
        folder.run(code, &["train", "tiny.toml", "--dry-run", "--set", &set])
    };
    for (key, shown) in [
        (
            "stages.reasoning.grpo.sampling",
            "stages.reasoning.grpo.sampling",
        ),
        ("evaluation.sampling", "evaluation.sampling"),
    ] {
        let said = plan(2, key, "999");
        assert!(
            said.contains(&format!("`{shown}.stop_ids` has 999")),
            "{said}"
        );
        plan(0, key, "3");
    }
}
