//! Comparing outputs, reading literals, finding code in answers.

use goldstone::code::{Compare, extract, literal};
use serde::Deserialize;

use super::{assert_balanced, assert_none, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompareFile {
    case: Vec<CompareCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompareCase {
    name: String,
    #[serde(default)]
    compare: Compare,
    got: String,
    expected: String,
    accepts: bool,
    #[serde(rename = "why")]
    _why: String,
}

#[test]
fn outputs_compare() {
    let cases = read::<CompareFile>("compare.toml").case;
    assert_balanced(
        "compare.toml",
        cases.iter().map(|case| (&*case.name, case.accepts)),
    );
    let failures: Vec<String> = cases
        .iter()
        .filter(|case| case.compare.accepts(case.got.as_bytes(), &case.expected) != case.accepts)
        .map(|case| format!("{}: should be {}", case.name, case.accepts))
        .collect();
    assert_none(&failures);
}

#[test]
fn output_is_strict_utf8() {
    let exact = Compare::default();
    assert!(exact.accepts("é".as_bytes(), "é"));
    assert!(!exact.accepts(b"\xe9", "é"));
    assert!(!exact.accepts(b"\xe9", "\u{fffd}"));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LiteralFile {
    case: Vec<LiteralCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LiteralCase {
    name: String,
    text: String,
    /// How Python prints it; absent where the host leaves it to Python.
    value: Option<String>,
    #[serde(rename = "why")]
    _why: String,
}

#[test]
fn literals_are_read() {
    let cases = read::<LiteralFile>("literals.toml").case;
    assert_balanced(
        "literals.toml",
        cases.iter().map(|case| (&*case.name, case.value.is_some())),
    );
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let value = literal::value(&case.text).map(|value| value.show(200));
            (value != case.value).then(|| format!("{}: {value:?}", case.name))
        })
        .collect();
    assert_none(&failures);
}

#[test]
fn hostile_literals_end() {
    for text in [
        "(".repeat(100_000),
        "[".repeat(100_000),
        "-".repeat(100_000) + "1",
        "1+".repeat(100_000) + "1",
        "2**".repeat(1000) + "2",
        "[[[[0]*9999]*9999]*9999]*9999".to_owned(),
        "9".repeat(100_000),
        "'\\x4'".to_owned(),
        "{1:".repeat(10_000),
        "not ".repeat(100_000) + "1",
        "f(".repeat(100_000),
    ] {
        assert!(
            literal::value(&text).is_none(),
            "{}",
            &text[..20.min(text.len())]
        );
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EqualFile {
    case: Vec<EqualCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EqualCase {
    one: String,
    other: String,
    equal: bool,
    #[serde(rename = "why")]
    _why: String,
}

#[test]
fn values_are_equal_as_python_has_it() {
    let cases = read::<EqualFile>("equal.toml").case;
    let (equal, different): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.equal);
    assert!(different.len() >= equal.len());
    for case in &cases {
        let value =
            |text: &str| literal::value(text).unwrap_or_else(|| panic!("{text}: no literal"));
        let (one, other) = (value(&case.one), value(&case.other));
        assert_eq!(
            one.equals(&other),
            case.equal,
            "{} == {}",
            case.one,
            case.other
        );
        assert_eq!(
            other.equals(&one),
            case.equal,
            "{} == {}",
            case.other,
            case.one
        );
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtractFile {
    case: Vec<ExtractCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtractCase {
    name: String,
    answer: String,
    source: Option<String>,
    refused: Option<String>,
    #[serde(rename = "why")]
    _why: String,
}

#[test]
fn code_is_found_in_answers() {
    let cases = read::<ExtractFile>("extract.toml").case;
    assert_balanced(
        "extract.toml",
        cases
            .iter()
            .map(|case| (&*case.name, case.source.is_some())),
    );
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let (source, refused) = match extract(&case.answer) {
                Ok(found) => (Some(found.source), None),
                Err(why) => (None, Some(why.name().to_owned())),
            };
            (source != case.source || refused != case.refused)
                .then(|| format!("{}: {source:?} {refused:?}", case.name))
        })
        .collect();
    assert_none(&failures);
}
