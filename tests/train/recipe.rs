//! Recipes: shipped ones load, broken ones are explained, settings override,
//! the documentation keeps step.

use std::path::Path;

use goldstone::train::Device;
use goldstone::train::recipe::{
    Files, Recipe, RecipeError, RecipeSource, StageOptions, key_tables, load, shipped,
    with_settings,
};
use goldstone::train::watch::InputFile;

fn read(text: &str) -> Result<Recipe, RecipeError> {
    Recipe::read(RecipeSource {
        text,
        origin: "recipe.toml",
        folder: Path::new("tests/data/train/recipes"),
        files: Files::MustExist,
    })
}

#[test]
fn broken_recipes_are_explained() {
    insta::glob!("..", "data/train/recipes/broken/*.toml", |path| {
        let text = std::fs::read_to_string(path).expect("readable");
        let error = read(&text).expect_err("the recipe is broken");
        // The spec for code is there in builds with the sandbox only.
        let error = error.to_string().replace("choice, code,", "choice,");
        insta::assert_snapshot!(error);
    });
}

#[test]
fn policies_can_be_kept_by_a_vote() {
    let text = include_str!("../data/train/recipes/broken/majority.toml");
    let text = text.replace("maj@2", "maj@4").replace("maj@1", "maj@4");
    assert!(read(&text).is_ok());
}

#[test]
fn shapes_beyond_every_machine_are_refused() {
    for (key, number) in [
        ("hidden_size", "1000000000000000000"),
        ("hidden_size", "9223372036854775800"),
        ("layers", "1000000000000"),
        ("head_dim", "1000000000000"),
        ("max_positions", "1000000000000"),
    ] {
        let setting = format!("model.random.{key}={number}");
        let error = load("addition", &[setting]).expect_err("no machine has it");
        let text = error.to_string();
        assert!(text.contains(number) && text.contains("at most"), "{text}");
    }
    let setting = "model.random.hidden_size=128".to_owned();
    assert!(load("addition", &[setting]).is_ok());
}

#[test]
fn shipped_recipes_load() {
    for recipe in shipped() {
        match recipe.name {
            // They name files that the user brings.
            "countdown" | "gsm8k" => {
                let error = load(recipe.name, &[]).expect_err("no such files here");
                let text = error.to_string();
                assert!(!text.contains("unknown"), "{text}");
            }
            name => {
                let loaded = load(name, &[]).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(loaded.name, name);
                assert!(!loaded.description.is_empty());
            }
        }
    }
    let error = load("adition", &[]).expect_err("misspelt");
    assert!(
        error.to_string().contains("did you mean `addition`?"),
        "{error}"
    );
}

/// What a run compares before it goes on: all that it is made from but weights.
#[test]
fn grammars_and_chat_templates_are_part_of_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("writable");
    };
    std::fs::create_dir(folder.path().join("model")).expect("writable");
    let model = Path::new("tests/data/train/policies/qwen2");
    for entry in model.read_dir().expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        std::fs::copy(&path, folder.path().join("model").join(name)).expect("copied");
    }
    let grammar = "doc = _{ SOI ~ answer ~ EOI }\nanswer = @{ \"x\" }";
    write("g.pest", grammar);
    write(
        "spec.toml",
        "version = 1\n[format]\ngrammar = \"g.pest\"\nroot = \"doc\"\nanswer = \"answer\"\n\
         [rewards.a]\nexact = {}\n",
    );
    write(
        "rows.jsonl",
        "{\"prompt\": \"1+1\", \"reference\": \"x\"}\n",
    );
    write(
        "recipe.toml",
        "version = 1\n[model]\npath = \"model\"\n[tasks.train]\nfile = \"rows.jsonl\"\n\
         [reward]\nspec = \"spec.toml\"\n[[stages]]\nname = \"one\"\n[stages.grpo]\nsteps = 1\n",
    );
    let inputs = || {
        let path = folder.path().join("recipe.toml");
        let recipe = load(&path.to_string_lossy(), &[]).unwrap_or_else(|error| panic!("{error}"));
        let prepared = recipe.prepare(&Device::Cpu, folder.path().join("run"));
        prepared.expect("the model loads").plan.info.inputs
    };
    let changed = |before: &[InputFile]| -> Vec<String> {
        let now = inputs().into_iter();
        let new = now.filter(|file| !before.contains(file));
        new.map(|file| file.path).collect()
    };
    let mut known = inputs();
    assert!(changed(&known).is_empty());
    let template = "model/chat_template.jinja";
    let ends = "{\"eos_token_id\": 93}";
    for (file, text, of) in [
        ("g.pest", &*grammar.replace("\"x\"", "\"y\""), "spec.toml"),
        (template, "{{ messages[0].content }}", template),
        ("rows.jsonl", "{\"prompt\": \"2+2\"}\n", "rows.jsonl"),
        (
            "model/generation_config.json",
            ends,
            "model/generation_config.json",
        ),
    ] {
        write(file, text);
        assert_eq!(changed(&known), [of], "{file}");
        known = inputs();
    }
    // Not what nothing is read from.
    write("notes.txt", "mine");
    assert!(changed(&known).is_empty());
}

#[test]
fn settings_override_keys() {
    let settings = [
        "stages.reasoning.grpo.optimizer.learning_rate=1e-4",
        "stages.reasoning.grpo.steps = 7",
        "name=mine",
        "evaluation.prompts=5",
        "checkpoints.keep=3",
    ];
    let recipe = load("addition", &settings.map(str::to_owned)).expect("the settings fit");
    let Some(StageOptions::Grpo(options)) = recipe.stage("reasoning").map(|stage| &stage.options)
    else {
        panic!("no such stage")
    };
    assert_eq!(options.optimizer.learning_rate, 1e-4);
    // What is not set stays.
    assert_eq!(options.optimizer.warmup_steps, Some(10));
    assert_eq!(options.steps, 7);
    assert_eq!(recipe.name, "mine");
    assert_eq!(recipe.checkpoints.keep, 3);
    // The text is the whole truth: it reads to the same recipe.
    let again = Recipe::read(RecipeSource {
        text: &recipe.text,
        origin: "run",
        folder: Path::new(""),
        files: Files::MustExist,
    });
    let again = again.expect("a run's copy reads");
    assert_eq!(again.stages, recipe.stages);
    assert_eq!(again.name, recipe.name);
}

#[test]
fn evaluations_draw_as_the_last_stage_does() {
    let tokens = |setting: &str| {
        let addition = shipped().find(|recipe| recipe.name == "addition");
        let text = addition.expect("shipped").text;
        let (head, stages) = text.split_once("[[stages]]").expect("stages");
        let head = head.replace("sampling = { max_tokens = 48 }\n", "");
        let text = with_settings(&format!("{head}[[stages]]{stages}"), [setting]);
        let recipe = read(&text.expect("a setting")).unwrap_or_else(|error| panic!("{error}"));
        let evaluation = recipe.evaluation.expect("an evaluation");
        evaluation.sampling.max_tokens
    };
    assert_eq!(tokens("stages.reasoning.grpo.sampling.max_tokens=33"), 33);
    assert_eq!(tokens("evaluation.sampling.max_tokens=21"), 21);
}

#[test]
fn wrong_settings_are_shown_in_place() {
    let settings = [
        "stages.reasonin.grpo.steps=5",
        "stages.reasoning.grpo.stepz=5",
        "stages.reasoning.grpo.steps=many",
        "seed.x=1",
    ];
    let error = load("addition", &settings.map(str::to_owned)).expect_err("nonsense");
    insta::assert_snapshot!(error.to_string());
    for setting in ["steps", "=5", "a=1\nb=2"] {
        assert!(with_settings("", [setting]).is_err(), "{setting}");
    }
}

/// Every key, with its meaning, stands in the documentation: the tables there are
/// made from the definitions that read recipes. `UPDATE_DOCS=1` writes them.
#[test]
fn the_reference_names_every_key() {
    const BEGIN: &str = "<!-- begin: keys, made by tests/train/recipe.rs -->\n";
    const END: &str = "<!-- end: keys -->";
    let path = "docs/training.md";
    let page = std::fs::read_to_string(path).expect("the page is there");
    let (head, rest) = page.split_once(BEGIN).expect("the section begins");
    let (tables, tail) = rest.split_once(END).expect("the section ends");
    let expected = format!("\n{}\n", key_tables());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{head}{BEGIN}{expected}{END}{tail}")).expect("writable");
        return;
    }
    assert!(
        tables == expected,
        "the key tables of {path} are out of date: run this test with UPDATE_DOCS=1"
    );
}

#[test]
fn the_name_of_a_recipe_names_a_folder() {
    let named = |name: &str| {
        let text = include_str!("../../recipes/addition.toml");
        let line = format!("name = {}", toml::Value::String(name.to_owned()));
        read(&text.replace("name = \"addition\"", &line))
    };
    for name in ["/etc/foo", "..", ".hidden", "", " ", "a/b", "a\\b", "a\nb"] {
        let error = named(name).expect_err(name).to_string();
        assert!(error.contains("cannot name a recipe"), "{name:?}: {error}");
    }
    for name in ["addition-2", "qwen2.5 on sums", "和"] {
        assert_eq!(named(name).expect(name).name, name);
    }
}
