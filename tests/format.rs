//! Formats: the cases under `tests/data/format/`, hostile texts, and laws.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use goldstone::boxed::{self, Group};
use goldstone::format::{
    Completion, Format, FormatOptions, Prefill, REASON_CODES, Section, Template,
};
use proptest::prelude::*;
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
    for line in include_str!("data/format/cases.jsonl").lines() {
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
    let cases: OptionCases = toml::from_str(include_str!("data/format/options.toml")).unwrap();
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
    let cases: GrammarCases = toml::from_str(include_str!("data/format/grammars.toml")).unwrap();
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
    let grammar = include_str!("../examples/grammars/search.pest");
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
fn boxes_are_found() {
    let cases: [(&str, &[Option<&str>]); 12] = [
        (r"\boxed{1}", &[Some("1")]),
        (r"\fbox{1} \boxed{2}", &[Some("1"), Some("2")]),
        (r"\boxed{\frac{1}{2}}", &[Some(r"\frac{1}{2}")]),
        (r"\boxed{\{1\}}", &[Some(r"\{1\}")]),
        (r"\boxed{a\\}", &[Some(r"a\\")]),
        (r"\boxed{a\}", &[None]),
        (r"\\boxed{1}", &[]),
        (r"\boxedeq{1}", &[]),
        (r"\boxed 1", &[None]),
        ("\\boxed\n {1}", &[Some("1")]),
        (r"\boxed{a\boxed{b}c}", &[Some(r"a\boxed{b}c"), Some("b")]),
        (r"}{\boxed{1}", &[Some("1")]),
    ];
    for (text, wanted) in cases {
        let found: Vec<_> = boxed::find_all(text)
            .iter()
            .map(|b| b.inside().map(|span| &text[span]))
            .collect();
        assert_eq!(found, wanted, "{text}");
    }
    let nested = boxed::find_all(r"\boxed{\boxed{1}");
    assert!(matches!(nested[0].group, Group::Unclosed(_)));
    assert_eq!((nested[0].level, nested[1].level), (0, 1));
}

#[test]
fn graded_score_is_one_only_for_valid_texts() {
    let format = template(Template::R1);
    let score = |text: &str| format.parse(text, "").tag_score();
    assert_eq!(score("<think>a</think><answer>1</answer>"), 1.0);
    assert_eq!(score("<think>a</think><answer>1</answer>."), 0.8);
    assert_eq!(score("<think>a</think><answer>1"), 0.6);
    assert_eq!(score("<think><think>a</think><answer>1</answer>"), 0.6);
    assert_eq!(score("</answer><answer></think><think>"), 0.2);
    assert_eq!(score("1"), 0.0);
    let prefilled = format.parse("a</think><answer>1", "<think>");
    assert_eq!(prefilled.tag_score(), 0.5);
}

#[test]
fn lookalikes_are_counted_and_stay_text() {
    let format = template(Template::R1);
    let count = |text: &str| format.parse(text, "").lookalikes;
    assert_eq!(count("<think>a</think><answer>1</answer>"), 0);
    let spelt = [
        "<THINK>",
        "< think>",
        "<think >",
        "<think/>",
        "<think id=1>",
        "[think]",
        "＜think＞",
        "<th\u{200b}ink>",
        "&lt;think&gt;",
        "<think\u{a0}>",
        "⟨think⟩",
        "<thіnk>",
        "<|think|>",
    ];
    for fake in spelt {
        let text = format!("{fake}a</think><answer>1</answer>");
        assert_eq!(count(&text), 1, "{fake}");
        assert_eq!(
            format.parse(&text, "").violation.unwrap().code,
            "missing_think_open"
        );
    }
    for plain in [
        "<thinking>",
        "x < think about it",
        "<final_answer>",
        "I think.",
        "think>",
    ] {
        assert_eq!(count(plain), 0, "{plain}");
    }
}

/// Only the first markers are kept; the others decide all the same.
#[test]
fn markers_past_the_kept_ones_count() {
    let many = 1_000;
    let format = template(Template::R1);
    let text = format!(
        "<think>a</think><answer>1</answer>{}",
        "<answer>".repeat(many)
    );
    let completion = format.parse(&text, "");
    assert_eq!(
        (completion.markers.len(), completion.marker_count),
        (256, 4 + many)
    );
    let violation = completion.violation.unwrap();
    assert_eq!((violation.code, violation.at), ("duplicate_tag", 34));
    // Three of four tags are right: the answer is opened too often.
    assert_eq!(completion.tag_score(), 0.6);

    let late = format!("{}</think> 4", "<think>".repeat(many));
    let completion = format.parse(&late, "");
    assert_eq!(
        &late[completion.response.clone().expect("the thinking is closed")],
        " 4"
    );
    assert_eq!(completion.lookalikes, 0);

    for (rule, wanted) in [
        (goldstone::format::Duplicates::First, "1"),
        (goldstone::format::Duplicates::Last, "1000"),
    ] {
        let loose = FormatOptions {
            template: Some(Template::R1),
            duplicates: rule,
            outer_text: goldstone::format::OuterText::Allow,
            between: goldstone::format::Between::Any,
            ..FormatOptions::default()
        };
        let loose = Format::compile(&loose, None).unwrap();
        let text: String = (1..=many)
            .map(|n| format!("<think>a</think><answer>{n}</answer>"))
            .collect();
        let answer = loose.parse(&text, "").answer.unwrap();
        assert_eq!(answer.text(&text), wanted);
        let reversed = format!("<answer>1</answer>{}", "<think>a</think>".repeat(many));
        let violation = loose.parse(&reversed, "").violation.unwrap();
        assert_eq!(violation.code, "bad_order");
    }

    let call = "<|start|>assistant<|channel|>analysis<|message|>a<|end|>";
    let text = format!(
        "<|channel|>analysis<|message|>a<|end|>{}<|start|>assistant<|channel|>final<|message|>4",
        call.repeat(many)
    );
    let completion = template(Template::Harmony).parse(&text, "");
    assert_eq!(completion.answer.unwrap().text(&text), "4");
    assert_eq!(completion.think.unwrap().spans().len(), 1 + many);
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

/// One megabyte (debug builds are slow; the benchmark goes further) of
/// everything that has tripped a checker.
fn hostile() -> Vec<String> {
    let parts = [
        "<",
        "<think>",
        "</think>",
        "{",
        "}",
        "<thin",
        "</thinkk>",
        "</",
        "\0",
        "`",
        "```\n",
        "\\boxed{",
        "\\boxed",
        " ",
        "\u{200b}",
        "<|channel|>",
        "<|start|>assistant",
        "&lt;",
        "[THINK",
        "<answer></answer>",
        "\\",
        "✓",
        "`a``b```c````",
    ];
    let mut texts: Vec<String> = parts
        .iter()
        .map(|part| part.repeat(1_000_000 / part.len()))
        .collect();
    texts.push(format!("<think>a</think>\\boxed{}", "{".repeat(200_000)));
    texts.push(format!(
        "<think>a</think>\\boxed{}{}",
        "{".repeat(200_000),
        "}".repeat(200_000)
    ));
    texts.push(format!(
        "<think>a</think>\\boxed{{{}",
        "\\boxed{".repeat(100_000)
    ));
    texts.push(format!(
        "<think>{}</think><answer>1</answer>",
        "<answer".repeat(100_000)
    ));
    texts.push(format!("<answer>{}", " ".repeat(1_000_000)));
    texts
}

#[test]
fn hostile_texts_take_no_time() {
    let grammar = include_str!("../examples/grammars/search.pest");
    let own = Format::compile(&grammar_options(Some("think"), "answer"), Some(grammar)).unwrap();
    let mut formats: Vec<Format> = Template::ALL.into_iter().map(template).collect();
    formats.push(own);
    let loose = FormatOptions {
        template: Some(Template::R1),
        tags_in_code: goldstone::format::TagsInCode::Ignore,
        duplicates: goldstone::format::Duplicates::Last,
        ..FormatOptions::default()
    };
    formats.push(Format::compile(&loose, None).unwrap());
    for text in hostile() {
        for format in &formats {
            let begin = Instant::now();
            check_laws(format, &text, "");
            // Anything quadratic would take minutes.
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "{:?} on {:?}…",
                format.options().template,
                text.chars().take(40).collect::<String>()
            );
        }
    }
}

/// What holds for every text.
fn check_laws(format: &Format, text: &str, prompt: &str) -> Completion {
    let completion = format.parse(text, prompt);
    assert_eq!(completion.is_valid(), completion.answer.is_some());
    assert!((0.0..=1.0).contains(&completion.tag_score()));
    assert_eq!(completion.is_valid(), completion.tag_score() == 1.0);
    assert!(
        completion
            .response
            .clone()
            .is_none_or(|range| text.get(range).is_some())
    );
    assert!(completion.markers.len() <= 256.min(completion.marker_count));
    for marker in &completion.markers {
        assert!(
            text.get(marker.span.clone())
                .is_some_and(|found| !found.is_empty())
        );
    }
    let sections = completion.think.iter().chain(&completion.answer);
    for span in sections.flat_map(|section| section.spans()) {
        assert!(text.get(span.clone()).is_some());
    }
    if let Some(violation) = completion.violation {
        assert!(REASON_CODES.contains(&violation.code));
        assert!(text.is_char_boundary(violation.at));
        assert!(completion.think.is_none());
    } else {
        let answer = completion
            .answer
            .as_ref()
            .expect("a valid completion has an answer");
        assert!(
            !answer
                .text(text)
                .trim_matches([' ', '\t', '\r', '\n'])
                .is_empty()
        );
        let optional = matches!(
            format.options().template,
            None | Some(Template::Text | Template::ThinkOptional | Template::Harmony)
        );
        assert!(optional || completion.think.is_some());
        // The two judges agreed: this code is for their disagreement.
        assert_ne!(
            completion.violation.map(|violation| violation.code),
            Some("no_match")
        );
    }
    completion
}

/// Texts from the pieces that matter, so that valid ones are common.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "<思考>",
        "</思考>",
        "<回答>",
        "</回答>",
        "[THINK]",
        "[/THINK]",
        "◁think▷",
        "◁/think▷",
        "<|think_start|>",
        "<|think_end|>",
        "<|answer_start|>",
        "<|answer_end|>",
        "a",
        " ",
        "\n",
        "<",
        "\u{200b}",
        "\\boxed{",
        "}",
        "```python\n",
        "```\n",
    ]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Texts near to `r1` and its relatives: a right one with one piece changed.
fn near_misses() -> impl Strategy<Value = String> {
    let whole = prop::sample::select(vec![
        vec![
            "<think>",
            "a",
            "</think>",
            "\n",
            "<answer>",
            "1",
            "</answer>",
        ],
        vec!["<think>", "a", "</think>", "\\boxed{", "1", "}"],
        vec!["a", "</think>", "b"],
        vec![
            "<|think_start|>",
            "a",
            "<|think_end|>",
            "<|answer_start|>",
            "1",
            "<|answer_end|>",
        ],
        vec!["<思考>", "a", "</思考>", "<回答>", "1", "</回答>"],
        vec!["[THINK]", "a", "[/THINK]", "1"],
        vec!["◁think▷", "a", "◁/think▷", "1"],
    ]);
    let extra = prop::sample::select(vec![
        "", " ", "x", "<think>", "</think>", "<answer>", "[THINK]",
    ]);
    (whole, any::<prop::sample::Index>(), extra).prop_map(|(mut parts, at, extra)| {
        let at = at.index(parts.len() + 1);
        parts.insert(at, extra);
        parts.concat()
    })
}

/// Harmony texts: messages with one piece dropped or put in.
fn harmony() -> impl Strategy<Value = String> {
    let message = prop::sample::select(vec![
        "<|start|>assistant<|channel|>analysis<|message|>a<|end|>",
        "<|channel|>analysis<|message|>a<|end|>",
        "<|start|>assistant <|channel|> commentary <|message|><|end|>",
        "<|start|>assistant<|channel|>commentary to=f <|constrain|>json<|message|>{}<|call|>",
        "<|start|>assistant to=f<|channel|>analysis code<|message|>{}<|call|>",
        " to=f<|channel|>commentary<|message|>{}<|call|>",
        "<|start|>f to=assistant<|channel|>commentary<|message|>3<|end|>",
        "<|start|>assistant to=assistant<|channel|>commentary<|message|>3<|end|>",
        "<|start|>assistant<|channel|>final<|message|>4<|return|>",
        "<|start|>assistant<|channel|>final<|message|>4",
        "<|channel|>final<|message|>4<|end|>",
        "<|start|>",
        "<|channel|>",
        "<|message|>",
        "<|constrain|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "assistant",
        "analysis",
        "final",
        "to=",
        "to=assistant",
        " ",
        "x",
    ]);
    prop::collection::vec(message, 0..6).prop_map(|parts| parts.concat())
}

/// Grammar expressions over few literals, so that many overlap.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "\"a\"",
        "\"b\"",
        "\"ab\"",
        "\" \"",
        "^\"A\"",
        "body",
        "blank",
        "ASCII_DIGIT",
        "'a'..'b'",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(5, 24, 3, |inner| {
            let suffix = prop::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "{2,}"]);
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} ~ {b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} | {b})")),
                (inner.clone(), suffix).prop_map(|(a, op)| format!("({a}){op}")),
                (inner.clone(), inner).prop_map(|(a, b)| format!("(!({a}) ~ {b})")),
            ]
        })
}

/// White space that pest skips: none, the usual, and one of two characters,
/// which can be out of step with the literals.
fn whites() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "WHITESPACE = _{ \" \" }\n",
        "WHITESPACE = _{ \"ab\" }\n",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// What the checks accept, the trial never refuses: the proof holds.
    #[test]
    fn checked_grammars_are_linear(
        one in expressions(), two in expressions(), white in whites(),
    ) {
        let grammar = format!(
            "{white}doc = _{{ SOI ~ answer ~ EOI }}\nanswer = {{ ({one} ~ part)* ~ {two} }}\n\
             part = {{ {two} }}\nblank = _{{ \" \"* }}\nbody = @{{ (!(\"b\") ~ ANY)* }}\n\
             word = @{{ {one} }}"
        );
        if let Err(error) = Format::compile(&grammar_options(None, "answer"), Some(&grammar)) {
            prop_assert!(!error.message().contains("linear time"), "{}\n{}", error, grammar);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// The judges disagree on nothing: `no_match` never comes from a template.
    #[test]
    fn markers_and_grammar_agree(
        text in prop_oneof![pieces(), near_misses(), harmony(), any::<String>()],
        prompt in prop::sample::select(vec!["", "<think>\n", "[THINK]", "<|channel|>analysis<|message|>"]),
    ) {
        for name in Template::ALL {
            let completion = check_laws(&template(name), &text, prompt);
            prop_assert_ne!(
                completion.violation.map(|violation| violation.code), Some("no_match"),
                "{:?} {:?}", name, text
            );
        }
    }

    #[test]
    fn boxes_are_in_bounds(text in r"(\\boxed|\\fbox|\{|\}|\\|a| |é){0,30}") {
        for found in boxed::find_all(&text) {
            prop_assert!(text[found.whole.clone()].starts_with(char::from(92)));
            if let Some(inside) = found.inside() {
                let (before, after) = (&text[..inside.start], &text[inside.end..]);
                prop_assert!(before.ends_with(char::from(b'{')), "{:?}", text);
                prop_assert!(after.starts_with(char::from(b'}')), "{:?}", text);
            }
        }
    }
}
