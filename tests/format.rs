//! Formats: the cases under `tests/data/format/`, hostile texts, and laws.

use std::collections::HashSet;

use goldstone::format::{Format, FormatOptions, Template};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    template: Template,
    text: String,
    expected: Expected,
    error: String,
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    valid: bool,
    think: Option<String>,
    answer: Option<String>,
}

pub(crate) fn template(template: Template) -> Format {
    let options = FormatOptions {
        template: Some(template),
        ..FormatOptions::default()
    };
    Format::compile(&options, None).unwrap()
}

#[test]
fn template_cases() {
    let file = include_str!("data/format/cases.jsonl");
    let mut ids = HashSet::new();
    let mut failures = Vec::new();
    for line in file.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        assert!(
            ids.insert(case.id.clone()),
            "cases.jsonl: id {} occurs twice",
            case.id
        );
        let completion = template(case.template).parse(&case.text, "");
        let text = |section: Option<&goldstone::format::Section>| {
            section.map(|section| section.text(&case.text).into_owned())
        };
        let found = (
            completion.is_valid(),
            text(completion.think.as_ref()),
            text(completion.answer.as_ref()),
            completion.violation.map_or("", |violation| violation.code),
        );
        let wanted = (
            case.expected.valid,
            case.expected.think,
            case.expected.answer,
            case.error.as_str(),
        );
        if found != wanted {
            failures.push(format!(
                "cases.jsonl {} ({}): found {}",
                case.id,
                case.note,
                format!("{found:?}").chars().take(300).collect::<String>()
            ));
        }
    }
    assert_eq!(ids.len(), 157);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
