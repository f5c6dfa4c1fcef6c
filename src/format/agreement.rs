//! Tests that the grammars accept nothing that the marker rules refuse; the other
//! direction is seen from outside, as `no_match`.

use proptest::prelude::*;

use super::completion::trim;
use super::engine::{Engine, Spans};
use super::options::{FormatOptions, Template};
use super::tagged::{Opened, Sections};
use super::template::{Content, Tagged};
use super::{Format, harmony, shape};

fn scanned(format: &Format, text: &str, opened: Opened) -> (Option<Spans>, Option<Spans>) {
    match &format.engine {
        Engine::Tagged {
            tagged, scanner, ..
        } => {
            let bodies = tagged
                .bodies(
                    text,
                    &scanner.find_all(text, Vec::new()),
                    opened,
                    &format.options,
                )
                .ok();
            let found = bodies.and_then(|bodies| {
                // The grammars know nothing of boxes and code blocks.
                let plain = Tagged {
                    content: Content::Any,
                    ..*tagged
                };
                plain.sections(text, bodies, &format.options).ok()
            });
            let shape = shape::sections(tagged.grammar, tagged.opening, opened, text);
            let spans = |found: Sections| Spans {
                think: found.think.map(|think| vec![think]),
                answer: vec![found.answer],
            };
            (found.map(spans), shape.map(spans))
        }
        Engine::Harmony { scanner } => {
            let found = harmony::spans(text, &scanner.find_all(text, Vec::new()), opened).ok();
            (found, harmony::shape(text, opened))
        }
        Engine::Text | Engine::User { .. } => (None, None),
    }
}

/// A right text with up to three pieces dropped, doubled or put in.
fn pieces() -> impl Strategy<Value = String> {
    let whole = prop::sample::select(vec![
        vec![
            "<think>",
            "a",
            "</think>",
            " ",
            "<answer>",
            "1",
            "</answer>",
        ],
        vec!["a", "</think>", "<answer>", "1", "</answer>"],
        vec!["<think>", "a", "</think>", "\n", "1"],
        vec!["a", "</think>", "1"],
        vec![
            "<|think_start|>",
            "a",
            "<|think_end|>",
            "<|answer_start|>",
            "1",
            "<|answer_end|>",
        ],
        vec![
            "<|start|>assistant",
            "<|channel|>",
            "analysis",
            "<|message|>",
            "a",
            "<|end|>",
            "<|start|>assistant",
            " to=f",
            "<|channel|>commentary",
            " ",
            "<|constrain|>",
            "json",
            "<|message|>",
            "{}",
            "<|call|>",
            "<|start|>f",
            " to=assistant",
            "<|channel|>commentary",
            "<|message|>",
            "3",
            "<|end|>",
            "<|start|>assistant",
            "<|channel|>final",
            "<|message|>",
            "4",
            "<|return|>",
        ],
        vec![
            "<|channel|>",
            "commentary",
            " to=f",
            " json",
            "<|message|>",
            "{}",
            "<|call|>",
            "<|start|>assistant",
            "<|channel|>final",
            "<|message|>",
            "4",
        ],
        vec![
            "a",
            "<|end|>",
            "<|start|>assistant",
            "<|channel|>",
            "final",
            "<|message|>",
            "4",
        ],
    ]);
    let extra = prop::sample::select(vec![
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "a",
        " ",
        "<",
        "</",
        "</thin",
        "\n",
        "é",
        "<|start|>assistant",
        "<|channel|>",
        "<|message|>",
        "<|end|>",
        "<|return|>",
        "<|call|>",
        "<|constrain|>",
        "analysis",
        "final",
        "to=",
        " to=f",
        "to=assistant",
        "json",
        "",
    ]);
    let change = (any::<prop::sample::Index>(), 0..3_u8, extra);
    (whole, prop::collection::vec(change, 0..4)).prop_map(|(mut parts, changes)| {
        for (at, kind, extra) in changes {
            let at = at.index(parts.len() + 1);
            match (kind, parts.get(at).copied()) {
                (0, Some(_)) => drop(parts.remove(at)),
                (1, Some(part)) => parts.insert(at, part),
                _ => parts.insert(at, extra),
            }
        }
        parts.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn grammar_and_markers_are_equal(text in pieces()) {
        prop_assume!(!trim(&text, 0..text.len()).is_empty());
        for template in Template::ALL {
            let options = FormatOptions { template: Some(template), ..Default::default() };
            let format = Format::compile(&options, None).unwrap();
            for opened in [Opened::ByPrompt, Opened::ByCompletion] {
                let (markers, grammar) = scanned(&format, &text, opened);
                prop_assert_eq!(&markers, &grammar, "{:?} {:?}", template, opened);
            }
        }
    }
}
