//! Packed outputs: the rows they hold, and how runs that were cut go on.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use goldstone::batch::{
    Batch, BatchError, BatchOptions, Columns, Container, Control, Ended, Existing, Input, Inputs,
    Manifest, OutputFile, Report, each_line,
};
use goldstone::load;
use serde_json::Value;
use tempfile::TempDir;

/// Every container that this build can write.
fn packed() -> Vec<Container> {
    let mut all = vec![Container::Gzip, Container::Zstd];
    if cfg!(feature = "parquet") {
        all.push(Container::Parquet);
    }
    all
}

/// A run into a file.
struct Run {
    folder: TempDir,
    inputs: Vec<PathBuf>,
    options: BatchOptions,
}

impl Run {
    fn new(text: &str, container: Container) -> Self {
        let folder = TempDir::new().unwrap();
        let input = folder.path().join("in.jsonl");
        fs::write(&input, text).unwrap();
        Self {
            folder,
            inputs: vec![input],
            options: BatchOptions {
                container,
                block_bytes: Some(1500),
                chunk_rows: 3,
                jobs: 1,
                ..BatchOptions::default()
            },
        }
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn tail(&self) -> PathBuf {
        self.folder.path().join("out.tail")
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.output()).unwrap()
    }

    fn go(&self, existing: Existing) -> Result<Report, BatchError> {
        self.controlled(existing, &Control::default())
    }

    fn controlled(&self, existing: Existing, control: &Control) -> Result<Report, BatchError> {
        let judge = load::spec("r1-zero").unwrap();
        let inputs = Inputs::check(self.inputs.iter().map(Input::named).collect()).unwrap();
        let manifest = Manifest::new(&judge, &inputs, &self.options).unwrap();
        let file = OutputFile::open(&self.output(), manifest, existing)?;
        Batch {
            judge: &judge,
            inputs: &inputs,
            options: &self.options,
            control,
        }
        .run_file(file)
    }

    fn stream(&self) -> Vec<u8> {
        let judge = load::spec("r1-zero").unwrap();
        let inputs = Inputs::check(self.inputs.iter().map(Input::named).collect()).unwrap();
        let mut out = Vec::new();
        Batch {
            judge: &judge,
            inputs: &inputs,
            options: &self.options,
            control: &Control::default(),
        }
        .run(&mut out)
        .unwrap();
        out
    }

    /// The same rows as plain lines.
    fn plain(&self) -> Vec<u8> {
        let run = Self {
            folder: TempDir::new().unwrap(),
            inputs: self.inputs.clone(),
            options: BatchOptions {
                container: Container::Jsonl,
                block_bytes: None,
                ..self.options.clone()
            },
        };
        run.go(Existing::Refuse).unwrap();
        run.bytes()
    }

    fn unfinish(&self) {
        let path = Manifest::path(&self.output());
        let text = fs::read_to_string(&path).unwrap();
        let text = text.replace("\"complete\": true", "\"complete\": false");
        fs::write(path, text).unwrap();
    }
}

/// Good, wrong, unanswered and broken rows, with values of many types.
fn rows(count: usize) -> String {
    let mut text = String::new();
    for index in 0..count {
        let group = index / 4;
        text += &match index % 11 {
            10 => "{\"completion\": \"cut\n".to_owned(),
            9 => format!("{{\"id\": \"n{index}\", \"completion\": \"no reference\"}}\n"),
            kind => format!(
                "{{\"id\": \"r{index}\", \"group\": \"g{group}\", \"completion\": \"<think>ü {}</think><answer>{}</answer>\", \"reference\": \"{group}\", \"n\": {index}, \"share\": {}, \"tests\": {}, \"seen\": {}}}\n",
                "word ".repeat(index % 5),
                group + index % 3,
                index as f64 / 8.0,
                // Of several types, and at times none at all.
                ["1", "\"one\"", "[1, \"b\"]", "{\"b\":  2}", "null"][index % 5],
                // A list that goes on as a text.
                if kind == 8 && index > 20 {
                    "\"[]\""
                } else {
                    "[{\"role\": \"user\", \"content\": \"hi\"}]"
                },
            ),
        };
    }
    text
}

fn lines_of(path: &Path) -> Vec<String> {
    let inputs = Inputs::check(vec![Input::named(path)]).unwrap();
    let mut lines = Vec::new();
    each_line(&inputs, 1 << 30, |line| {
        lines.push(String::from_utf8(line.text.unwrap().to_vec()).unwrap());
        ControlFlow::Continue(())
    })
    .unwrap();
    lines
}

/// A row without the fields that are null: Parquet has no other absence.
fn present(line: &str) -> Value {
    let mut row: Value = serde_json::from_str(line).unwrap();
    let terms = row["terms"].clone();
    let reward = row["reward"].clone();
    row.as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    row["terms"] = terms;
    row["reward"] = reward;
    row
}

#[cfg(feature = "parquet")]
fn score_text(line: &str) -> &str {
    &line[line.find("\"group\":").unwrap()..]
}

#[test]
fn compressed_outputs_unpack_to_the_plain_one() {
    for columns in [Columns::All, Columns::Scores] {
        for container in [Container::Gzip, Container::Zstd] {
            let mut run = Run::new(&rows(60), container);
            run.options.columns = columns;
            run.go(Existing::Refuse).unwrap();
            let packed = run.bytes();
            let mut text = Vec::new();
            match container {
                Container::Gzip => MultiGzDecoder::new(&packed[..])
                    .read_to_end(&mut text)
                    .unwrap(),
                _ => zstd::Decoder::new(&packed[..])
                    .unwrap()
                    .read_to_end(&mut text)
                    .unwrap(),
            };
            assert!(text == run.plain(), "{container}");
            assert!(!run.tail().exists());
            // A stream is packed alike.
            assert!(run.stream() == packed, "{container}");
        }
    }
}

#[test]
fn nothing_is_still_a_file_of_its_kind() {
    for container in packed() {
        let run = Run::new("", container);
        run.go(Existing::Refuse).unwrap();
        assert!(!run.bytes().is_empty(), "{container}");
        assert_eq!(lines_of(&run.output()), Vec::<String>::new(), "{container}");
        assert!(run.stream() == run.bytes(), "{container}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_outputs_hold_the_plain_ones_rows() {
    for columns in [Columns::All, Columns::Scores] {
        let mut run = Run::new(&rows(60), Container::Parquet);
        run.options.columns = columns;
        run.go(Existing::Refuse).unwrap();
        let plain = String::from_utf8(run.plain()).unwrap();
        let plain: Vec<&str> = plain.lines().collect();
        let got = lines_of(&run.output());
        assert_eq!(got.len(), plain.len());
        for (got, plain) in got.iter().zip(plain) {
            assert_eq!(present(got), present(plain));
            // The score is the same to the byte.
            assert_eq!(
                score_text(&got[got.rfind("\"id\":").unwrap()..]),
                score_text(&plain[plain.rfind("\"id\":").unwrap()..])
            );
        }
        assert!(run.stream() == run.bytes());
    }
}

#[cfg(feature = "parquet")]
#[test]
fn a_parquet_input_scores_as_its_lines_do() {
    let text: String = rows(60)
        .lines()
        .filter(|line| line.ends_with('}'))
        .map(|line| format!("{line}\n"))
        .collect();
    let first = Run::new(&text, Container::Parquet);
    first.go(Existing::Refuse).unwrap();
    let mut second = Run::new("", Container::Parquet);
    second.inputs = vec![first.output()];
    second.go(Existing::Refuse).unwrap();
    let without_place = |path: &Path| -> Vec<Value> {
        let rows = lines_of(path).into_iter().map(|line| {
            let mut row = present(&line);
            if let Some(error) = row.get_mut("error") {
                error.as_object_mut().unwrap().remove("file");
            }
            row
        });
        rows.collect()
    };
    assert_eq!(
        without_place(&first.output()),
        without_place(&second.output())
    );
    assert!(second.plain().len() > 1000);
}

/// Numbers that a column of numbers would change, among those that it holds.
#[cfg(feature = "parquet")]
#[test]
fn a_number_comes_out_of_parquet_as_it_went_in() {
    let columns: [&[&str]; 9] = [
        &["3.14159265358979323846", "1.5", "0.5"],
        &["0.5", "0.33333333333333333333", "null"],
        &["9007199254740993.0", "1.0", "2.5"],
        &["12", "812.5", "-3"],
        &["1", "18446744073709551616", "-0"],
        &["1.50", "2.5", "1e-05"],
        &["[1,2.5]", "[0.1,3.14159265358979323846]", "[1,2]"],
        &["{\"a\":1}", "{\"a\":1.5}", "{\"a\":2.50}"],
        // These are held.
        &["9223372036854775807", "-1", "0"],
    ];
    for values in columns {
        // In one row group, and in one for each row.
        for (block, order) in [(1 << 20, 1), (1, 1), (1, 2)] {
            let row = |index: usize| {
                let value = values[(index * order) % 3];
                let text = "x".repeat(index);
                format!(
                    "{{\"id\":\"{index}\",\"completion\":\"{text}\",\"reference\":{value},\"n\":{value}}}\n"
                )
            };
            let text: String = (0..3).map(row).collect();
            let mut run = Run::new(&text, Container::Parquet);
            run.options.block_bytes = Some(block);
            run.go(Existing::Refuse).unwrap();
            for (index, line) in lines_of(&run.output()).iter().enumerate() {
                let record = goldstone::rollout::Record::parse(line.as_bytes()).unwrap();
                let value = values[(index * order) % 3];
                for name in ["reference", "n"] {
                    let found = record.columns().find(|(other, _)| *other == name);
                    let found = found.map_or("null", |(_, value)| value);
                    let is_same = found == value || value == "1e-05" && found.parse() == Ok(1e-05);
                    assert!(is_same, "{found} for {value} among {values:?}, {block}");
                }
            }
        }
    }
}

#[test]
fn cut_anywhere_and_resumed_is_as_uninterrupted() {
    for container in packed() {
        let run = Run::new(&rows(45), container);
        let report = run.go(Existing::Overwrite).unwrap();
        let whole = run.bytes();
        let step = if container == Container::Parquet {
            499
        } else {
            53
        };
        for cut in (0..=whole.len()).step_by(step).chain([whole.len()]) {
            fs::write(run.output(), &whole[..cut]).unwrap();
            run.unfinish();
            let resumed = run.go(Existing::Resume).unwrap();
            assert!(run.bytes() == whole, "{container}, cut at {cut}");
            assert_eq!(resumed.summary, report.summary, "{container}, cut at {cut}");
            assert!(!run.tail().exists());
        }
    }
}

#[test]
fn a_tail_that_fits_is_gone_on_with_and_no_other() {
    for container in packed() {
        let run = Run::new(&rows(45), container);
        run.go(Existing::Overwrite).unwrap();
        let whole = run.bytes();
        let plain = run.plain();
        let plain: Vec<&[u8]> = plain.split_inclusive(|byte| *byte == b'\n').collect();
        let mut fitted = 0;
        for before in 0..=plain.len() {
            // Rows from there on, the last of them cut.
            let rows = plain[before..plain.len().min(before + 2)].concat();
            let mut tail = (before as u64).to_le_bytes().to_vec();
            tail.extend(&rows[..rows.len().saturating_sub(3)]);
            fs::write(run.tail(), &tail).unwrap();
            fs::write(run.output(), &whole[..whole.len() / 2]).unwrap();
            run.unfinish();
            let resumed = run.go(Existing::Resume).unwrap();
            fitted += u64::from(resumed.resumed_rows == before as u64 + 1);
            assert!(run.bytes() == whole, "{container}, tail from {before}");
        }
        assert!(fitted >= 2, "{container}: {fitted}");
        // A tail that is cut within its head is none.
        for bytes in [&b""[..], b"\0\0\0"] {
            fs::write(run.tail(), bytes).unwrap();
            fs::write(run.output(), &whole[..whole.len() / 2]).unwrap();
            run.unfinish();
            run.go(Existing::Resume).unwrap();
            assert!(run.bytes() == whole);
        }
    }
}

#[test]
fn a_stopped_run_can_be_read_and_resumed() {
    for container in packed() {
        let run = Run::new(&rows(600), container);
        run.go(Existing::Overwrite).unwrap();
        let whole = run.bytes();
        let plain = String::from_utf8(run.plain()).unwrap();
        fs::remove_file(run.output()).unwrap();
        let mut stops = 0;
        for wanted in [100, 250, 400, 500] {
            let control = Control::default();
            let ended = std::thread::scope(|threads| {
                threads.spawn(|| {
                    while control.progress().rows < wanted {
                        std::thread::yield_now();
                    }
                    control.stop();
                });
                run.controlled(Existing::Resume, &control).unwrap().ended
            });
            stops += u32::from(ended == Ended::Stopped);
            let got = lines_of(&run.output());
            assert!(got.len() as u64 >= wanted, "{container}");
            let last = got.last().unwrap();
            let same = plain.lines().nth(got.len() - 1).unwrap();
            assert_eq!(present(last), present(same), "{container}");
        }
        assert!(stops > 0, "{container}");
        run.go(Existing::Resume).unwrap();
        assert!(run.bytes() == whole, "{container}");
    }
}

#[test]
fn an_input_that_breaks_off_leaves_a_readable_output() {
    let lines = rows(400);
    for container in packed() {
        let mut run = Run::new(&lines, container);
        let mut archive = zstd::encode_all(lines.as_bytes(), 3).unwrap();
        archive.truncate(archive.len() * 2 / 3);
        let path = run.folder.path().join("cut.zst");
        fs::write(&path, archive).unwrap();
        let good = run.inputs[0].clone();
        run.inputs = vec![good, path];
        let error = run.go(Existing::Refuse).unwrap_err();
        let BatchError::Input { report, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(
            lines_of(&run.output()).len() as u64,
            report.summary.rows,
            "{container}"
        );
        assert!(report.summary.rows >= 400);
    }
}

#[test]
fn an_output_of_another_kind_is_not_resumed() {
    let mut run = Run::new(&rows(30), Container::Zstd);
    run.go(Existing::Refuse).unwrap();
    run.unfinish();
    let whole = run.bytes();
    run.options.container = Container::Gzip;
    let error = run.go(Existing::Resume).unwrap_err().to_string();
    assert!(error.contains("--format jsonl.zst"), "{error}");
    run.options.container = Container::Zstd;
    run.options.block_bytes = None;
    let error = run.go(Existing::Resume).unwrap_err().to_string();
    assert!(error.contains("blocks of another size"), "{error}");
    assert!(run.bytes() == whole);
}

#[test]
fn names_tell_the_container() {
    for (name, container) in [
        ("a.jsonl", Container::Jsonl),
        ("a.jsonl.gz", Container::Gzip),
        ("a.zst", Container::Zstd),
        ("a.parquet", Container::Parquet),
        ("parquet", Container::Jsonl),
        ("a.parquet.jsonl", Container::Jsonl),
        ("a.GZ", Container::Jsonl),
    ] {
        assert_eq!(Container::of(Path::new(name)), container, "{name}");
    }
}
