//! Broken specs and what is said about them; good ones and what they pay.

use goldstone::reward::{Scorer, SpecSource};

fn compile(text: &str) -> Result<Scorer, goldstone::reward::SpecError> {
    let grammar = |path: &str| Err(format!("no file `{path}` here"));
    Scorer::compile(SpecSource {
        text,
        origin: "spec.toml",
        grammar: &grammar,
    })
}

/// What the documentation shows as a whole spec is one.
#[test]
fn specs_of_the_documentation_compile() {
    let text = std::fs::read_to_string("docs/rewards.md").expect("the page is there");
    let blocks = text.split("```toml\n").skip(1);
    let specs: Vec<&str> = blocks
        .map(|block| block.split("```").next().unwrap_or_default())
        .collect();
    assert!(specs.len() > 12, "only {} specs", specs.len());
    for spec in specs {
        if !cfg!(feature = "sandbox") && spec.contains("\ncode = ") {
            continue;
        }
        if let Err(error) = compile(spec) {
            panic!("{error}");
        }
    }
}

#[test]
fn broken_specs_are_explained() {
    // Builds without the sandbox lack two kinds.
    insta::with_settings!({ filters => [("`math`, `code`, `efficiency`", "`math`")] }, {
        insta::glob!("data/spec/broken/*.toml", |path| {
            let text = std::fs::read_to_string(path).unwrap();
            let error = compile(&text).expect_err("the spec is broken");
            insta::assert_snapshot!(error.to_string());
        });
    });
}
