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
        if !cfg!(feature = "remote") && spec.contains("remote") {
            continue;
        }
        if let Err(error) = compile(spec) {
            panic!("{error}");
        }
    }
}

#[test]
fn broken_specs_are_explained() {
    // Builds without the sandbox lack two kinds, those without the client one.
    let kinds = [
        ("`math`, `code`, `efficiency`", "`math`"),
        ("`overlong`, `remote`", "`overlong`"),
    ];
    insta::with_settings!({ filters => kinds }, {
        insta::glob!("data/spec/broken/*.toml", |path| {
            let text = std::fs::read_to_string(path).unwrap();
            let error = compile(&text).expect_err("the spec is broken");
            insta::assert_snapshot!(error.to_string());
        });
    });
}

#[cfg(feature = "remote")]
#[test]
fn broken_remote_rewards_are_explained() {
    insta::glob!("data/spec/remote/*.toml", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let error = compile(&text).expect_err("the spec is broken");
        insta::assert_snapshot!(error.to_string());
    });
}

#[cfg(feature = "remote")]
#[test]
fn the_example_with_judges_compiles() {
    let text = std::fs::read_to_string("examples/specs/r1-mixed.toml").expect("it is there");
    let scorer = compile(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scorer.endpoints().len(), 2);
    assert_eq!(scorer.warnings(), [""; 0]);
}

/// A key on an open road works, and is warned about.
#[cfg(feature = "remote")]
#[test]
fn a_key_without_encryption_is_a_warning() {
    let warnings = |url: &str, key: &str| {
        let text = format!(
            "version = 1\n[rewards.helpful.remote]\nurl = \"{url}\"\n{key}\n\
             protocol = \"scores\"\nrange = [0, 1]"
        );
        compile(&text).expect("a sound spec").warnings().to_vec()
    };
    let key = "key_env = \"JUDGE_KEY\"";
    let said = warnings("http://judge.example/v1", key);
    insta::assert_snapshot!(said.join("\n"));
    for url in [
        "https://judge.example/",
        "http://localhost:8000/",
        "http://127.0.0.1/",
    ] {
        assert!(warnings(url, key).is_empty(), "{url}");
    }
    assert!(warnings("http://judge.example/v1", "").is_empty());
}

#[cfg(not(feature = "remote"))]
#[test]
fn a_kind_that_the_build_lacks_is_named() {
    let text = "version = 1\n[rewards.judge]\nremote = { url = \"http://localhost\" }";
    let error = compile(text).expect_err("there is no client").to_string();
    assert!(
        error.contains("this build of goldstone has no `remote` reward"),
        "{error}"
    );
}
