//! Rows without scores in every container: what `filter`, `import` and `sample` write.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use goldstone::batch::{Container, Input, Inputs, RowKind, RowWriter, each_line};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Names of outputs, one for each container that this build can write.
fn names() -> Vec<&'static str> {
    let mut all = vec!["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"];
    if cfg!(feature = "parquet") {
        all.push("out.parquet");
    }
    all
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, rows: &[Value]) {
        let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
        fs::write(self.path(name), lines.join("\n")).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(cargo_bin("goldstone"));
        command.args(args).current_dir(self.0.path());
        command.env("RUST_BACKTRACE", "0").output().unwrap()
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Rows as goldstone reads them.
fn rows(path: &Path) -> Vec<Value> {
    let inputs = Inputs::check(vec![Input::named(path)]).unwrap();
    let mut rows = Vec::new();
    each_line(&inputs, 8 << 20, |line| {
        rows.push(present(serde_json::from_slice(line.text.unwrap()).unwrap()));
        ControlFlow::Continue(())
    })
    .unwrap();
    rows
}

/// Without the columns that a row of Parquet has and does not use.
fn present(mut row: Value) -> Value {
    row.as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    row
}

#[cfg_attr(
    not(feature = "parquet"),
    expect(dead_code, reason = "the tests of columns use it")
)]
fn packed(container: Container, kind: RowKind, rows: &[Value]) -> io::Result<Vec<u8>> {
    let mut out = RowWriter::new(container, kind, Vec::new())?;
    for row in rows {
        // In pieces, as serde_json writes.
        serde_json::to_writer(&mut out, row)?;
        out.write_all(b"\n")?;
    }
    out.finish()
}

fn scored(prompts: &[Value]) -> Vec<Value> {
    let row = |(index, prompt): (usize, &Value)| {
        let reward = (index % 2) as f64;
        json!({"id": format!("r{index}"), "group": "g", "prompt": prompt,
            "completion": format!("answer {index} ünï\n\"quoted\""), "reward": reward, "status": "ok", "terms": {}})
    };
    prompts.iter().enumerate().map(row).collect()
}

fn talk() -> Value {
    json!([{"role": "system", "content": "Add."}, {"role": "user", "content": "2+2?"}])
}

#[test]
fn filter_writes_the_same_rows_into_every_container() {
    let folder = Folder::new();
    folder.write("talks.jsonl", &scored(&[talk(), talk(), talk(), talk()]));
    let plain = json!("2+2?");
    folder.write(
        "plain.jsonl",
        &scored(&[plain.clone(), plain.clone(), plain.clone(), plain]),
    );
    for source in ["talks.jsonl", "plain.jsonl"] {
        for options in [
            &[][..],
            &["--pairs", "--min-reward", "1"],
            &["--format", "messages"],
        ] {
            let mut first: Option<Vec<Value>> = None;
            for name in names() {
                let args = ["filter", source, "--overwrite", "-o", name];
                let output = folder.run(&[&args, options].concat());
                assert_eq!(output.status.code(), Some(0), "{}", said(&output));
                let found = rows(&folder.path(name));
                let most = if options.contains(&"--pairs") { 2 } else { 4 };
                assert_eq!(found.len(), most, "{name}");
                let first = first.get_or_insert_with(|| found.clone());
                assert_eq!(*first, found, "{name} {options:?}");
            }
        }
    }
}

#[test]
fn import_writes_the_same_rows_into_every_container() {
    let folder = Folder::new();
    folder.write(
        "tasks.jsonl",
        &[
            json!({"task_id": "HumanEval/0", "prompt": "def half(x):\n", "entry_point": "half", "canonical_solution": "    return x / 2\n", "test": "def check(candidate):\n    assert candidate(4) == 2\n"}),
            json!({"task_id": "HumanEval/1", "prompt": "def twice(x):\n", "entry_point": "twice", "canonical_solution": "    return x * 2\n", "test": "def check(candidate):\n    assert candidate(4) == 8\n"}),
        ],
    );
    folder.write(
        "samples.jsonl",
        &[
            json!({"task_id": "HumanEval/0", "completion": "    return x / 2\n"}),
            json!({"task_id": "HumanEval/1", "completions": ["pass", [{"role": "assistant", "content": "pass"}]]}),
        ],
    );
    for options in [&[][..], &["--completions", "samples.jsonl"]] {
        let mut first: Option<Vec<Value>> = None;
        for name in names() {
            let args = [
                "import",
                "humaneval",
                "tasks.jsonl",
                "--overwrite",
                "-o",
                name,
            ];
            let output = folder.run(&[&args, options].concat());
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            let found = rows(&folder.path(name));
            let first = first.get_or_insert_with(|| found.clone());
            assert_eq!(*first, found, "{name}");
        }
    }
    // Standard output is packed where that is asked for.
    let output = folder.run(&[
        "import",
        "humaneval",
        "tasks.jsonl",
        "--format",
        "jsonl.zst",
    ]);
    fs::write(folder.path("piped"), &output.stdout).unwrap();
    assert_eq!(rows(&folder.path("piped")).len(), 2);
    assert_eq!(output.stdout[..4], [0x28, 0xb5, 0x2f, 0xfd]);
}

#[test]
fn no_rows_are_a_file_of_their_kind() {
    let folder = Folder::new();
    folder.write("scored.jsonl", &scored(&[talk()]));
    for name in names() {
        let output = folder.run(&["filter", "scored.jsonl", "--min-reward", "9", "-o", name]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(rows(&folder.path(name)).is_empty(), "{name}");
        let bytes = fs::metadata(folder.path(name)).unwrap().len();
        assert_eq!(bytes == 0, name == "out.jsonl", "{name}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn what_a_trainer_could_not_read_is_no_file() {
    let folder = Folder::new();
    let plain = json!("2+2?");
    folder.write(
        "scored.jsonl",
        &scored(&[talk(), plain.clone(), talk(), plain]),
    );
    let before = folder.files();
    for (options, problem) in [
        // Messages here, a prompt and a completion there.
        (&[][..], "no `completion`"),
        (&["--format", "pair"], "`prompt` is not of one type"),
    ] {
        let args = ["filter", "scored.jsonl", "-o", "out.parquet"];
        let output = folder.run(&[&args, options].concat());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(problem), "{said}");
        assert!(said.contains("out.parquet"), "{said}");
        assert_eq!(folder.files(), before);
    }
    let args = ["filter", "scored.jsonl", "-o", "out.parquet"];
    let output = folder.run(&[&args[..], &["--format", "messages"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(rows(&folder.path("out.parquet")).len(), 4);
}

#[cfg(feature = "parquet")]
#[test]
fn an_example_has_one_type_in_every_row_group() {
    let row = |prompt: Value| json!({"prompt": prompt, "completion": "x".repeat(1 << 20)});
    let mut some: Vec<Value> = (0..20).map(|_| row(json!("asked"))).collect();
    assert!(packed(Container::Parquet, RowKind::Examples, &some).is_ok());
    // The first row group is written by then.
    some.push(row(talk()));
    let error = packed(Container::Parquet, RowKind::Examples, &some).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(error.to_string().contains("`prompt`"), "{error}");
    some.pop();
    some.push(json!({"completion": ""}));
    let error = packed(Container::Parquet, RowKind::Examples, &some).unwrap_err();
    assert!(error.to_string().contains("no `prompt`"), "{error}");
}

#[cfg(feature = "parquet")]
#[test]
fn rollouts_come_back_to_the_letter() {
    let mut all = vec![
        json!({"id": "a", "prompt": talk(), "reference": "42", "n_tokens": 3, "misfit": 1}),
        // Numbers of two types, fields in another order, a null within.
        json!({"id": "b", "prompt": "plain", "reference": ["42", "6*7"], "tests": {"z": [1, 2.5], "a": null}}),
        json!({"id": "c", "prompt": [], "completion": [{"role": "assistant", "content": "x", "reasoning": "y"}], "extra": {}}),
    ];
    let long = "x".repeat(1 << 20);
    all.extend((0..20).map(|row| json!({"id": row.to_string(), "completion": long})));
    // Of the second row group: a column that the first has not, and one of another type.
    all.push(json!({"id": "d", "late": [1, {"a": 1.0}], "n_tokens": "three"}));
    for container in [Container::Parquet, Container::Zstd, Container::Gzip] {
        let folder = Folder::new();
        let path = folder.path("rows");
        fs::write(&path, packed(container, RowKind::Rollouts, &all).unwrap()).unwrap();
        let found = rows(&path);
        assert_eq!(found.len(), all.len());
        for (found, row) in found.iter().zip(&all) {
            assert_eq!(found.to_string(), present(row.clone()).to_string());
        }
    }
}

#[cfg(feature = "parquet")]
#[test]
fn examples_have_the_types_that_trainers_expect() {
    use arrow_schema::DataType;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let message = |kind: &DataType| match kind {
        DataType::List(item) => match item.data_type() {
            DataType::Struct(fields) => {
                let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                assert_eq!(names, ["role", "content"]);
            }
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    };
    let examples = [
        json!({"messages": talk(), "reward": 1.0}),
        json!({"messages": [], "reward": 0.5}),
    ];
    let bytes = packed(Container::Parquet, RowKind::Examples, &examples).unwrap();
    let opened = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let schema = opened.schema();
    assert_eq!(schema.fields().len(), 2, "nothing of ours");
    message(schema.field_with_name("messages").unwrap().data_type());
    let reward = schema.field_with_name("reward").unwrap().data_type();
    assert_eq!(*reward, DataType::Float64);
}

#[test]
fn a_full_disk_is_not_the_users_data() {
    let folder = Folder::new();
    folder.write("scored.jsonl", &scored(&[talk(), talk()]));
    folder.write(
        "tasks.jsonl",
        &[json!({"problem_idx": 1, "problem": "A", "answer": 204})],
    );
    let filter = &["filter", "scored.jsonl", "-o", "/dev/full"][..];
    for format in ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"] {
        if format == "parquet" && !cfg!(feature = "parquet") {
            continue;
        }
        let import = &["import", "aime", "tasks.jsonl", "-o", "/dev/full"];
        let import = &[&import[..], &["--format", format]].concat()[..];
        for args in [filter, import] {
            let output = folder.run(args);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(3), "{args:?}: {said}");
            assert!(
                said.contains("cannot write `/dev/full`: No space"),
                "{said}"
            );
        }
    }
    for option in ["--json", "--rows"] {
        let mut other = scored(&[talk(), talk()]);
        other[1]["reward"] = json!(0.5);
        folder.write("other.jsonl", &other);
        let args = ["diff", "scored.jsonl", "other.jsonl", option, "/dev/full"];
        let output = folder.run(&args);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(3), "{option}: {said}");
        assert!(
            said.contains("cannot write `/dev/full`: No space"),
            "{said}"
        );
    }
}

#[test]
fn what_is_read_is_not_written_over() {
    let folder = Folder::new();
    // What an output is called until it is whole can be an input, too.
    let files = ["rows.html.part", "scored.jsonl", "scored.jsonl.part"];
    let text = scored(&[talk(), talk()]);
    for file in files {
        folder.write(file, &text);
    }
    let before = fs::read(folder.path("scored.jsonl")).unwrap();
    let [page_part, whole, part] = files;
    for args in [
        &["filter", whole, "-o", whole, "--overwrite"][..],
        &["filter", part, "-o", whole, "--overwrite"],
        &[
            "import",
            "aime",
            whole,
            "-o",
            "./scored.jsonl",
            "--overwrite",
        ],
        &[
            "import",
            "aime",
            part,
            "-o",
            "./scored.jsonl",
            "--overwrite",
        ],
        &[
            "diff",
            "rows.html.part",
            part,
            "--rows",
            whole,
            "--overwrite",
        ],
        &[
            "diff",
            part,
            "rows.html.part",
            "--json",
            whole,
            "--overwrite",
        ],
        &["report", page_part, "-o", "rows.html", "--spec", "gsm8k"],
        &["report", whole, "-o", "rows.html", "--spec", "gsm8k"],
        &["filter", whole, "-o", ".", "--overwrite"],
    ] {
        let output = folder.run(args);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            ["would be written over", "is no report", "is a directory"]
                .iter()
                .any(|problem| said.contains(problem)),
            "{args:?}: {said}"
        );
    }
    for file in files {
        assert_eq!(fs::read(folder.path(file)).unwrap(), before, "{file}");
    }
    assert_eq!(folder.files(), files);
}

/// As the Hugging Face hub has it.
#[cfg(feature = "parquet")]
#[test]
fn a_data_set_in_parquet_is_imported() {
    let folder = Folder::new();
    let tasks = [
        json!({"question": "6*7?", "answer": "It is 42.\n#### 42"}),
        json!({"question": "1+1?", "answer": "#### 2"}),
    ];
    let bytes = packed(Container::Parquet, RowKind::Examples, &tasks).unwrap();
    fs::write(folder.path("test.parquet"), bytes).unwrap();
    let output = folder.run(&["import", "gsm8k", "test.parquet", "-o", "out.parquet"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let found = rows(&folder.path("out.parquet"));
    assert_eq!(found[0]["prompt"], "6*7?");
    assert_eq!(found[1]["reference"], "2");
}

#[test]
fn two_runs_do_not_share_an_output() {
    let folder = Folder::new();
    folder.write("scored.jsonl", &scored(&[talk()]));
    for name in names() {
        // What an interrupted run left is not taken away unasked.
        let part = format!("{name}.part");
        fs::write(folder.path(&part), "rows").unwrap();
        let args = ["filter", "scored.jsonl", "-o", name];
        let output = folder.run(&args);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert_eq!(fs::read_to_string(folder.path(&part)).unwrap(), "rows");
        let output = folder.run(&[&args[..], &["--overwrite"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(!folder.path(&part).exists());
    }
}
