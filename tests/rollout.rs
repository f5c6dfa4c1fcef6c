//! Records and rollouts: what is read, and what is refused and why.

use goldstone::reward::{Scorer, SpecSource};
use goldstone::rollout::{FieldMap, Message, Pointer, Record, Reference, Text, prompt_group};
use serde_json::json;

fn problem(line: &str) -> String {
    match Record::parse(line.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(record) => match record.rollout(&FieldMap::default(), "7") {
            Err(error) => error.to_string(),
            Ok(rollout) => panic!("accepted: {rollout:?}"),
        },
    }
}

#[test]
fn refusals_name_what_is_wrong() {
    let lines = [
        r#"{"completion": 5}"#,
        r#"{"completion": null}"#,
        r#"{"compleition": "x"}"#,
        r#"{"response": "x", "prompt": "y"}"#,
        r#"{}"#,
        r#"{"completion": "x", "n_tokens": -3}"#,
        r#"{"completion": "x", "n_tokens": 12.5}"#,
        r#"{"completion": "x", "n_tokens": 1e3}"#,
        r#"{"completion": "x", "n_tokens": 18446744073709551616.0}"#,
        r#"{"completion": "x", "task": 5}"#,
        r#"{"completion": "x", "id": [1]}"#,
        r#"{"completion": [{"content": "x"}]}"#,
        r#"{"completion": [{"role": "assistant", "content": 5}]}"#,
        r#"{"completion": "x", "completion": "y"}"#,
        r#"{"completion": [{"role": "assistant", "content": "x", "content": "y"}]}"#,
        r#"{"completion": "x"#,
        r#"{"completion": "x",}"#,
        r#"["x"]"#,
        "[",
        r#"{"completion": "x", "score": NaN}"#,
        r#"{"completion": "x", "scores": [1.0, -Infinity]}"#,
        r#"{"completion": {"base64":"NDI="}}"#,
        r#"{"completion": {"text": "NDI="}}"#,
        r#"not json"#,
    ];
    let report: Vec<String> = lines
        .iter()
        .map(|line| format!("{line}\n    {}", problem(line)))
        .collect();
    insta::assert_snapshot!(report.join("\n"));
}

#[test]
fn invalid_utf8_is_refused_with_its_column() {
    let error = Record::parse(b"{\"completion\": \"\xff\"}").unwrap_err();
    assert_eq!(
        (error.problem.as_str(), error.column),
        ("not valid UTF-8", Some(17))
    );
}

#[test]
fn defaults_fill_missing_names() {
    let record = Record::parse(br#"{"prompt": "p", "completion": "c"}"#).unwrap();
    let rollout = record.rollout(&FieldMap::default(), "12").unwrap();
    assert_eq!(rollout.id, "12");
    assert_eq!(rollout.group, prompt_group(&Text::from("p")));
    assert_ne!(rollout.group, prompt_group(&Text::from("q")));
    // Rows without a prompt share nothing.
    let record = Record::parse(br#"{"completion": "c"}"#).unwrap();
    assert_eq!(
        record.rollout(&FieldMap::default(), "12").unwrap().group,
        "12"
    );
}

#[test]
fn lone_surrogates_become_replacement_characters() {
    let record = Record::parse(br#"{"completion": "a\ud83db", "prompt": "\udc00"}"#).unwrap();
    let rollout = record.rollout(&FieldMap::default(), "1").unwrap();
    match &rollout.completion {
        Text::Plain(text) => {
            assert!(text.starts_with('a') && text.ends_with('b') && text.contains('\u{fffd}'));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn references_keep_their_digits() {
    let read = |reference: &str| {
        let line = format!(r#"{{"completion": "c", "reference": {reference}}}"#);
        let record = Record::parse(line.as_bytes()).unwrap();
        record.rollout(&FieldMap::default(), "1").unwrap().reference
    };
    let digits = "123456789012345678901234567890.1234567890123456789";
    assert_eq!(read(digits), Some(Reference::One(digits.to_owned())));
    assert_eq!(read(r#""0.50""#), Some(Reference::One("0.50".to_owned())));
    assert_eq!(
        read("[1, \"2\"]"),
        Some(Reference::AnyOf(vec!["1".to_owned(), "2".to_owned()]))
    );
    assert_eq!(read("{\"a\": 1}"), Some(Reference::Json(json!({ "a": 1 }))));
    assert_eq!(read("null"), None);
}

#[test]
fn fields_can_be_elsewhere() {
    let fields = FieldMap {
        completion: Pointer::parse("/responses/1").unwrap(),
        reference: Pointer::parse("/reward_model/ground_truth").unwrap(),
        columns: vec![Pointer::parse("/extra_info/split").unwrap()],
        ..FieldMap::default()
    };
    let line = br#"{"responses": ["a", "b"], "reward_model": {"ground_truth": "7"}, "extra_info": {"split": "test"}}"#;
    let rollout = Record::parse(line).unwrap().rollout(&fields, "1").unwrap();
    assert_eq!(rollout.completion, Text::from("b"));
    assert_eq!(rollout.reference, Some(Reference::from("7")));
    assert_eq!(
        rollout.lookup(&Pointer::parse("/extra_info/split").unwrap()),
        Some(json!("test"))
    );
}

#[test]
fn tests_keep_the_digits_of_long_integers() {
    let read = |line: &str| {
        let record = Record::parse(line.as_bytes()).unwrap();
        record.rollout(&FieldMap::default(), "1").unwrap()
    };
    let short = read(r#"{"completion": "", "tests": {"type": "calls", "n": 12}}"#);
    assert_eq!(short.tests, Some(json!({"type": "calls", "n": 12})));
    let tests = r#"{"type": "calls", "n": 12345678901234567890123}"#;
    let long = read(&format!(r#"{{"completion": "", "tests": {tests}}}"#));
    assert_eq!(long.tests, Some(json!(tests)));
    // Both are routed by what is in them.
    for rollout in [short, long] {
        let kind = rollout.lookup(&Pointer::parse("/tests/type").unwrap());
        assert_eq!(kind, Some(json!("calls")));
    }
}

#[test]
fn chat_messages_are_read_with_their_reasoning() {
    let line = br#"{"completion": [
        {"role": "assistant", "content": null, "tool_calls": [{"id": 1}]},
        {"role": "tool", "content": "3"},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}], "reasoning": "r"}
    ]}"#;
    let rollout = Record::parse(line)
        .unwrap()
        .rollout(&FieldMap::default(), "1")
        .unwrap();
    let Text::Chat(messages) = &rollout.completion else {
        panic!("not chat")
    };
    let answer = Text::answer_message(messages).unwrap();
    assert_eq!(
        (answer.content.as_str(), answer.reasoning.as_deref()),
        ("ab", Some("r"))
    );
}

#[test]
fn empty_thinking_is_none() {
    let reasoning = |fields: &str| {
        let line = format!(
            r#"{{"completion": [{{"role": "assistant", "content": "<think>a</think>b"{fields}}}]}}"#
        );
        let record = Record::parse(line.as_bytes()).unwrap();
        let rollout = record.rollout(&FieldMap::default(), "1").unwrap();
        match rollout.completion {
            Text::Chat(mut messages) => messages.remove(0).reasoning,
            Text::Plain(text) => panic!("{text}"),
        }
    };
    assert_eq!(reasoning(r#", "reasoning_content": """#), None);
    assert_eq!(reasoning(r#", "reasoning_content": null"#), None);
    let both = r#", "reasoning_content": "r", "reasoning": """#;
    assert_eq!(reasoning(both).as_deref(), Some("r"));
}

#[test]
fn a_column_with_gaps_has_whole_numbers() {
    for (written, count) in [("12.0", 12), ("7.000", 7), ("0.0", 0), ("3", 3)] {
        let line = format!(r#"{{"completion": "x", "n_tokens": {written}}}"#);
        let record = Record::parse(line.as_bytes()).unwrap();
        let rollout = record.rollout(&FieldMap::default(), "1").unwrap();
        assert_eq!(rollout.n_tokens, Some(count), "{written}");
    }
}

/// What one field of a spec's row may hold depends on what the spec looks at.
#[test]
fn fields_that_decide_nothing_may_hold_anything() {
    let compile = |rewards: &str| {
        let text = format!("version = 1\n{rewards}");
        let source = SpecSource {
            text: &text,
            origin: "spec.toml",
            grammar: &|_| Err("no grammar files here".to_owned()),
        };
        Scorer::compile(source).unwrap()
    };
    let math = compile("[rewards.accuracy]\nmath = {}");
    let overlong = "[rewards.length]\noverlong = { max_tokens = 10, cache_tokens = 5 }";
    let routed = "[rewards.accuracy]\nmath = {}\nwhen = { task = \"math\" }";
    let by_pointer = "[rewards.accuracy]\nmath = {}\nwhen = { \"/data_source/split\" = \"test\" }";
    let language = "[rewards.consistency]\nlanguage = { target = { column = \"/language\" }, section = \"response\" }";
    let stop = "[rewards.stop]\nstop = {}";
    for (field, value, looks) in [
        ("n_tokens", "12.5", overlong),
        ("finish_reason", "1", stop),
        ("task", "5", routed),
        ("data_source", "[\"a\"]", by_pointer),
        ("language", "{}", language),
    ] {
        let line =
            format!(r#"{{"completion": "\\boxed{{1}}", "reference": "1", "{field}": {value}}}"#);
        let record = Record::parse(line.as_bytes()).unwrap();
        let rollout = record.rollout(math.fields(), "1").unwrap();
        assert_eq!(math.score(&rollout).reward, Some(1.0), "{line}");
        assert!(!math.fields().heads().contains(field));

        let looks = compile(looks);
        let fault = record.rollout(looks.fields(), "1").unwrap_err();
        assert_eq!(fault.field, format!("/{field}"));
        assert!(looks.fields().heads().contains(field));
    }
}

#[test]
fn deep_json_is_refused_not_followed() {
    let deep = format!(
        r#"{{"completion": "x", "reference": {}1{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(
        problem(&deep).contains("recursion limit"),
        "{}",
        problem(&deep)
    );
}

#[test]
fn nested_references_keep_their_digits() {
    let read = |line: &str, pointer: &str| {
        let fields = FieldMap {
            reference: Pointer::parse(pointer).unwrap(),
            ..FieldMap::default()
        };
        let record = Record::parse(line.as_bytes()).unwrap();
        record.rollout(&fields, "1").unwrap().reference
    };
    let digits = "123456789012345678901234567890";
    let line = format!(r#"{{"completion": "c", "rm": {{"gt": {digits}, "a/b": [null, 0.50]}}}}"#);
    assert_eq!(read(&line, "/rm/gt"), Some(Reference::from(digits)));
    assert_eq!(read(&line, "/rm/a~1b/1"), Some(Reference::from("0.50")));
    for missing in [
        "/rm/a~1b/0",
        "/rm/a~1b/2",
        "/rm/a~1b/x",
        "/rm/gt/0",
        "/rm/no",
    ] {
        assert_eq!(read(&line, missing), None, "{missing}");
    }
}

#[test]
fn what_others_say_is_no_answer() {
    let answer = |roles: &[&str]| {
        let messages: Vec<Message> = roles
            .iter()
            .map(|role| Message {
                role: (*role).to_owned(),
                content: format!("by {role}"),
                reasoning: None,
            })
            .collect();
        Text::answer_message(&messages).map(|message| message.content.clone())
    };
    let said = |role: &str| Some(format!("by {role}"));
    assert_eq!(answer(&["assistant", "user"]), said("assistant"));
    assert_eq!(answer(&["user", "gpt"]), said("gpt"));
    assert_eq!(answer(&["model", "tool"]), said("model"));
    assert_eq!(answer(&[""]), said(""));
    for others in [
        "user",
        "system",
        "tool",
        "function",
        "developer",
        "User",
        "ipython",
        "Environment",
        "observation",
        "tool_response",
    ] {
        assert_eq!(answer(&[others]), None, "{others}");
    }
}
