//! Imports go one way: the tables of `docs/architecture.md` against `src/`.
//!
//! Every path in the code is read, in `use` and elsewhere; comments and strings
//! are not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

mod source;

use source::paths;

/// What `docs/architecture.md` allows.
struct Rules {
    /// Module to the modules it may import; `None` for "everything".
    imports: BTreeMap<String, Option<Vec<String>>>,
    /// A crate or a path such as `std::fs`, and the files or folders it may be named in.
    places: Vec<(Vec<String>, Vec<String>)>,
}

#[test]
fn imports_go_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = Rules::parse(&read(&root.join("docs/architecture.md")));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    assert!(files.len() > 20, "only {} files found", files.len());
    let faults: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let name = file.strip_prefix(root).expect("listed below the root");
            rules.check(&name.display().to_string(), &read(file))
        })
        .collect();
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn the_checker_finds_what_it_must() {
    let rules = Rules::parse(SAMPLE_RULES);
    let faults = |file: &str, source: &str| rules.check(file, source);
    let bad = [
        ("src/text/exact.rs", "use crate::reward::Score;"),
        (
            "src/text/exact.rs",
            "use crate::{verdict::Verdict, reward};",
        ),
        (
            "src/text/exact.rs",
            "use crate::{verdict, reward::{Score, Term}};",
        ),
        ("src/text/exact.rs", "fn f() { crate::reward::score() }"),
        ("src/text/exact.rs", "use super::super::reward;"),
        (
            "src/text/exact.rs",
            "mod tests { use super::super::super::reward; }",
        ),
        ("src/text/mod.rs", "use super::reward;"),
        ("src/text/choice/mod.rs", "use super::{super::reward};"),
        ("src/text/exact.rs", "use goldstone::reward;"),
        ("src/text/exact.rs", "use crate::*;"),
        ("src/text/exact.rs", "use crate as all;"),
        (
            "src/text/exact.rs",
            "macro_rules! m { () => { $crate::reward::x() } }",
        ),
        ("src/text/exact.rs", "use pest::Parser;"),
        ("src/text/exact.rs", "#[derive(pest::Parser)] struct S;"),
        ("src/text/exact.rs", "use ::pest;"),
        ("src/text/exact.rs", "use std::{collections::HashMap, fs};"),
        (
            "src/text/exact.rs",
            "use std::{\n  collections::HashMap,\n  fs::{self, File}};",
        ),
        ("src/text/exact.rs", "fn f() { std :: fs :: read(\"\"); }"),
        (
            "src/text/exact.rs",
            "/* a /* nested */ comment */ use crate::reward;",
        ),
        (
            "src/text/exact.rs",
            "const Q: char = '\"'; use crate::reward; const R: char = '\"';",
        ),
        (
            "src/text/exact.rs",
            "fn f<'a>(x: &'a str) { crate::reward::f(x) }",
        ),
        ("src/unlisted.rs", "fn f() {}"),
        ("src/unlisted/deep/mod.rs", "fn f() {}"),
    ];
    for (file, source) in bad {
        assert!(
            !faults(file, source).is_empty(),
            "no fault found in {file}: {source}"
        );
    }
    let good = [
        (
            "src/text/exact.rs",
            "use crate::verdict::{Verdict, Outcome};",
        ),
        (
            "src/text/exact.rs",
            "use crate::text::choice; use super::choice;",
        ),
        (
            "src/text/exact.rs",
            "// use crate::reward;\n/// [`crate::reward`]\nfn f() {}",
        ),
        (
            "src/text/exact.rs",
            "/* use crate::reward; */ const S: &str = \"crate::reward\";",
        ),
        (
            "src/text/exact.rs",
            "const S: &str = r#\"\" crate::reward \"#;",
        ),
        (
            "src/text/exact.rs",
            "const S: &str = \"\\\" crate::reward\";",
        ),
        (
            "src/text/exact.rs",
            "mod tests { use super::super::choice; }",
        ),
        (
            "src/text/exact.rs",
            "fn f(my: My) { my.pest(); other::pest::x(); other::std::fs::x() }",
        ),
        ("src/format/shape.rs", "use pest::Parser;"),
        ("src/load.rs", "use std::fs;"),
        ("src/load.rs", "pub(crate) fn f() {} pub(super) fn g() {}"),
        ("src/cli/mod.rs", "use crate::{reward, text, verdict};"),
        (
            "src/lib.rs",
            "pub mod reward; pub use crate::reward::Scorer;",
        ),
    ];
    for (file, source) in good {
        assert_eq!(
            faults(file, source),
            Vec::<String>::new(),
            "{file}: {source}"
        );
    }
    assert_eq!(
        faults("src/text/exact.rs", "\nuse crate::reward;"),
        ["src/text/exact.rs:2: `text` may not import `reward` (it may import `verdict`)"]
    );
}

const SAMPLE_RULES: &str = "
| module | may import |
| --- | --- |
| `verdict` | |
| `text` | `verdict` |
| `format` | |
| `load` | `reward` |
| `reward` | `verdict`, `text` |
| `cli` | everything, through `lib.rs` |

| name | only in |
| --- | --- |
| `pest` | `src/format` |
| `std::fs` | `src/load.rs`, `src/batch` |
";

impl Rules {
    fn parse(document: &str) -> Self {
        let imports: BTreeMap<_, _> = rows(document, "| module | may import |")
            .map(|row| {
                let [module, allowed] = row;
                let all = allowed.contains("everything");
                (quoted(module).concat(), (!all).then(|| quoted(allowed)))
            })
            .collect();
        let places: Vec<_> = rows(document, "| name | only in |")
            .flat_map(|[names, places]| {
                let places = quoted(places);
                quoted(names).into_iter().map(move |name| {
                    (
                        name.split("::").map(str::to_owned).collect(),
                        places.clone(),
                    )
                })
            })
            .collect();
        assert!(
            imports.len() > 3 && !places.is_empty(),
            "the tables are not where they should be"
        );
        Self { imports, places }
    }

    /// The faults of one file, each with its line.
    fn check(&self, file: &str, source: &str) -> Vec<String> {
        let within = file
            .strip_prefix("src/")
            .expect("a file of src")
            .trim_end_matches(".rs");
        let mut module: Vec<&str> = within.split('/').collect();
        if module.last() == Some(&"mod") {
            module.pop();
        }
        let top = module[0];
        let is_front = matches!(top, "lib" | "main");
        let allowed = self.imports.get(top);
        if allowed.is_none() && !is_front {
            return vec![format!(
                "{file}:1: `{top}` has no row in docs/architecture.md"
            )];
        }
        let mut faults = Vec::new();
        for path in paths(source, module.len()) {
            let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
            for (name, places) in &self.places {
                let in_place = places.iter().any(|place| {
                    file == place
                        || file
                            .strip_prefix(&**place)
                            .is_some_and(|rest| rest.starts_with('/'))
                });
                if segments.starts_with(&name.iter().map(String::as_str).collect::<Vec<_>>())
                    && !in_place
                {
                    let (name, places) = (name.join("::"), places.join("`, `"));
                    faults.push(format!(
                        "{file}:{}: `{name}` belongs to `{places}`",
                        path.line
                    ));
                }
            }
            let ["crate" | "goldstone", rest @ ..] = segments.as_slice() else {
                continue;
            };
            if is_front {
                continue;
            }
            match (rest.first(), allowed.and_then(Option::as_ref)) {
                (None | Some(&"*"), _) => faults.push(format!(
                    "{file}:{}: names the whole crate; name the modules",
                    path.line
                )),
                (Some(&target), Some(list))
                    if target != top && !list.iter().any(|name| name == target) =>
                {
                    faults.push(format!(
                        "{file}:{}: `{top}` may not import `{target}` (it may import `{}`)",
                        path.line,
                        list.join("`, `")
                    ));
                }
                _ => {}
            }
        }
        faults
    }
}

/// The rows of the table that begins with `header`, two cells each.
fn rows<'d>(document: &'d str, header: &str) -> impl Iterator<Item = [&'d str; 2]> {
    let start = document
        .find(header)
        .unwrap_or_else(|| panic!("no table `{header}`"));
    document[start..]
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells
                .try_into()
                .unwrap_or_else(|_| panic!("two cells wanted: {line}"))
        })
}

/// The texts in backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for entry in entries {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            // Unit tests of private modules read files and clocks.
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            found.push(path);
        }
    }
    found.sort();
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}
