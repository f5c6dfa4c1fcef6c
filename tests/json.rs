//! JSON validity and JSON Schema. Cases in `tests/data/text/json.toml`, laws here.

use std::collections::HashSet;

use goldstone::text::json::{JsonOptions, Schema, verify};
use goldstone::verdict::{Outcome, Verdict};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    options: JsonOptions,
    schema: Option<String>,
    answer: String,
    verdict: Outcome,
    reason: String,
    path: Option<String>,
    rule: Option<String>,
    #[serde(rename = "why")]
    _why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    schema: String,
    says: String,
}

fn file() -> File {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/text/json.toml");
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn cases() {
    let mut names = HashSet::new();
    let (mut accepted, mut rejected) = (0, 0);
    let mut failures = Vec::new();
    for case in file().case {
        case.options.check().expect("good options");
        let schema = case.schema.as_deref().map(|text| {
            Schema::compile(&json(text)).unwrap_or_else(|error| panic!("{}: {error}", case.name))
        });
        let verdict = verify(&case.answer, schema.as_ref(), &case.options);
        let detail = |name: &str| verdict.detail.value(name).and_then(Value::as_str);
        let evidence = |name: &str, wanted: &Option<String>| {
            wanted
                .as_deref()
                .is_none_or(|wanted| detail(name) == Some(wanted))
        };
        assert_span(&case.answer, &verdict);
        if verdict.outcome != case.verdict
            || verdict.reason != Some(&*case.reason)
            || !evidence("path", &case.path)
            || !evidence("rule", &case.rule)
        {
            failures.push(format!(
                "{}: {verdict:?}, expected {:?} {}",
                case.name, case.verdict, case.reason
            ));
        }
        match case.verdict {
            Outcome::Correct => accepted += 1,
            _ => rejected += 1,
        }
        assert!(
            names.insert(case.name.clone()),
            "two cases are named `{}`",
            case.name
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        rejected >= accepted,
        "{accepted} accepted, {rejected} rejected"
    );
}

fn assert_span(answer: &str, verdict: &Verdict) {
    if let Some(span) = verdict.detail.value("span") {
        let span: [usize; 2] = serde_json::from_value(span.clone()).expect("two numbers");
        assert!(answer.get(span[0]..span[1]).is_some(), "{span:?}: {answer}");
    }
}

#[test]
fn bad_schemas_are_refused() {
    for refused in file().refused {
        match Schema::compile(&json(&refused.schema)) {
            Ok(_) => panic!("{} is taken", refused.schema),
            Err(error) => assert!(
                error.to_string().contains(&refused.says),
                "{}:\n  {error}\n  expected: {}",
                refused.schema,
                refused.says
            ),
        }
    }
}

/// A spec holds its schema as a table or as a JSON text.
#[test]
fn a_spec_may_hold_the_schema() {
    let table: JsonOptions =
        toml::from_str(r#"schema = { type = "object", required = ["a"] }"#).expect("a table");
    let text: JsonOptions =
        toml::from_str(r#"schema = '{"type": "object", "required": ["a"]}'"#).expect("a text");
    assert_eq!(table, text);
    let schema = table.schema.as_ref();
    assert_eq!(verify("{}", schema, &table).reason, Some("breaks_schema"));
    assert_eq!(
        verify(r#"{"a": 0}"#, schema, &table).reason,
        Some("meets_schema")
    );
    let error =
        toml::from_str::<JsonOptions>(r#"schema = { type = "objekt" }"#).expect_err("no such type");
    assert!(error.message().contains("at `/type`"), "{error}");
    let nested = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    assert!(Schema::compile(&json(&format!("{{\"const\": {nested}}}"))).is_err());
}

#[test]
fn limits_are_checked() {
    let with = |text: &str| -> JsonOptions { toml::from_str(text).expect("options") };
    for (text, says) in [
        ("max_bytes = 0", "`max_bytes` is 0; give from 1 to 67108864"),
        ("max_depth = 0", "`max_depth` is 0; give from 1 to 120"),
        ("max_depth = 500", "`max_depth` is 500; give from 1 to 120"),
    ] {
        let error = with(text).check().expect_err(text);
        assert_eq!(error.to_string(), says);
    }
}

/// What a policy could write to make a judge slow, large or fall over.
#[test]
fn hostile_texts_are_judged() {
    let mega = |unit: &str| unit.repeat(8_000_000 / unit.len());
    let schema = Schema::compile(&json(
        r#"{"uniqueItems": true, "items": {"pattern": "^(a|a)*$", "format": "email"}}"#,
    ))
    .expect("a schema");
    let options = JsonOptions {
        max_bytes: 16_000_000,
        ..JsonOptions::default()
    };
    let texts = [
        mega("["),
        mega("{\"a\":"),
        format!("{}{}", mega("["), mega("]")),
        format!("\"{}", mega("\\")),
        format!("\"{}\"", mega("a")),
        format!("[\"{}b\"]", "a".repeat(1_000_000)),
        mega("\""),
        mega("9"),
        format!("[{}1]", "1,".repeat(500_000)),
        format!(
            "[{}]",
            (0..100_000)
                .map(|n| n.to_string())
                .collect::<Vec<_>>()
                .join(",")
        ),
        mega(" "),
        mega("`"),
        mega("\0"),
    ];
    for text in &texts {
        let verdict = verify(text, Some(&schema), &options);
        assert!(
            verdict.outcome != Outcome::Correct
                || text.starts_with("[0,1")
                || text.starts_with('"'),
            "{:.40}: {:?}",
            text,
            verdict.reason
        );
        let shown = serde_json::to_string(&verdict.detail).expect("plain JSON");
        assert!(shown.len() < 2000, "{} bytes of evidence", shown.len());
    }
}

/// Any JSON value of limited depth.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,4}", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Schemas, good and bad, that refer to their own parts.
fn schema() -> impl Strategy<Value = Value> {
    let reference = prop::sample::select(vec![
        "#",
        "#/$defs/a",
        "#/$defs/b",
        "#/$defs/b/items",
        "#/required",
        "#/properties/x",
        "#/allOf/0",
        "#x",
        "other.json",
    ]);
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![
            r#"{"type": "integer"}"#,
            r#"{"type": ["null", "string"], "maxLength": 2}"#,
            r#"{"const": 1}"#,
            r#"{"enum": [[], "a", null]}"#,
            r#"{"required": ["x"]}"#,
            r#"{"pattern": "^a+$"}"#,
            r#"{"minimum": "1"}"#,
            r#"{"uniqueItems": true, "minItems": 1}"#,
        ])
        .prop_map(json),
        reference.prop_map(|target| serde_json::json!({ "$ref": target })),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        let keys = prop::sample::select(vec!["items", "not", "additionalProperties", "contains"]);
        let lists = prop::sample::select(vec!["anyOf", "allOf", "oneOf", "prefixItems"]);
        let maps = prop::sample::select(vec!["properties", "$defs", "dependentSchemas"]);
        let entries = prop::collection::btree_map(
            prop::sample::select(vec!["a", "b", "x"]),
            inner.clone(),
            0..3,
        );
        prop_oneof![
            (keys, inner.clone()).prop_map(|(key, inner)| serde_json::json!({ key: inner })),
            (lists, prop::collection::vec(inner.clone(), 0..3))
                .prop_map(|(key, list)| serde_json::json!({ key: list })),
            (maps, entries.clone(), inner.clone(), entries).prop_map(|(key, map, items, defs)| {
                serde_json::json!({ key: map, "items": items, "$defs": defs })
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A row's schema is data: whatever it is, it is refused or it judges.
    #[test]
    fn any_schema_judges_or_is_refused(schema in schema(), value in value()) {
        if let Ok(schema) = Schema::compile(&schema) {
            let verdict = verify(&value.to_string(), Some(&schema), &JsonOptions::default());
            prop_assert!(matches!(verdict.reason, Some("meets_schema" | "breaks_schema")));
        }
    }

    /// What serde_json writes is valid, meets itself as a constant, and with
    /// anything but white space after it is not.
    #[test]
    fn a_written_value_is_valid(value in value(), more in "[^ \t\r\n]") {
        let options = JsonOptions::default();
        let text = value.to_string();
        prop_assert_eq!(verify(&text, None, &options).outcome, Outcome::Correct);
        let constant = Schema::compile(&serde_json::json!({ "const": value })).expect("a schema");
        prop_assert_eq!(verify(&text, Some(&constant), &options).outcome, Outcome::Correct);
        let ended = text.ends_with(|c: char| c.is_ascii_digit());
        if !(ended && more.chars().all(|c| c.is_ascii_digit())) {
            let longer = verify(&format!("{text}{more}"), None, &options);
            prop_assert_ne!(longer.outcome, Outcome::Correct);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:0-9eE.+\\-tfn\\\\ `aé数\n]{0,40}") {
        let options = JsonOptions { fence: goldstone::text::json::Fence::Optional, ..JsonOptions::default() };
        let verdict = verify(&text, Some(&Schema::compile(&Value::Bool(true)).expect("a schema")), &options);
        assert_span(&text, &verdict);
        let plain: Result<Value, _> = serde_json::from_str(text.trim_matches([' ', '\n']));
        if verdict.outcome == Outcome::Correct && !text.contains('`') {
            prop_assert!(plain.is_ok());
        }
        if plain.is_err() && !text.contains('`') {
            prop_assert_ne!(verdict.outcome, Outcome::Correct);
        }
    }
}
