//! Megabytes of everything that has tripped a checker.

use std::time::{Duration, Instant};

use goldstone::format::{Format, FormatOptions, Template};

use super::laws::check_laws;
use super::{grammar_options, template};

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
    let grammar = include_str!("../../examples/grammars/search.pest");
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
