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

#[test]
fn broken_specs_are_explained() {
    // Builds without the sandbox lack one kind.
    insta::with_settings!({ filters => [("`math`, `code`", "`math`")] }, {
        insta::glob!("data/spec/broken/*.toml", |path| {
            let text = std::fs::read_to_string(path).unwrap();
            let error = compile(&text).expect_err("the spec is broken");
            insta::assert_snapshot!(error.to_string());
        });
    });
}
