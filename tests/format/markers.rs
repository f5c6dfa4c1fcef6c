//! What is counted in a text: boxes, markers, and what looks like one.

use goldstone::boxed::{self, Group};
use goldstone::format::{Format, FormatOptions, Template};

use super::template;

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
