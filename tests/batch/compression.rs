//! Compressed inputs, cut ones, and what is no input.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use goldstone::batch::{BatchError, BatchOptions, Input, Inputs};

use super::{Folder, mixed_rows, rows, run, run_with, scorer};

pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compression_is_seen_by_content_and_in_several_members() {
    let folder = Folder::new();
    let text = mixed_rows(40);
    let (head, tail) = text.as_bytes().split_at(text.len() / 2 + 3);
    let plain = rows(&run(
        &[folder.file("plain", &text)],
        &BatchOptions::default(),
    ));
    let zstd = |text: &[u8]| zstd::encode_all(text, 3).unwrap();
    let skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00junk".to_vec();
    for (name, bytes) in [
        ("misnamed.jsonl", gzip(text.as_bytes())),
        ("members.gz", [gzip(head), gzip(tail)].concat()),
        ("frames.zst", [zstd(head), zstd(tail)].concat()),
        (
            "pzstd.zst",
            [skippable, zstd(head), zstd(b""), zstd(tail)].concat(),
        ),
    ] {
        let mut got = rows(&run(&[folder.file(name, bytes)], &BatchOptions::default()));
        for (got, plain) in got.iter_mut().zip(&plain) {
            if let Some(error) = got.get_mut("error") {
                error["file"] = plain["error"]["file"].clone();
            }
        }
        assert_eq!(got, plain, "{name}");
    }
}

#[test]
fn a_cut_archive_keeps_the_rows_before_and_fails() {
    let folder = Folder::new();
    // Text that does not compress to nothing, so that the cut is amid rows.
    let text = mixed_rows(20_000);
    let whole = rows(&run(
        &[folder.file("plain", &text)],
        &BatchOptions::default(),
    ));
    for (name, mut bytes) in [
        ("cut.gz", gzip(text.as_bytes())),
        ("cut.zst", zstd::encode_all(text.as_bytes(), 3).unwrap()),
    ] {
        bytes.truncate(bytes.len() * 2 / 3);
        let path = folder.file(name, &bytes);
        let (out, report) = run_with(&scorer(), &[path], &BatchOptions::default());
        let error = report.unwrap_err();
        let BatchError::Input { source, report } = &error else {
            panic!("{error}")
        };
        let message = source.to_string();
        let got = rows(&out);
        assert!(
            message.contains(name) && message.contains(&format!("byte {}", bytes.len())),
            "{message}"
        );
        assert!(
            message.contains(&format!("{} whole lines", got.len())),
            "{message}"
        );
        assert_eq!(report.summary.rows, got.len() as u64);
        assert!(got.len() > 1000 && got.len() < whole.len(), "{}", got.len());
        assert_eq!(got[7]["id"], whole[7]["id"]);
    }
    // Bytes after the archive are damage too, not silence.
    let path = folder.file(
        "tail.gz",
        [gzip(text.as_bytes()), b"garbage".to_vec()].concat(),
    );
    let (out, report) = run_with(&scorer(), &[path], &BatchOptions::default());
    assert!(matches!(report, Err(BatchError::Input { .. })));
    assert_eq!(rows(&out).len(), 20_000);
}

#[test]
fn other_formats_are_refused_with_a_sentence() {
    let folder = Folder::new();
    for (bytes, wanted) in [
        (&b"\xfd7zXZ\0\0"[..], "xz"),
        (b"BZh91AY&SY", "bzip2"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"\xff\xfe{\0", "UTF-16"),
    ] {
        let path = folder.file("in", bytes);
        let error = Inputs::check(vec![Input::named(&path)])
            .unwrap_err()
            .to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let missing = Inputs::check(vec![Input::named(folder.path("missing"))]).unwrap_err();
    assert!(missing.to_string().contains("cannot open"), "{missing}");
    let directory = Inputs::check(vec![Input::named(folder.0.path())]).unwrap_err();
    assert!(
        directory.to_string().contains("is a directory"),
        "{directory}"
    );
    let twice = Inputs::check(vec![Input::named("-"), Input::named("-")]).unwrap_err();
    assert!(twice.to_string().contains("twice"), "{twice}");
    // Near misses are text.
    for text in ["PAR", "BZh", "P*", "PK", ""] {
        Inputs::check(vec![Input::named(folder.file("in", text))]).unwrap();
    }
}
