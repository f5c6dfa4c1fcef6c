//! Words that withdraw an answer: the text after it in, the reason not to pay out,
//! or the alternative that it names.
//!
//! The rest of the answer's sentence is read, and the beginnings of later ones.
//! Linear; tables only.

use super::doubt::{HEDGES, denies, is_denial, words};

/// Takes the answer back at the beginning of the next sentence.
const TAKES_BACK_NEXT: &[&str] = &[
    "or",
    "alternatively",
    "maybe",
    "perhaps",
    "but",
    "however",
    "no",
    "not",
    "false",
    "wrong",
    "incorrect",
    "sorry",
    "just",
    "或",
    "不",
];

/// Takes the answer back at the beginning of any later sentence.
const TAKES_BACK: &[&str] = &[
    "wait",
    "actually",
    "hmm",
    "oops",
    "correction",
    "nope",
    "scratch",
    "ignore",
    "disregard",
    "等等",
];

/// What follows an answer in its own sentence and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Aftermath {
    Stands,
    /// Whether the answer is meant is not said, for this reason.
    Open(&'static str),
    Refused(&'static str),
    /// An alternative, at these bytes.
    Rival(std::ops::Range<usize>),
}

/// Reads what follows an answer.
pub(super) fn after(text: &str) -> Aftermath {
    let end = sentence_end(text);
    let (own, rest) = text.split_at(end);
    let trimmed = own.trim_start_matches(|c: char| !c.is_alphanumeric() && !"?？❌✗✘".contains(c));
    if trimmed.starts_with(['?', '？']) || own.trim_end().ends_with(['?', '？']) {
        return Aftermath::Refused("question");
    }
    if own.contains(['❌', '✗', '✘']) || own.contains("不对") {
        return Aftermath::Refused("retracted");
    }
    if denies(own) {
        return Aftermath::Refused("denied");
    }
    if is_possibility(own) {
        return Aftermath::Refused("hedged");
    }
    if is_case(own) {
        return Aftermath::Refused("conditional");
    }
    if let Some(refused) = own_sentence(own) {
        return refused;
    }
    match (sentences_take_back(rest), is_possible_value(own)) {
        (true, _) => Aftermath::Refused("retracted"),
        // What a question for any possible value asks, or one of several.
        (false, true) => Aftermath::Open("possible_value"),
        (false, false) => Aftermath::Stands,
    }
}

/// Whether the answer is one of several that may be: "is one possibility".
fn is_possibility(own: &str) -> bool {
    const OPEN: [&str; 3] = ["possibility", "candidate", "option"];
    let [first, _] = said_to_be(own);
    OPEN.iter().any(|open| first.starts_with(open))
}

/// Whether the answer "is a possible value".
fn is_possible_value(own: &str) -> bool {
    const KINDS: [&str; 4] = ["answer", "value", "solution", "result"];
    let [first, kind] = said_to_be(own);
    first == "possible" && KINDS.iter().any(|open| kind.starts_with(open))
}

/// The two words behind the first "is", where that is "is a" or "is one".
fn said_to_be(own: &str) -> [&str; 2] {
    let mut words = own.split_whitespace().skip_while(|word| *word != "is");
    match (words.next(), words.next()) {
        (Some(_), Some("a" | "one")) => [(); 2].map(|()| words.next().unwrap_or_default()),
        _ => [""; 2],
    }
}

/// Whether another number holds elsewhere: "for even n, 8 for odd n".
fn is_case(own: &str) -> bool {
    let words: Vec<&str> = own.split_whitespace().collect();
    let is_other = |three: &[&str]| {
        let parts = three[0].ends_with([',', ';']) || matches!(three[0], "and" | "or" | "but");
        let number = three[1].trim_matches('$');
        parts && number.ends_with(|c: char| c.is_ascii_digit()) && three[2] == "for"
    };
    words.first() == Some(&"for") && words.windows(3).any(is_other)
}

fn own_sentence(own: &str) -> Option<Aftermath> {
    let mut at = 0;
    for piece in own.split_inclusive(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’')))
    {
        let word = piece
            .trim_end_matches(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’')))
            .to_lowercase()
            .replace('’', "'");
        let end = at + piece.len();
        match word.as_str() {
            "or" | "alternatively" | "oder" | "ou" | "или" | "lor" | "vee" => {
                let around = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '}');
                let alternative = own[end..].trim_start_matches(around);
                let alternative = alternative
                    .strip_prefix("equivalently")
                    .unwrap_or(alternative)
                    .trim_start_matches(around);
                let from = own.len() - alternative.len();
                let to = from + alternative.trim_end_matches(['.', ')', ' ']).len();
                return Some(match alternative.contains(|c: char| c.is_numeric()) {
                    true => Aftermath::Rival(from..to),
                    false => Aftermath::Refused("hedged"),
                });
            }
            "and" | "but" => {
                let next = own[end..].trim_start_matches([' ', '$', '\\', '(', '{', '}', '-']);
                if next.starts_with(|c: char| c.is_numeric()) {
                    return Some(Aftermath::Refused("several_answers"));
                }
            }
            "if" | "unless" | "otherwise" | "provided" | "assuming" | "wenn" | "falls" => {
                return Some(Aftermath::Refused("conditional"));
            }
            word if TAKES_BACK.contains(&word) => {
                return Some(Aftermath::Refused("retracted"));
            }
            word if is_denial(word) => return Some(Aftermath::Refused("denied")),
            word if HEDGES.contains(&word) => return Some(Aftermath::Refused("hedged")),
            _ => {}
        }
        at = end;
    }
    own.contains(['或']).then_some(Aftermath::Refused("hedged"))
}

/// The end of the sentence at the beginning of `text`, its mark included.
fn sentence_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    for (at, c) in text.char_indices() {
        let ends = match c {
            '\n' => !text[..at]
                .trim_matches(['$', ']', ')', '*', '\\', '}', ' '])
                .is_empty(),
            '。' | '！' | '？' => true,
            '.' | '!' | '?' => bytes
                .get(at + 1)
                .is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'*' | b'$' | b'\\' | b')')),
            _ => false,
        };
        if ends {
            return at + c.len_utf8();
        }
    }
    text.len()
}

fn sentences_take_back(rest: &str) -> bool {
    let sentences = rest
        .split_inclusive(['.', '!', '?', '\n', '。', '！', '？'])
        .filter(|sentence| sentence.contains(char::is_alphabetic));
    for (number, sentence) in sentences.enumerate() {
        let head: Vec<String> = words(sentence).take(8).collect();
        let Some(first) = head.first().map(String::as_str) else {
            continue;
        };
        let back = |table: &[&str]| {
            table.iter().any(|word| match word.is_ascii() {
                true => first == *word,
                false => first.starts_with(word),
            })
        };
        let about = matches!(
            first,
            "this" | "that" | "it" | "which" | "above" | "my" | "the" | "that's" | "it's"
        ) && head.iter().enumerate().any(|(at, word)| {
            // "The wrong answer is 41" is about another one.
            matches!(
                word.as_str(),
                "wrong" | "incorrect" | "false" | "invalid" | "mistaken"
            ) && head
                .get(at + 1)
                .is_none_or(|next| next != "answer" && next != "answers")
        });
        let denied = matches!(first, "this" | "that" | "it" | "that's" | "it's" | "no")
            && head.iter().take(5).any(|word| is_denial(word))
            && head
                .iter()
                .any(|w| matches!(w.as_str(), "right" | "correct" | "true" | "answer" | "it"));
        let isolated =
            matches!(first, "wrong" | "incorrect" | "false" | "nope" | "not") && head.len() <= 3;
        if back(TAKES_BACK) || about || denied || isolated || (number == 0 && back(TAKES_BACK_NEXT))
        {
            return true;
        }
    }
    false
}
