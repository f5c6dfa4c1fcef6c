//! Conditions, samples and shards: which rows are scored.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::str::FromStr;

use goldstone::batch::{
    BatchError, BatchOptions, Condition, Control, Input, Inputs, Sample, Selection, Shard,
};
use serde_json::json;

use super::{Run, cut_anywhere, ids, lines, open};

fn selection(conditions: &[&str], sample: &str, shard: &str) -> Selection {
    Selection {
        conditions: conditions
            .iter()
            .map(|text| text.parse().unwrap())
            .collect(),
        sample: (!sample.is_empty()).then(|| sample.parse().unwrap()),
        shard: (!shard.is_empty()).then(|| shard.parse().unwrap()),
        seed: 0,
    }
}

/// Rows `0`, `1`… with a task, a number and nested fields.
fn numbered(count: usize) -> String {
    let mut text = String::new();
    for index in 0..count {
        let task = ["math", "code"][index % 2];
        let row = json!({
            "id": index.to_string(), "completion": "<think>t</think><answer>1</answer>",
            "reference": "1", "task": task, "n_tokens": index, "info": {"split": index % 3, "a/b": true},
            "note": if index == 3 { json!(null) } else { json!(format!("row {index}")) },
        });
        writeln!(text, "{row}").unwrap();
    }
    text
}

fn selected(run: &mut Run, selection: Selection, inputs: &Inputs) -> Vec<String> {
    run.options.selection = selection;
    let rows = run.score(inputs);
    ids(&rows).into_iter().map(str::to_owned).collect()
}

#[test]
fn conditions_hold_of_the_rows_that_they_say() {
    let mut run = Run::new("r1-zero");
    let inputs = open(&[run.file("in.jsonl", &numbered(8))]);
    let cases: [(&[&str], &[usize]); 25] = [
        (&["task=math"], &[0, 2, 4, 6]),
        (&["task!=math"], &[1, 3, 5, 7]),
        (&["/task=math", "n_tokens>2"], &[4, 6]),
        (&["n_tokens>=6"], &[6, 7]),
        (&["n_tokens<1"], &[0]),
        (&["n_tokens<=1.5"], &[0, 1]),
        (&["n_tokens=7"], &[7]),
        (&["n_tokens=7.0"], &[7]),
        (&["/info/split=2"], &[2, 5]),
        (&["/info/a~1b=true", "id=5"], &[5]),
        (&["/info/a~1b=yes"], &[]),
        (&["note=null"], &[3]),
        (&["note!=null", "n_tokens<5"], &[0, 1, 2, 4]),
        (&["missing=null", "id=0"], &[0]),
        (&["missing!=x", "id=0"], &[0]),
        (&["missing>0"], &[]),
        (&["task>0"], &[]),
        (&["note~[67]$"], &[6, 7]),
        (&["n_tokens~7"], &[]),
        (&["note=row 7"], &[7]),
        (&["task = math"], &[0, 2, 4, 6]),
        (&[" /info/split = 2 ", "note != null"], &[2, 5]),
        (&["n_tokens >= 6"], &[6, 7]),
        // A pattern is what it is.
        (&["note ~ 7"], &[7]),
        (&["note~ row"], &[]),
    ];
    for (conditions, wanted) in cases {
        let got = selected(&mut run, selection(conditions, "", ""), &inputs);
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        assert_eq!(got, wanted, "{conditions:?}");
    }
}

#[test]
fn whole_numbers_are_compared_as_such() {
    // One more than a double can tell from its neighbour, and digits beyond 64 bits.
    let text = [
        "9007199254740993",
        "-9007199254740993",
        "123456789012345678901234567890",
        "2.5",
    ]
    .map(|number| format!(r#"{{"id": "{number}", "completion": "c", "info": {{"n": {number}}}}}"#));
    let mut run = Run::new("r1-zero");
    let inputs = open(&[run.file("in.jsonl", &(text.join("\n") + "\n"))]);
    let cases: [(&str, &[&str]); 7] = [
        ("/info/n=9007199254740993", &["9007199254740993"]),
        ("/info/n=9007199254740992", &[]),
        ("/info/n=123456789012345678901234567891", &[]),
        (
            "/info/n>9007199254740992",
            &["9007199254740993", "123456789012345678901234567890"],
        ),
        ("/info/n<-9007199254740992", &["-9007199254740993"]),
        ("/info/n<=-9007199254740994", &[]),
        ("/info/n=2.50", &["2.5"]),
    ];
    for (condition, wanted) in cases {
        let got = selected(&mut run, selection(&[condition], "", ""), &inputs);
        assert_eq!(got, wanted, "{condition}");
    }
}

#[test]
fn what_is_no_selection_is_refused() {
    let refusals = [
        refused::<Condition>("task"),
        refused::<Condition>("=math"),
        refused::<Condition>("task==math"),
        refused::<Condition>("task !== math"),
        refused::<Condition>("n_tokens>many"),
        refused::<Condition>("n_tokens<NaN"),
        refused::<Condition>("prompt~("),
        refused::<Sample>("0"),
        refused::<Sample>("0%"),
        refused::<Sample>("101%"),
        refused::<Sample>("some"),
        refused::<Sample>("-5"),
        refused::<Shard>("0/8"),
        refused::<Shard>("9/8"),
        refused::<Shard>("3"),
        refused::<Shard>("1/0"),
    ];
    insta::assert_snapshot!(refusals.join("\n"));
}

fn refused<T: FromStr<Err: std::fmt::Display>>(text: &str) -> String {
    match text.parse::<T>() {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_line_that_nobody_can_read_is_not_passed_over() {
    let run = Run {
        options: BatchOptions {
            selection: selection(&["task=math"], "", ""),
            ..BatchOptions::default()
        },
        ..Run::new("r1-zero")
    };
    let rows = run.score_text(&(numbered(3) + "{\"task\": \"code\", \"cut\n"));
    assert_eq!(ids(&rows), ["0", "2", "4"]);
    assert_eq!(rows[2]["status"], "error");
}

#[test]
fn shards_are_together_the_whole() {
    let mut run = Run::new("r1-zero");
    let paths = [
        run.file("a.jsonl", &numbered(37)),
        run.file("b.jsonl", &lines("verl/accepted").join("\n")),
    ];
    let inputs = open(&paths);
    for limit in [None, Some(20)] {
        run.options.limit = limit;
        for (conditions, sample) in [
            (&[][..], ""),
            (&["n_tokens!=4"][..], "50%"),
            (&["id!=3"][..], "11"),
        ] {
            let whole = selected(&mut run, selection(conditions, sample, ""), &inputs);
            assert!(!whole.is_empty());
            for of in [1, 2, 3, 8] {
                let mut lengths = Vec::new();
                let mut union = Vec::new();
                for number in 1..=of {
                    let shard = format!("{number}/{of}");
                    let part = selected(&mut run, selection(conditions, sample, &shard), &inputs);
                    lengths.push(part.len());
                    union.extend(part);
                }
                assert_eq!(union.len(), whole.len());
                let (union, wanted): (BTreeSet<_>, BTreeSet<_>) =
                    (union.iter().collect(), whole.iter().collect());
                assert_eq!(union, wanted);
                // But for rows with several completions they are equally long.
                let (least, most) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
                assert!(most - least <= 4, "{lengths:?}");
            }
        }
    }
}

#[test]
fn a_sample_keeps_the_order_and_depends_on_seed_and_place_alone() {
    let mut run = Run::new("r1-zero");
    let inputs = open(&[run.file("in.jsonl", &numbered(400))]);
    let rows = |run: &mut Run, sample: &str, seed| {
        let selection = Selection {
            seed,
            ..selection(&[], sample, "")
        };
        let ids = selected(run, selection, &inputs);
        ids.iter()
            .map(|id| id.parse().unwrap())
            .collect::<Vec<u64>>()
    };
    let hundred = rows(&mut run, "100", 0);
    assert_eq!(hundred.len(), 100);
    assert!(hundred.is_sorted());
    run.options.jobs = 3;
    run.options.chunk_rows = 7;
    assert_eq!(rows(&mut run, "100", 0), hundred);
    assert_ne!(rows(&mut run, "100", 1), hundred);
    // A smaller sample is part of a larger one.
    let fifty = rows(&mut run, "50", 0);
    assert!(fifty.iter().all(|row| hundred.contains(row)));
    let share = rows(&mut run, "25%", 0);
    assert!((70..130).contains(&share.len()), "{}", share.len());
    assert_eq!(rows(&mut run, "100%", 0).len(), 400);
    assert_eq!(rows(&mut run, "1000", 0).len(), 400);
    // Evenly spread: each quarter of the file has its part.
    for quarter in 0..4 {
        let range = quarter * 100..(quarter + 1) * 100;
        let count = hundred.iter().filter(|row| range.contains(*row)).count();
        assert!((15..36).contains(&count), "{count} of quarter {quarter}");
    }
}

#[test]
fn a_selected_part_can_be_resumed() {
    let mut run = Run::new("r1-zero");
    let text = numbered(9) + &lines("verl/accepted").join("\n");
    let inputs = open(&[
        run.file("in.jsonl", &numbered(20)),
        run.file("b.jsonl", &text),
    ]);
    run.options.chunk_rows = 3;
    for (sample, shard) in [("", "2/3"), ("60%", ""), ("12", "1/2")] {
        run.options.selection = selection(&["task!=none"], sample, shard);
        cut_anywhere(&run, &inputs);
    }
}

#[test]
fn groups_are_not_torn_apart() {
    let spec = "version = 1\n[rewards.accuracy]\nmath = {}\n[rewards.length]\ngroup_length = { of = \"accuracy\" }\n";
    let mut run = Run::new(spec);
    let inputs = open(&[run.file("in.jsonl", &numbered(4))]);
    for (sample, shard) in [("2", ""), ("50%", ""), ("", "1/2")] {
        run.options.selection = selection(&[], sample, shard);
        let result = run.batch(&inputs, &Control::default()).run(&mut Vec::new());
        assert!(
            matches!(result, Err(BatchError::TornGroups { .. })),
            "{result:?}"
        );
    }
}

#[test]
fn so_many_rows_cannot_be_drawn_from_a_stream() {
    let mut run = Run::new("r1-zero");
    let inputs = Inputs::check(vec![Input::Stdin]).unwrap();
    run.options.selection = selection(&[], "5", "");
    let result = run.batch(&inputs, &Control::default()).run(&mut Vec::new());
    assert!(
        matches!(result, Err(BatchError::SampleOfStream { .. })),
        "{result:?}"
    );
}
