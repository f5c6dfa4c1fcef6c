//! Parquet inputs: values as JSON, and files that are damaged or hostile.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::types::{ArrowPrimitiveType, Float16Type};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float16Array, Float32Array,
    Float64Array, Int64Array, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow_schema::{DataType, Field};
use goldstone::batch::{Input, InputError, Inputs, each_line};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use tempfile::TempDir;

type Half = <Float16Type as ArrowPrimitiveType>::Native;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join("in.parquet");
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn read(path: &PathBuf, limit: usize) -> Result<Vec<String>, InputError> {
    let inputs = Inputs::check(vec![Input::named(path)])?;
    let mut lines = Vec::new();
    each_line(&inputs, limit, |line| {
        lines.push(match line.text {
            Ok(text) => String::from_utf8(text.to_vec()).unwrap(),
            Err(error) => error.message,
        });
        ControlFlow::Continue(())
    })?;
    Ok(lines)
}

fn written(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn plain(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    written(columns, WriterProperties::builder().build())
}

fn texts(count: usize) -> ArrayRef {
    let texts = (0..count).map(|index| format!("text {index} {}", "x".repeat(index % 50)));
    Arc::new(StringArray::from_iter_values(texts))
}

#[test]
fn values_become_the_json_that_stands_for_them() {
    let folder = Folder::new();
    let mut list = ListBuilder::new(StringBuilder::new());
    list.append_value([Some("a"), None]);
    list.append_null();
    let object = StructArray::from(vec![
        (
            Arc::new(Field::new("a", DataType::Int64, true)),
            Arc::new(Int64Array::from(vec![None, Some(1)])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("b", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec![Some("x\n\"ü"), None])) as ArrayRef,
        ),
    ]);
    let cases: Vec<(ArrayRef, [&str; 2])> = vec![
        (
            Arc::new(StringArray::from(vec![Some("ü\u{1}\\"), None])),
            [r#""ü\u0001\\""#, "null"],
        ),
        (
            Arc::new(Int64Array::from(vec![i64::MIN, 0])),
            ["-9223372036854775808", "0"],
        ),
        (
            Arc::new(UInt64Array::from(vec![u64::MAX, 0])),
            ["18446744073709551615", "0"],
        ),
        (
            Arc::new(Float64Array::from(vec![0.1, f64::NAN])),
            ["0.1", "null"],
        ),
        (
            Arc::new(Float64Array::from(vec![1e300, f64::INFINITY])),
            ["1e+300", "null"],
        ),
        // The shortest digits of the float itself, not those of it as a double.
        (
            Arc::new(Float16Array::from(vec![
                Half::from_f32(0.1),
                Half::from_f32(65504.0),
            ])),
            ["0.1", "65504.0"],
        ),
        (
            Arc::new(Float16Array::from(vec![
                Half::from_f32(2048.0),
                Half::from_f32(-0.333_251_95),
            ])),
            ["2048.0", "-0.3333"],
        ),
        (Arc::new(Float32Array::from(vec![0.1, 3.0])), ["0.1", "3.0"]),
        (
            Arc::new(BooleanArray::from(vec![Some(true), None])),
            ["true", "null"],
        ),
        (
            Arc::new(
                Decimal128Array::from(vec![1230, -5])
                    .with_precision_and_scale(9, 3)
                    .unwrap(),
            ),
            ["1.230", "-0.005"],
        ),
        (
            Arc::new(Date32Array::from(vec![0, 20_000])),
            [r#""1970-01-01""#, r#""2024-10-04""#],
        ),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![1_000_001, 0]).with_timezone("+00:00")),
            [
                r#""1970-01-01T00:00:01.000001Z""#,
                r#""1970-01-01T00:00:00Z""#,
            ],
        ),
        // Never a string: it is no text that anybody wrote.
        (
            Arc::new(BinaryArray::from(vec![
                Some(&b"42"[..]),
                Some(b"\xff\0\x01"),
            ])),
            [r#"{"base64":"NDI="}"#, r#"{"base64":"/wAB"}"#],
        ),
        (Arc::new(list.finish()), [r#"["a",null]"#, "null"]),
        // Within a structure, null is the same as missing.
        (Arc::new(object), [r#"{"b":"x\n\"ü"}"#, r#"{"a":1}"#]),
    ];
    for (array, wanted) in cases {
        let kind = array.data_type().clone();
        let lines = read(&folder.file(&plain(vec![("v", array)])), 1000).unwrap();
        let wanted = wanted.map(|value| format!("{{\"v\":{value}}}"));
        assert_eq!(lines, wanted, "{kind}");
    }
}

#[test]
fn a_row_over_the_limit_is_skipped_and_counted() {
    let folder = Folder::new();
    let path = folder.file(&plain(vec![("text", texts(60))]));
    let lines = read(&path, 40).unwrap();
    assert_eq!(lines.len(), 60);
    assert_eq!(lines[0], r#"{"text":"text 0 "}"#);
    assert!(lines[49].contains("over the limit of 40"), "{}", lines[49]);
    assert_eq!(lines[51], r#"{"text":"text 51 x"}"#);
}

#[test]
fn two_columns_of_a_name_and_no_parquet_are_refused() {
    let folder = Folder::new();
    let twice = plain(vec![("a", texts(2)), ("a", texts(2))]);
    let error = read(&folder.file(&twice), 1000).unwrap_err().to_string();
    assert!(error.contains("two columns named `a`"), "{error}");
    for (bytes, wanted) in [
        (&b"PAR1"[..], "too short"),
        (b"PAR1............", "cut off"),
        (b"PAR1\xff\xff\xff\x7fPAR1", "footer is damaged"),
        (b"PAR1\0\0\0\0PARE", "encrypted"),
        (b"PAR1\x01\x02\x03\x04\x04\0\0\0PAR1", "footer is damaged"),
    ] {
        let error = read(&folder.file(bytes), 1000).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn columns_that_nest_without_end_are_refused() {
    let folder = Folder::new();
    // Optional, named `g`, with one child; the number of children is field 5.
    let short = &[0x35, 2, 0x18, 1, b'g', 0x15, 2, 0][..];
    let long = &[0x35, 2, 0x18, 1, b'g', 0x05, 10, 2, 0][..];
    // 65,541, which is 5 in 16 bits.
    let wrapped = &[0x35, 2, 0x18, 1, b'g', 0x05, 0x8a, 0x80, 0x08, 2, 0][..];
    // 2 to the power of 32 and one, which is 1 in 32 bits.
    let many = &[
        0x35, 2, 0x18, 1, b'g', 0x15, 0x82, 0x80, 0x80, 0x80, 0x20, 0,
    ][..];
    // No children, then one; and the same as field -1 and field 5 after it.
    let twice = &[0x35, 2, 0x18, 1, b'g', 0x15, 0, 0x05, 10, 2, 0][..];
    let back = &[0x05, 1, 0x65, 2, 0x05, 6, 2, 0x18, 1, b'g', 0][..];
    // The name as a number, so that the string's bytes are other fields.
    let untyped = &[0x35, 2, 0x15, 1, b'g', 0x15, 2, 0][..];
    // A head without a type ends a structure for some.
    let headless = &[0x35, 2, 0x18, 1, b'g', 0x15, 2, 0x10][..];
    // An unknown field, a list of two truth values.
    let truths = &[0x35, 2, 0x18, 1, b'g', 0x15, 2, 0xf9, 0x22, 0, 0, 0][..];
    for (group, depth, wanted) in [
        (short, 60, None),
        (short, 100, Some("deep")),
        (short, 200_000, Some("deep")),
        (long, 60, None),
        (long, 100_000, Some("deep")),
        (wrapped, 100_000, Some("damaged")),
        (many, 100_000, Some("damaged")),
        (twice, 100_000, Some("damaged")),
        (back, 100_000, Some("damaged")),
        (untyped, 100_000, Some("damaged")),
        (headless, 100_000, Some("damaged")),
        (truths, 100_000, Some("damaged")),
    ] {
        // Thrift's compact form of a schema whose every group holds one more.
        let mut footer = vec![0x15, 4, 0x19, 0xfc];
        let mut count = depth + 1;
        while count >= 0x80 {
            footer.push(count as u8 | 0x80);
            count >>= 7;
        }
        footer.push(count as u8);
        for _ in 0..depth {
            footer.extend(group);
        }
        // A column of 32-bit numbers named `v`.
        footer.extend([0x15, 2, 0x25, 2, 0x18, 1, b'v', 0]);
        // No rows, no row groups.
        footer.extend([0x16, 0, 0x19, 0x0c, 0]);
        let mut bytes = b"PAR1".to_vec();
        bytes.extend(&footer);
        bytes.extend((footer.len() as u32).to_le_bytes());
        bytes.extend(b"PAR1");
        let read = read(&folder.file(&bytes), 1000);
        match (wanted, read) {
            (None, Ok(lines)) => assert!(lines.is_empty()),
            (Some(wanted), Err(error)) => {
                assert!(error.to_string().contains(wanted), "{group:x?}: {error}");
            }
            (_, other) => panic!("{group:x?}, {depth}: {other:?}"),
        }
    }
}

#[test]
fn a_cut_file_is_refused_before_anything_is_read() {
    let folder = Folder::new();
    let whole = plain(vec![("text", texts(300))]);
    for cut in (0..whole.len()).step_by(41) {
        let path = folder.file(&whole[..cut]);
        match read(&path, 1000) {
            Err(InputError::Parquet { .. }) => assert!(cut >= 4, "{cut}"),
            // Without its first bytes it is taken for text.
            Ok(_) => assert!(cut < 4, "{cut}"),
            Err(other) => panic!("{cut}: {other}"),
        }
    }
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_crash() {
    let folder = Folder::new();
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
    ] {
        let mut list = ListBuilder::new(StringBuilder::new());
        for index in 0..40 {
            list.append_value((0..index % 4).map(|item| Some(item.to_string())));
        }
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .build();
        let columns: Vec<(&str, ArrayRef)> =
            vec![("text", texts(40)), ("list", Arc::new(list.finish()))];
        let whole = written(columns, properties);
        let good = read(&folder.file(&whole), 1000).unwrap();
        assert_eq!(good.len(), 40);
        let (mut read_on, mut refused) = (0, 0);
        for at in 4..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            // Whether it is noticed is up to the byte; Parquet has no checksums
            // that writers must fill in.
            match read(&folder.file(&bytes), 1000) {
                Ok(_) => read_on += 1,
                Err(InputError::Parquet { .. } | InputError::Damaged { .. }) => refused += 1,
                Err(other) => panic!("{at}: {other}"),
            }
        }
        assert!(read_on > 0 && refused > 0);
    }
}

#[test]
fn a_gzip_page_that_unpacks_to_more_than_it_says_is_refused() {
    let folder = Folder::new();
    let properties = WriterProperties::builder()
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .set_dictionary_enabled(false)
        .build();
    let long = "x".repeat(1 << 20);
    let column: ArrayRef = Arc::new(StringArray::from(vec![long.as_str()]));
    let mut bytes = written(vec![("text", column)], properties);
    // The page's header comes first: type 0, then its size unpacked.
    assert_eq!(&bytes[4..7], [0x15, 0, 0x15]);
    // Its highest bits go, so that it says four bytes.
    assert_eq!(bytes[10], 1);
    bytes[10] = 0;
    let error = read(&folder.file(&bytes), 1 << 30).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("unpacks to more"), "{source}");
}

#[test]
fn a_gzip_page_is_checked_behind_its_levels() {
    let folder = Folder::new();
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let long = "x".repeat(1 << 20);
    let texts = StringArray::from(vec![Some(long.as_str()), None]);
    let whole = written(vec![("text", Arc::new(texts))], properties);
    let lines = read(&folder.file(&whole), 1 << 30).unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1], r#"{"text":null}"#);
    let reason = |bytes: &[u8]| {
        let error = read(&folder.file(bytes), 1 << 30).unwrap_err();
        std::error::Error::source(&error).unwrap().to_string()
    };
    // Type 3, then its size unpacked.
    assert_eq!(&whole[4..7], [0x15, 6, 0x15]);
    assert_eq!(whole[10], 1);
    let mut small = whole.clone();
    small[10] = 0;
    assert!(reason(&small).contains("unpacks to more"));
    // What is not gzip is not passed on.
    let start = whole.windows(3).position(|bytes| bytes == [0x1f, 0x8b, 8]);
    let mut other = whole.clone();
    other[start.unwrap()] = 0;
    assert!(reason(&other).contains("damaged page"));
}

#[test]
fn lz4_frames_are_refused_and_lz4_blocks_read() {
    let folder = Folder::new();
    for (codec, is_checked) in [(Compression::LZ4, true), (Compression::LZ4_RAW, false)] {
        let properties = WriterProperties::builder()
            .set_compression(codec)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let bytes = written(vec![("text", texts(1000))], properties);
        assert_eq!(read(&folder.file(&bytes), 1000).unwrap().len(), 1000);
        // One of the bytes before the text is where the page's data begins.
        let first = bytes.windows(6).position(|bytes| bytes == b"text 0");
        let refusals = (4..first.unwrap()).filter(|start| {
            let mut framed = bytes.clone();
            framed[*start..start + 4].copy_from_slice(&0x184d_2204_u32.to_le_bytes());
            let error = read(&folder.file(&framed), 1000).err();
            let source = error.as_ref().and_then(std::error::Error::source);
            source.is_some_and(|source| source.to_string().contains("LZ4 frames"))
        });
        assert_eq!(refusals.count(), usize::from(is_checked));
    }
}

#[test]
fn brotli_and_lzo_are_named() {
    let folder = Folder::new();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let bytes = written(vec![("text", texts(10))], properties);
    assert_eq!(read(&folder.file(&bytes), 1000).unwrap().len(), 10);
    // The column's name in the footer, and after it its codec.
    let codec = b"text\x15\x02";
    let found = bytes.windows(codec.len()).rposition(|bytes| bytes == codec);
    let at = found.unwrap() + codec.len() - 1;
    for (number, name) in [(8, "Brotli"), (6, "LZO")] {
        let mut other = bytes.clone();
        other[at] = number;
        let error = read(&folder.file(&other), 1000).unwrap_err().to_string();
        let wanted = format!("its column `text` is compressed with {name}");
        assert!(error.contains(&wanted), "{error}");
    }
}

#[test]
fn json_in_a_column_stays_within_its_line() {
    let folder = Folder::new();
    let texts = [
        "{\n  \"a\" : [1.50,\r\n\t 12345678901234567890123 ],\n\"b c\": \" \\n \\\" x \"}",
        "no\njson",
        " [ ] ",
    ];
    let same = |text: &str| Arc::new(StringArray::from(vec![text; 3])) as ArrayRef;
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("v", Arc::new(StringArray::from(texts.to_vec()))),
        ("reward", Arc::new(Float64Array::from(vec![1.0; 3]))),
        ("error", same("{\n\"kind\":  \"none\"\n}")),
        ("misfit", same("{\"w\": [1,\n2]}")),
        ("r.exact", Arc::new(Float64Array::from(vec![1.0; 3]))),
        ("raw.exact", Arc::new(Float64Array::from(vec![1.0; 3]))),
        ("verdict.exact", same("pass")),
        ("reason.exact", same("equal")),
        ("detail", same("{\"exact\":\n{\"x\":\n 1}}")),
    ];
    columns.extend(["id", "group", "status"].map(|name| (name, same(name))));
    let notes = r#"{"rewards":["exact"],"json":["v"]}"#.to_owned();
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(vec![KeyValue::new("goldstone".to_owned(), notes)]))
        .build();
    let lines = read(&folder.file(&written(columns, properties)), 1000).unwrap();
    let wanted = [
        r#"{"a":[1.50,12345678901234567890123],"b c":" \n \" x "}"#,
        r#""no\njson""#,
        "[]",
    ];
    assert_eq!(lines.len(), wanted.len());
    for (line, wanted) in lines.iter().zip(wanted) {
        assert!(!line.contains(['\n', '\r']), "{line}");
        let start = format!(r#"{{"v":{wanted},"w":[1,2],"id":"id","#);
        assert!(line.starts_with(&start), "{line}");
        assert!(line.contains(r#""detail":{"x":1}"#), "{line}");
        assert!(line.ends_with(r#","error":{"kind":"none"}}"#), "{line}");
    }
}

#[test]
fn a_page_of_gigabytes_is_refused_by_its_header() {
    let folder = Folder::new();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .build();
    let column: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(1 << 28).as_str()]));
    let mut bytes = written(vec![("text", column)], properties);
    assert_eq!(&bytes[4..7], [0x15, 0, 0x15]);
    // Five bytes of a number, the last of which counts two billions each.
    assert_eq!(bytes[10] & 0x80, 0x80);
    bytes[11] = 0x0e;
    let error = read(&folder.file(&bytes), 1000).unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("over the limit"), "{source}");
}

#[test]
fn a_dictionary_does_not_multiply_its_strings() {
    let folder = Folder::new();
    // A mebibyte once, in each of 4,096 rows: 4 GiB as lines.
    let long = "x".repeat(1 << 20);
    let column: ArrayRef = Arc::new(StringArray::from(vec![long.as_str(); 64]));
    let properties = WriterProperties::builder()
        .set_dictionary_page_size_limit(1 << 26)
        .build();
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let path = folder.0.path().join("in.parquet");
    let file = File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    for _ in 0..64 {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
    assert!(fs::metadata(&path).unwrap().len() < 3 << 20);
    let lines = read(&path, 1000).unwrap();
    assert_eq!(lines.len(), 4096);
    assert!(lines[4095].contains("over the limit"));
}
