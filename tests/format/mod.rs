//! Formats: the cases under `tests/data/format/`.

mod hostile;
mod laws;
mod markers;

use std::collections::HashSet;

use goldstone::format::{Completion, Format, FormatOptions, Prefill, Section, Template};
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionCases {
    case: Vec<OptionCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionCase {
    name: String,
    options: FormatOptions,
    #[serde(default)]
    prompt: String,
    text: String,
    #[serde(default)]
    think: Option<String>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    code: Option<String>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrammarCases {
    runs: Vec<Runs>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Runs {
    name: String,
    why: String,
    grammar: String,
    #[serde(default)]
    think: Option<String>,
    answer: String,
    text: Vec<RunText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunText {
    text: String,
    #[serde(default)]
    think: Option<String>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    name: String,
    why: String,
    grammar: String,
    #[serde(default)]
    think: Option<String>,
    answer: String,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    at: Option<(usize, usize)>,
    message: String,
}

fn template(template: Template) -> Format {
    let options = FormatOptions {
        template: Some(template),
        ..FormatOptions::default()
    };
    Format::compile(&options, None).expect("a shipped template")
}

fn grammar_options(think: Option<&str>, answer: &str) -> FormatOptions {
    FormatOptions {
        grammar: Some("mine.pest".into()),
        think: think.map(str::to_owned),
        answer: Some(answer.to_owned()),
        ..FormatOptions::default()
    }
}

/// Think, answer and code, as the cases write them.
fn seen(completion: &Completion, text: &str) -> (Option<String>, Option<String>, Option<String>) {
    let section = |section: &Section| section.text(text).into_owned();
    (
        completion.think.as_ref().map(section),
        completion.answer.as_ref().map(section),
        completion
            .violation
            .map(|violation| violation.code.to_owned()),
    )
}

#[test]
fn template_cases() {
    let mut ids = HashSet::new();
    let mut failures = Vec::new();
    for line in include_str!("../data/format/cases.jsonl").lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        assert!(
            ids.insert(case.id.clone()),
            "cases.jsonl: id {} occurs twice",
            case.id
        );
        let completion = template(case.template).parse(&case.text, "");
        let code = (!case.expected.valid).then_some(case.error);
        let wanted = (case.expected.think, case.expected.answer, code);
        let found = seen(&completion, &case.text);
        if found != wanted || completion.is_valid() != case.expected.valid {
            let found: String = format!("{found:?}").chars().take(300).collect();
            failures.push(format!(
                "cases.jsonl {} ({}): found {found}",
                case.id, case.note
            ));
        }
    }
    assert_eq!(ids.len(), 157);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn option_cases() {
    let cases: OptionCases = toml::from_str(include_str!("../data/format/options.toml")).unwrap();
    let mut names = HashSet::new();
    let mut failures = Vec::new();
    for case in &cases.case {
        assert!(
            names.insert(&case.name),
            "options.toml: {} occurs twice",
            case.name
        );
        let format = Format::compile(&case.options, None).unwrap();
        let found = seen(&format.parse(&case.text, &case.prompt), &case.text);
        let wanted = (case.think.clone(), case.answer.clone(), case.code.clone());
        if found != wanted {
            failures.push(format!(
                "options.toml {} ({}): found {found:?}",
                case.name, case.why
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn grammar_cases() {
    let cases: GrammarCases = toml::from_str(include_str!("../data/format/grammars.toml")).unwrap();
    let mut names = HashSet::new();
    let mut failures = Vec::new();
    for case in &cases.runs {
        assert!(
            names.insert(&case.name),
            "grammars.toml: {} occurs twice",
            case.name
        );
        let options = grammar_options(case.think.as_deref(), &case.answer);
        let format = match Format::compile(&options, Some(&case.grammar)) {
            Ok(format) => format,
            Err(error) => {
                failures.push(format!("{} ({}): {error}", case.name, case.why));
                continue;
            }
        };
        for text in &case.text {
            let found = seen(&format.parse(&text.text, ""), &text.text);
            let wanted = (text.think.clone(), text.answer.clone(), text.code.clone());
            if found != wanted {
                failures.push(format!(
                    "{} ({}): {:?}: {found:?}",
                    case.name, case.why, text.text
                ));
            }
        }
    }
    for case in &cases.refused {
        assert!(
            names.insert(&case.name),
            "grammars.toml: {} occurs twice",
            case.name
        );
        let options = grammar_options(case.think.as_deref(), &case.answer);
        let Err(error) = Format::compile(&options, Some(&case.grammar)) else {
            failures.push(format!("{} ({}): not refused", case.name, case.why));
            continue;
        };
        let at = error.line().zip(error.column());
        let right = error.message().contains(&case.message)
            && case.at.is_none_or(|wanted| at == Some(wanted))
            && error.field() == case.field.as_deref().unwrap_or("grammar");
        if !right {
            failures.push(format!("{} ({}): {error}", case.name, case.why));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// pest's reader recurses over a grammar; at the limits it must do so on a
/// thread's small stack, and beyond them it must not begin.
#[test]
fn large_grammars_neither_crash_nor_pass() {
    let shapes: [(&str, &str, &str); 5] = [
        ("", "\"x\" ~ ", "\"x\""),
        ("", "\"x\" | ", "\"x\""),
        ("", "!", "\"x\" ~ \"y\""),
        ("\"x\"", "{1}", ""),
        ("\"x\"", "?", ""),
    ];
    for (before, part, after) in shapes {
        for count in [40, 245, 490, 4_000] {
            let body = format!("{before}{}{after}", part.repeat(count));
            let grammar = format!("doc = _{{ SOI ~ answer ~ EOI }}\nanswer = {{ {body} }}");
            let format = Format::compile(&grammar_options(None, "answer"), Some(&grammar));
            assert!(count < 490 || format.is_err(), "{part} {count}");
            if let Ok(format) = format {
                let _ = format.parse(&"x".repeat(10_000), "").is_valid();
            }
        }
    }
}

#[test]
fn the_example_grammar_runs() {
    let grammar = include_str!("../../examples/grammars/search.pest");
    let format = Format::compile(&grammar_options(Some("think"), "answer"), Some(grammar)).unwrap();
    let text = "<think>who?</think><search>q</search>\n<information>r</information>\
                <think>so</think><answer>A</answer>";
    let completion = format.parse(text, "");
    assert_eq!(
        seen(&completion, text),
        (Some("who?\nso".into()), Some("A".into()), None)
    );
    assert_eq!(
        &text[completion.response.clone().expect("the thinking is closed")],
        "A"
    );
    let hedged = format!("{text}<answer>B</answer>");
    assert_eq!(
        format.parse(&hedged, "").violation.unwrap().code,
        "no_match"
    );
}

#[test]
fn options_that_contradict_are_refused() {
    let base = FormatOptions::default;
    let r1 = || FormatOptions {
        template: Some(Template::R1),
        ..base()
    };
    let own = || grammar_options(None, "answer");
    let literal = |text: &str| Prefill::Literal(text.into());
    let grammar = "doc = _{ SOI ~ answer ~ EOI }\nanswer = @{ \"x\" }";
    let cases: [(&str, FormatOptions, Option<&str>); 13] = [
        (
            "max_bytes",
            FormatOptions {
                max_bytes: 0,
                ..base()
            },
            None,
        ),
        (
            "strip_suffix",
            FormatOptions {
                strip_suffix: vec!["\n".into()],
                ..base()
            },
            None,
        ),
        (
            "answer",
            FormatOptions {
                answer: Some("x".into()),
                ..r1()
            },
            None,
        ),
        (
            "prefill",
            FormatOptions {
                prefill: literal("<answer>"),
                ..r1()
            },
            None,
        ),
        (
            "prefill",
            FormatOptions {
                prefill: literal("a <think>"),
                ..r1()
            },
            None,
        ),
        (
            "prefill",
            FormatOptions {
                prefill: literal("<think>"),
                ..base()
            },
            None,
        ),
        (
            "prefill",
            FormatOptions {
                template: Some(Template::R1Prefill),
                prefill: Prefill::None,
                ..base()
            },
            None,
        ),
        (
            "boxed",
            FormatOptions {
                boxed: goldstone::format::BoxedRule::Last,
                ..r1()
            },
            None,
        ),
        (
            "case_insensitive",
            FormatOptions {
                case_insensitive: true,
                ..base()
            },
            None,
        ),
        ("grammar", own(), None),
        (
            "grammar",
            FormatOptions {
                template: Some(Template::R1),
                ..own()
            },
            Some(grammar),
        ),
        (
            "answer",
            FormatOptions {
                answer: None,
                ..own()
            },
            Some(grammar),
        ),
        (
            "root",
            FormatOptions {
                root: Some("top".into()),
                ..own()
            },
            Some(grammar),
        ),
    ];
    for (field, options, text) in cases {
        let error = Format::compile(&options, text).expect_err(field);
        assert_eq!(error.field(), field, "{error}");
    }
}

#[test]
fn response_is_what_follows_the_thinking() {
    let after = |format: Template, text: &'static str, tail: &str| {
        template(format)
            .parse(text, tail)
            .response
            .map(|range| &text[range])
    };
    assert_eq!(
        after(Template::R1, "<think>a</think>b</think> 4", ""),
        Some(" 4")
    );
    assert_eq!(after(Template::R1, "4", ""), Some("4"));
    assert_eq!(after(Template::Text, "a</think>4", ""), Some("4"));
    assert_eq!(after(Template::Text, "a</think>4", "<think>\n"), Some("4"));
    let final_only = "<|channel|>final<|message|>4";
    assert_eq!(after(Template::Harmony, final_only, ""), Some("4"));
    let late = "<|channel|>final<|message|>4<|channel|>analysis<|message|>5";
    assert_eq!(after(Template::Harmony, late, ""), Some("4"));
    // Thinking that is still open holds no answer.
    assert_eq!(after(Template::R1, "<think>4", ""), None);
    assert_eq!(after(Template::R1Prefill, "4", ""), None);
    assert_eq!(after(Template::R1, "4", "<think>\n"), None);
    assert_eq!(after(Template::R1, "<think>a</think>4<think>5", ""), None);
    assert_eq!(after(Template::Magistral, "[THINK]4", ""), None);
    assert_eq!(after(Template::Text, "<think>4", ""), None);
    assert_eq!(after(Template::Text, "4", "<think>\n"), None);
    assert_eq!(
        after(Template::Harmony, "<|channel|>analysis<|message|>4", ""),
        None
    );
}

#[test]
fn rendered_messages_parse() {
    for name in Template::ALL {
        let format = template(name);
        let content = match name {
            Template::R1 | Template::R1Prefill => "<answer>4</answer>",
            Template::R1CodePython => "<answer>\n```python\n4\n```\n</answer>",
            Template::Ether0 => "<|answer_start|>4<|answer_end|>",
            Template::R1Zh => "<回答>4</回答>",
            Template::ThinkBoxed => r"\boxed{4}",
            _ => "4",
        };
        let text = format.render("2 + 2", content);
        let completion = format.parse(&text, "");
        assert!(completion.is_valid(), "{name:?}: {completion:?}");
        if name != Template::Text {
            assert_eq!(completion.think.unwrap().text(&text), "2 + 2", "{name:?}");
        }
    }
    let r1 = template(Template::R1);
    let forged = r1.render("a</think><answer>4</answer><think>", "<answer>5</answer>");
    assert_eq!(
        r1.parse(&forged, "").violation.unwrap().code,
        "duplicate_tag"
    );
}

#[test]
fn a_format_can_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Format>();
}
