//! Files that are written, cut, and written on.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use goldstone::batch::{
    Batch, BatchError, BatchOptions, Columns, Control, Ended, Existing, Manifest, OutputFile,
    Report, ResumeError,
};

use super::{Folder, inputs, mixed_rows, scorer};

/// A run into a file.
struct FileRun<'f> {
    input: &'f Path,
    output: PathBuf,
    options: BatchOptions,
}

impl FileRun<'_> {
    fn go(&self, existing: Existing) -> Result<Report, BatchError> {
        let scorer = scorer();
        let inputs = inputs(&[self.input.to_owned()]);
        let manifest = Manifest::new(&scorer, &inputs, &self.options).unwrap();
        let file = OutputFile::open(&self.output, manifest, existing)?;
        let control = Control::default();
        Batch {
            judge: &scorer,
            inputs: &inputs,
            options: &self.options,
            control: &control,
        }
        .run_file(file)
    }

    fn output(&self) -> Vec<u8> {
        fs::read(&self.output).unwrap()
    }

    fn manifest(&self) -> PathBuf {
        Manifest::path(&self.output)
    }
}

fn file_run<'f>(folder: &Folder, input: &'f Path) -> FileRun<'f> {
    let options = BatchOptions {
        jobs: 1,
        chunk_rows: 3,
        ..BatchOptions::default()
    };
    FileRun {
        input,
        output: folder.path("out.jsonl"),
        options,
    }
}

#[test]
fn cut_at_every_byte_and_resumed_is_as_uninterrupted() {
    let folder = Folder::new();
    // Two good rows, one without a reference and one that is cut.
    let text: Vec<String> = mixed_rows(11).lines().skip(7).map(str::to_owned).collect();
    let input = folder.file("in.jsonl", text.join("\n"));
    for columns in [Columns::All, Columns::Scores] {
        let mut run = file_run(&folder, &input);
        run.options.columns = columns;
        let report = run.go(Existing::Overwrite).unwrap();
        let whole = run.output();
        let complete = fs::read_to_string(run.manifest()).unwrap();
        let unfinished = complete.replace("\"complete\": true", "\"complete\": false");
        assert_ne!(complete, unfinished);
        for cut in 0..=whole.len() {
            fs::write(&run.output, &whole[..cut]).unwrap();
            fs::write(run.manifest(), &unfinished).unwrap();
            let resumed = run.go(Existing::Resume).unwrap();
            assert!(run.output() == whole, "cut at {cut}");
            assert_eq!(resumed.summary, report.summary, "cut at {cut}");
            let rows = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(resumed.resumed_rows, rows as u64, "cut at {cut}");
            assert_eq!(
                fs::read_to_string(run.manifest()).unwrap(),
                complete,
                "cut at {cut}"
            );
        }
    }
}

#[test]
fn resume_refuses_what_is_another_run() {
    let folder = Folder::new();
    let input = folder.file("in.jsonl", mixed_rows(14));
    let mut run = file_run(&folder, &input);
    run.go(Existing::Refuse).unwrap();
    let whole = run.output();
    let complete = fs::read_to_string(run.manifest()).unwrap();
    let unfinished = complete.replace("\"complete\": true", "\"complete\": false");
    let problem = |run: &FileRun<'_>, existing| {
        let before = run.output();
        let error = run.go(existing).unwrap_err();
        assert_eq!(run.output(), before, "a refused output stays as it is");
        error.to_string()
    };

    // Complete: may be replaced, and resuming adds nothing.
    run.go(Existing::Refuse).unwrap();
    run.go(Existing::Resume).unwrap();
    assert!(run.output() == whole);
    // Complete, but not the file that was completed.
    fs::write(&run.output, [&whole[..], b"more\n"].concat()).unwrap();
    assert!(problem(&run, Existing::Refuse).contains("size"));

    let half = || {
        fs::write(&run.output, &whole[..whole.len() / 2]).unwrap();
        fs::write(run.manifest(), &unfinished).unwrap();
    };
    half();
    let text = problem(&run, Existing::Refuse);
    assert!(
        text.contains("--resume") && text.contains("--overwrite"),
        "{text}"
    );
    for (from, to, wanted) in [
        (
            "\"sha256\": \"",
            "\"sha256\": \"0",
            "spec `r1-zero` has changed",
        ),
        ("in.jsonl", "other.jsonl", "begun with the inputs"),
        (
            "\"ends_sha256\": \"",
            "\"ends_sha256\": \"0",
            "in.jsonl` has changed",
        ),
        ("\"limit\": null", "\"limit\": 9", "begun with `--limit 9`"),
        (
            "\"columns\": \"all\"",
            "\"columns\": \"scores\"",
            "`--columns scores`",
        ),
        (
            "\"max_line_bytes\": 67108864",
            "\"max_line_bytes\": 1048576",
            "`--max-line-mb 1`",
        ),
        (
            "\"engine\": \"",
            "\"engine\": \"9.",
            "begun with goldstone 9.",
        ),
    ] {
        half();
        let other = unfinished.replace(from, to);
        assert_ne!(other, unfinished, "{from}");
        fs::write(run.manifest(), other).unwrap();
        let text = problem(&run, Existing::Resume);
        assert!(text.contains(wanted), "{text}");
    }
    // Rows of other rollouts, no rows at all, and too many rows.
    half();
    let swapped = String::from_utf8(whole.clone())
        .unwrap()
        .replace("\"r1\"", "\"r7\"");
    fs::write(&run.output, swapped).unwrap();
    let error = run.go(Existing::Resume).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("row 2 is named `r7`, the input's `r1`"),
        "{error}"
    );
    fs::write(&run.output, b"\0\0\0\n").unwrap();
    assert!(problem(&run, Existing::Resume).contains("row 1 is no score"));
    fs::write(&run.output, [&whole[..], &whole[..]].concat()).unwrap();
    assert!(problem(&run, Existing::Resume).contains("more than the inputs"));
    // A file that was never ours.
    fs::remove_file(run.manifest()).unwrap();
    for existing in [Existing::Refuse, Existing::Resume] {
        fs::write(&run.output, "precious\n").unwrap();
        assert!(problem(&run, existing).contains("no manifest"));
    }
    run.go(Existing::Overwrite).unwrap();
    assert!(run.output() == whole);
    // An empty file, and none, are begun.
    fs::remove_file(run.manifest()).unwrap();
    fs::write(&run.output, "").unwrap();
    run.go(Existing::Refuse).unwrap();
    fs::remove_file(run.manifest()).unwrap();
    fs::remove_file(&run.output).unwrap();
    run.go(Existing::Resume).unwrap();
    assert!(run.output() == whole);
    run.output = folder.path("no/such/folder.jsonl");
    assert!(matches!(
        run.go(Existing::Refuse),
        Err(BatchError::Resume(ResumeError::Open { .. }))
    ));
}

#[test]
fn two_writers_do_not_share_a_file() {
    let folder = Folder::new();
    let input = folder.file("in.jsonl", mixed_rows(4));
    let run = file_run(&folder, &input);
    let scorer = scorer();
    let inputs = inputs(std::slice::from_ref(&input));
    let manifest = Manifest::new(&scorer, &inputs, &run.options).unwrap();
    let held = OutputFile::open(&run.output, manifest, Existing::Refuse).unwrap();
    let error = run.go(Existing::Overwrite).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    drop(held);
    run.go(Existing::Overwrite).unwrap();
}

#[test]
fn a_stopped_run_resumes() {
    let folder = Folder::new();
    let input = folder.file("in.jsonl", mixed_rows(3000));
    let run = file_run(&folder, &input);
    run.go(Existing::Refuse).unwrap();
    let whole = run.output();
    fs::remove_file(&run.output).unwrap();

    let scorer = scorer();
    let inputs = inputs(std::slice::from_ref(&input));
    let control = Control::default();
    for _ in 0..20 {
        let manifest = Manifest::new(&scorer, &inputs, &run.options).unwrap();
        let file = OutputFile::open(&run.output, manifest, Existing::Resume).unwrap();
        let control = Control::default();
        let ended = std::thread::scope(|threads| {
            threads.spawn(|| {
                let before = control.progress().rows;
                while control.progress().rows < before + 200 && control.progress().rows < 2900 {
                    std::thread::yield_now();
                }
                control.stop();
            });
            Batch {
                judge: &scorer,
                inputs: &inputs,
                options: &run.options,
                control: &control,
            }
            .run_file(file)
            .unwrap()
            .ended
        });
        let got = run.output();
        assert!(whole.starts_with(&got), "a stop leaves whole rows in order");
        assert!(got.is_empty() || got.ends_with(b"\n"));
        if ended == Ended::Complete {
            break;
        }
    }
    drop(control);
    run.go(Existing::Resume).unwrap();
    assert!(run.output() == whole);
}
