//! The copy of a recipe that a run keeps makes the run again, wherever it lies.

use std::fs;

use super::commands::{Folder, RECIPE};

#[test]
fn the_copy_of_a_recipe_can_be_trained_from() {
    let folder = Folder::new();
    let rows: String = (1..8)
        .map(|n| format!("{{\"prompt\": \"{n}+1=\", \"reference\": \"{}\", \"completion\": \"<think></think><answer>{}</answer>\"}}\n", n + 1, n + 1))
        .collect();
    fs::write(folder.path("rows.jsonl"), rows).unwrap();
    let generator = "generator = { addition = { digits = 1 } }\npart = \"train\"";
    let text = RECIPE.replace(generator, "file = \"rows.jsonl\" # ours");
    fs::write(folder.path("file.toml"), &text).unwrap();
    folder.run(
        0,
        &["train", "file.toml", "-q", "--jobs", "1", "--seed", "4"],
    );
    let copy = fs::read_to_string(folder.path("runs/tiny/recipe.toml")).unwrap();
    let here = folder.path("").canonicalize().unwrap();
    let here = here.display();
    assert_eq!(
        copy,
        format!("{text}#: set seed = 4\n#: folder \"{here}\"\n")
    );
    let again = ["train", "runs/tiny/recipe.toml", "-q", "--jobs", "1"];
    folder.run(0, &[&again[..], &["-o", "again"]].concat());
    assert_eq!(folder.metrics("again"), folder.metrics("runs/tiny"));
    let of_copy = fs::read_to_string(folder.path("again/recipe.toml")).unwrap();
    assert_eq!(of_copy, copy);
    // To a resume it is the recipe that the run was begun with, and none that differs.
    folder.run(0, &[&again[..], &["-o", "again", "--resume"]].concat());
    let other = ["-o", "again", "--resume", "--seed", "5"];
    let said = folder.run(2, &[&again[..], &other].concat());
    assert!(said.contains("another recipe"), "{said}");
    // Where its files are gone, it says which.
    fs::rename(folder.path("rows.jsonl"), folder.path("gone.jsonl")).unwrap();
    let said = folder.run(2, &[&again[..], &["-o", "third"]].concat());
    assert!(said.contains(&format!("{here}/rows.jsonl")), "{said}");
}

#[test]
fn the_copy_of_a_recipe_without_a_name_has_its_files() {
    let folder = Folder::new();
    let text = RECIPE.replace("name = \"tiny\"\n", "");
    fs::write(folder.path("mine.toml"), &text).unwrap();
    folder.run(0, &["train", "mine.toml", "-q", "--jobs", "1"]);
    let copy = fs::read_to_string(folder.path("runs/mine/recipe.toml")).unwrap();
    assert_eq!(copy, format!("{text}#: name \"mine\"\n"));
    let again = ["train", "runs/mine/recipe.toml", "-q", "--jobs", "1"];
    folder.run(0, &[&again[..], &["-o", "again"]].concat());
    let info = fs::read_to_string(folder.path("again/run.json")).unwrap();
    assert!(info.contains("\"name\": \"mine\""), "{info}");
    // It is the run's own, and is not called `recipe`.
    folder.run(0, &[&again[..], &["--resume"]].concat());
    assert!(!folder.path("runs/recipe").exists());
    let said = folder.run(
        0,
        &["train", "mine.toml", "--dry-run", "--set", "name=other"],
    );
    assert!(said.contains("runs/other"), "{said}");
}
