//! Language consistency: the cases of `tests/data/language/`, held-out windows,
//! laws, hostile text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use goldstone::language::train::is_held_out;
use goldstone::language::{
    Language, LanguageOptions, Names, Parts, Shaping, Target, all_same, detect, measure,
};
use proptest::prelude::*;
use serde::Deserialize;

/// A text, its target, and the range of the score; no range means that the
/// measure must abstain, no minimum that it may.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    text: String,
    target: Language,
    expected_min: Option<f64>,
    expected_max: Option<f64>,
    note: String,
    #[serde(rename = "basis")]
    _basis: String,
}

/// Cases that are not met, each with the reason; empty is the aim.
const KNOWN_FAILURES: [&str; 0] = [];

#[test]
fn cases_are_in_their_ranges() {
    let mut failures = Vec::new();
    let mut report = String::new();
    for file in ["cases.jsonl", "own.jsonl"] {
        let text = fs::read_to_string(format!("tests/data/language/{file}")).unwrap();
        let mut ids = std::collections::BTreeSet::new();
        for line in text.lines() {
            let case: Case = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(ids.insert(case.id.clone()), "{file}: `{}` twice", case.id);
            let found = measure(&case.text, case.target, &LanguageOptions::default());
            let met = match (found.score(), case.expected_min, case.expected_max) {
                (None, None, _) => true,
                (Some(_), None, None) | (None, Some(_), _) => false,
                (Some(score), least, most) => {
                    least.is_none_or(|least| score >= least)
                        && most.is_none_or(|most| score <= most)
                }
            };
            if !met {
                let score = found.score();
                writeln!(report, "{}: {score:?}, {}", case.id, case.note).unwrap();
                failures.push(case.id);
            }
        }
    }
    assert_eq!(failures, KNOWN_FAILURES, "\n{report}");
}

/// Five words of a held-out line; ten or twenty characters where no spaces are written.
fn windows(code: &str, line: &str) -> Vec<String> {
    let characters = match code {
        "zh" | "ja" => 10,
        "th" => 20,
        _ => {
            let words: Vec<&str> = line.split_whitespace().collect();
            return words.chunks_exact(5).map(|words| words.join(" ")).collect();
        }
    };
    let line: Vec<char> = line.chars().collect();
    let windows = line.chunks_exact(characters);
    windows.map(|window| window.iter().collect()).collect()
}

#[test]
fn windows_of_five_words_are_recognised() {
    // The published package is without the text.
    if !Path::new("training/language").is_dir() {
        return;
    }
    let mut shares = BTreeMap::new();
    let (mut right, mut all) = (0, 0);
    for language in Language::all() {
        let code = language.code();
        let path = format!("training/language/{code}.sentences.txt");
        // Languages that their script decides have no text of their own.
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        };
        let lines = text.lines().filter(|line| is_held_out(line));
        let windows: Vec<String> = lines.flat_map(|line| windows(code, line)).collect();
        let met = windows
            .iter()
            .filter(|window| detect(window).is_some_and(|(found, _)| found == language))
            .count();
        shares.insert(code, met as f64 / windows.len() as f64);
        right += met;
        all += windows.len();
    }
    assert_eq!(shares.len(), 22);
    let share = f64::from(right as u32) / f64::from(all as u32);
    assert!(share >= 0.985, "{share}: {shares:#?}");
    for (code, share) in shares {
        assert!(share >= 0.96, "{code}: {share}");
    }
}

#[test]
fn spans_say_what_is_where() {
    let text = "Zuerst berechnen wir die Ableitung der Funktion, then we set it equal to zero and simplify, und danach lösen wir die Gleichung auf.";
    let found = measure(text, Language::De, &LanguageOptions::default());
    assert_eq!(found.dominant, Some(Language::De));
    let [span] = &found.spans[..] else {
        panic!("{:?}", found.spans);
    };
    assert_eq!(
        &text[span.range.clone()],
        "then we set it equal to zero and simplify"
    );
    assert_eq!((span.language, span.words), (Some(Language::En), 9));
    assert!(span.probability > 0.99);
    assert_eq!(found.switches, 2);
}

#[test]
fn a_measure_carries_its_evidence() {
    let text = "答案是七, so the answer is seven.";
    let measure = measure(text, Language::Zh, &LanguageOptions::default());
    let measure = measure.into_measure(Shaping::Linear);
    assert_eq!(measure.value, Some(0.375));
    let detail = serde_json::to_value(&measure.detail).unwrap();
    assert_eq!(
        detail,
        serde_json::json!({
            "target": "zh", "dominant": "en", "words": 8, "target_words": 3, "switches": 1,
            "masked_fraction": 0.0, "spans": [[14, 36, "en", 1.0]],
        })
    );
}

#[test]
fn options_do_what_they_say() {
    let default = LanguageOptions::default();
    let hidden =
        "```\nfirst we add both of the numbers and then we divide the sum\n```\n答案是七。";
    let plain = LanguageOptions {
        strict_mask: false,
        ..default.clone()
    };
    assert!(measure(hidden, Language::Zh, &default).score() < Some(0.3));
    assert_eq!(measure(hidden, Language::Zh, &plain).score(), Some(1.0));
    assert!(measure(hidden, Language::Zh, &plain).masked_fraction > 0.7);

    let named = "根据 Fermat 小定理，答案是七。";
    let foreign = LanguageOptions {
        names: Names::Foreign,
        ..default.clone()
    };
    assert_eq!(measure(named, Language::Zh, &default).score(), Some(1.0));
    assert!(measure(named, Language::Zh, &foreign).score() < Some(1.0));

    let allowed = LanguageOptions {
        allow: vec!["strawberry".to_owned()],
        ..default.clone()
    };
    let quoted = "单词 strawberry 里有三个字母";
    assert!(measure(quoted, Language::Zh, &default).score() < Some(1.0));
    assert_eq!(measure(quoted, Language::Zh, &allowed).score(), Some(1.0));

    let many = LanguageOptions {
        min_words: 8,
        ..default.clone()
    };
    let found = measure("答案是七", Language::Zh, &many);
    assert_eq!(
        (found.score(), found.abstains),
        (None, Some("too_few_words"))
    );

    let half = measure("答案是七, so it is", Language::Zh, &default);
    assert_eq!(
        half.clone().into_measure(Shaping::Threshold(0.5)).value,
        Some(1.0)
    );
    assert_eq!(half.into_measure(Shaping::Threshold(0.6)).value, Some(0.0));
}

#[test]
fn options_are_read_and_refused() {
    let read = |text: &str| toml::from_str::<LanguageOptions>(text);
    assert_eq!(read("").unwrap(), LanguageOptions::default());
    let options = read("target = \"pt-BR\"\nshaping = { threshold = 0.5 }").unwrap();
    assert_eq!(options.target, Target::Constant(Language::Pt));
    assert_eq!(options.shaping, Shaping::Threshold(0.5));
    assert_eq!(read("target = \"prompt\"").unwrap().target, Target::Prompt);
    let column = read("target = { column = \"/meta/lang\" }").unwrap();
    assert_eq!(column.target, Target::Column("/meta/lang".to_owned()));
    assert_eq!(column, read(&toml::to_string(&column).unwrap()).unwrap());
    for (text, message) in [
        ("target = \"germn\"", "did you mean `de`"),
        ("target = { colum = \"/a\" }", "colum"),
        ("target = 1", "a language code"),
        ("max_words = 1", "max_words"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    for text in [
        "target = { column = \"language\" }",
        "shaping = { threshold = 1.5 }",
        "shaping = { threshold = nan }",
        "shaping = { threshold = 0.0 }",
    ] {
        assert!(read(text).unwrap().check().is_err(), "{text}");
    }
}

#[test]
fn all_three_parts_must_be_in_one_language() {
    let [en, de, mixed] = [
        "What is the sum of both numbers?",
        "Wir addieren die beiden Zahlen und erhalten sieben.",
        "We add both of them. Danach teilen wir durch zwei. Ещё раз. これは答えです。 그렇습니다. نعم هذا صحيح",
    ];
    for (prompt, think, answer, value) in [
        (en, "We add three and four.", "The sum is seven.", Some(1.0)),
        (en, "We add three and four.", "7", Some(1.0)),
        (en, de, "The sum is seven.", Some(0.0)),
        (en, "We add three and four.", de, Some(0.0)),
        (de, "We add three and four.", de, Some(0.0)),
        (en, mixed, "The sum is seven.", Some(0.0)),
        (en, "$3+4$", "7", None),
        ("3 + 4 = ?", "We add them.", "7", None),
    ] {
        let parts = Parts {
            prompt,
            think,
            answer,
        };
        assert_eq!(all_same(parts).value, value, "{parts:?}");
    }
}

/// Texts that are built to be slow, to be large, or to be counted wrongly.
#[test]
fn hostile_texts_end_and_count_for_little() {
    let big = 100_000;
    for unit in [
        "a",
        "\u{301}",
        "e\u{301}",
        "\u{202e}",
        "\u{202e}ab ",
        "😀",
        "$",
        "$x ",
        "`",
        "` `` ",
        "```\n",
        "\\begin{align}",
        "\\[",
        "\\( \\[ ",
        "\\a{",
        "\\a{xxxxxxxxxxxxxxxxxxxxxxxx",
        "<a ",
        "<a=b",
        "<!--",
        "<|a",
        "{\"",
        "[{",
        "{\"a\":",
        "a@",
        "a://",
        "www.",
        "&a",
        "的",
        "の",
        "ก",
        "ๆ",
        "aб",
        "AB ",
        "a'",
        "(한(韓",
        "~~~\n",
        "\u{200d}",
        "ᄀ",
        "\"\\\"",
        "\u{feff}",
        "𠀀",
    ] {
        let text = unit.repeat(big / unit.len());
        let found = measure(&text, Language::En, &LanguageOptions::default());
        assert_eq!(
            found.target_words, 0,
            "{unit:?}: {} of {}",
            found.target_words, found.words
        );
        assert!(found.words <= text.len(), "{unit:?}");
    }
}

#[test]
fn eight_megabytes_of_emoji_and_words_without_end() {
    let emoji = "😀".repeat(2_000_000);
    assert_eq!(
        measure(&emoji, Language::En, &LanguageOptions::default()).score(),
        None
    );
    // A run of letters counts for many words: leaving out the spaces does not pay.
    let joined = "答案是七。".to_owned() + &"andthenweaddthenumbers".repeat(1000);
    assert!(measure(&joined, Language::Zh, &LanguageOptions::default()).score() < Some(0.01));
}

#[test]
fn scores_do_not_depend_on_what_is_repeated() {
    let text = "Wir addieren beide Zahlen, then we divide the sum by two.\n\n";
    let options = LanguageOptions::default();
    let once = measure(text, Language::De, &options);
    let often = measure(&text.repeat(1000), Language::De, &options);
    assert_eq!(often.words, 1000 * once.words);
    assert_eq!(often.target_words, 1000 * once.target_words);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_gives_a_share_and_spans_within(text in "\\PC{0,200}", target in 0_usize..27) {
        let target = Language::all().nth(target).unwrap();
        check(&text, target)?;
    }

    #[test]
    fn any_mix_of_delimiters_gives_a_share_and_spans_within(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "`", "```", "~~~", "$", "$$", "\\(", "\\)", "\\[", "\\]", "\\begin{align}", "\\end{align}",
                "\\frac{", "}", "{\"a\":", "[", "<p>", "</p>", "<|im_end|>", "<!--", "-->", "&amp;",
                "https://a.b/c", "me@a.org", "www.a.b", "\n", "\n\n", " ", "the answer is", "答案是七",
                "これは", "한국어", "ответ", "الجواب", "คำตอบ", "x", "DNA", "é", "e\u{301}", "\u{202e}", "(", ")",
            ]),
            0..40,
        ),
        target in 0_usize..27,
    ) {
        let target = Language::all().nth(target).unwrap();
        check(&parts.concat(), target)?;
    }
}

fn check(text: &str, target: Language) -> Result<(), TestCaseError> {
    for strict_mask in [true, false] {
        let options = LanguageOptions {
            strict_mask,
            ..LanguageOptions::default()
        };
        let found = measure(text, target, &options);
        prop_assert!(found.target_words <= found.words);
        prop_assert_eq!(found.score().is_none(), found.words == 0);
        prop_assert!((0.0..=1.0).contains(&found.masked_fraction));
        let foreign: usize = found.spans.iter().map(|span| span.words).sum();
        prop_assert_eq!(foreign, found.words - found.target_words);
        let mut floor = 0;
        for span in &found.spans {
            prop_assert!(span.range.start >= floor && span.range.start < span.range.end);
            prop_assert!(text.get(span.range.clone()).is_some());
            prop_assert!((0.0..=1.0).contains(&span.probability));
            floor = span.range.end;
        }
        prop_assert_eq!(&found, &measure(text, target, &options));
    }
    Ok(())
}
