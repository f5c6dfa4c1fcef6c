//! What holds for every text and every grammar.

use goldstone::boxed;
use goldstone::format::{Completion, Format, REASON_CODES, Template};
use proptest::prelude::*;

use super::{grammar_options, template};

/// What holds for every text.
pub(super) fn check_laws(format: &Format, text: &str, prompt: &str) -> Completion {
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
