//! Chat templates against transformers' `apply_chat_template`.

use std::collections::BTreeMap;

use goldstone::train::folder::{ChatTemplate, FolderError, Message, Tokenizer};
use serde::Deserialize;
use serde_json::{Map, Value};

/// One call and what it gave; see `make_chats.py` beside the data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    template: String,
    chat: String,
    messages: Vec<Message>,
    prompt: bool,
    variables: Map<String, Value>,
    text: Option<String>,
    refused: Option<String>,
}

/// The special tokens that the cases were made with.
fn tokens() -> Map<String, Value> {
    let tokens = [
        ("bos_token", "<s>"),
        ("eos_token", "</s>"),
        ("pad_token", "<pad>"),
    ];
    tokens
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.into()))
        .collect()
}

#[test]
fn templates_show_what_transformers_shows() {
    let text = std::fs::read_to_string("tests/data/train/chat/chats.json").unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let tokenizer = Tokenizer::characters("a", &[]).unwrap();
    let mut templates = BTreeMap::new();
    let mut refused = 0;
    for case in &cases {
        let template = templates.entry(case.template.as_str()).or_insert_with(|| {
            let path = format!("tests/data/train/chat/{}.jinja", case.template);
            let source = std::fs::read_to_string(path).unwrap();
            ChatTemplate::parse(&source, &tokenizer).unwrap()
        });
        let mut variables = tokens();
        variables.extend(case.variables.clone());
        let template = template.clone().with_variables(variables);
        let shown = template.render(&case.messages, case.prompt);
        let name = format!("{} {} {}", case.template, case.chat, case.prompt);
        match (&case.text, shown) {
            (Some(text), Ok(shown)) => assert_eq!(shown, *text, "{name}"),
            (None, Err(FolderError::Template { why })) => {
                refused += 1;
                // The template's own words are shown; the library's differ.
                let theirs = case.refused.as_deref().unwrap();
                assert!(
                    why.contains(theirs) || theirs.contains("no element"),
                    "{name}: {why}"
                );
            }
            (text, shown) => panic!("{name}: {shown:?}, wanted {text:?}"),
        }
    }
    assert!(refused >= 16, "{refused}");
}

#[test]
fn special_tokens_come_from_the_tokenizer() {
    let tokenizer = Tokenizer::characters("ab", &[]).unwrap();
    let template =
        ChatTemplate::parse("{{ pad_token }}{{ bos_token }}|{{ eos_token }}", &tokenizer);
    assert_eq!(template.unwrap().render(&[], false).unwrap(), "<pad>|<eos>");
}

#[test]
fn templates_that_are_none_are_refused() {
    let tokenizer = Tokenizer::characters("a", &[]).unwrap();
    for (source, why) in [
        ("{% for m in messages %}\n{{ m.role }", "line 2"),
        ("{% endfor %}", "line 1"),
        ("{{ messages | no_such_filter }}", "no_such_filter"),
    ] {
        let error = ChatTemplate::parse(source, &tokenizer)
            .and_then(|template| template.render(&[], true))
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{source}: {error}");
    }
}
