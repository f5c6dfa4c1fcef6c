//! The words that commit to an answer, and those that take it back.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// What announces an answer. ASCII letters match in any case.
const PHRASES: &[&str] = &[
    // English
    "answer is",
    "answer:",
    "answer :",
    "answer**:",
    "answer:**",
    "final answer",
    "answer equals",
    "answer =",
    "answer $",
    "answer \\[",
    "answer \\(",
    // Chinese, Japanese, Korean
    "答案是",
    "答案为",
    "答案為",
    "答案：",
    "答案:",
    "最终答案",
    "最終答案",
    "答えは",
    "答え：",
    "答え:",
    "解答：",
    "解答:",
    "정답은",
    "정답:",
    "답은",
    "답:",
    // German, French, Spanish, Italian, Portuguese
    "antwort ist",
    "antwort lautet",
    "antwort:",
    "réponse est",
    "réponse finale est",
    "réponse :",
    "réponse:",
    "respuesta es",
    "respuesta final es",
    "respuesta:",
    "risposta è",
    "risposta:",
    "resposta é",
    "resposta:",
    // Russian, Ukrainian, Polish, Turkish, Vietnamese, Indonesian, Arabic, Hindi
    "ответ:",
    "Ответ:",
    "ОТВЕТ:",
    "ответ —",
    "Ответ —",
    "відповідь:",
    "Відповідь:",
    "odpowiedź:",
    "cevap:",
    "đáp án là",
    "đáp án:",
    "jawaban:",
    "jawabannya adalah",
    "الجواب هو",
    "الإجابة هي",
    "الإجابة:",
    "उत्तर:",
    "उत्तर है",
];

/// A negation just before the phrase: the clause denies its answer.
const NEGATIONS: &[&str] = &["not", "never", "whether", "nicht", "pas", "doubt", "no"];

/// Words that make an answer one of several, or none.
const HEDGES: &[&str] = &[
    "or",
    "not",
    "either",
    "maybe",
    "perhaps",
    "possibly",
    "probably",
    "unless",
    "oder",
    "nicht",
    "ou",
    "isn",
    "if",
    "but",
    "wrong",
    "incorrect",
    "или",
    "не",
];

/// The same, within a run of letters of a script without spaces.
const HEDGES_INSIDE: &[&str] = &[
    "或",
    "不是",
    "也许",
    "可能",
    "または",
    "もしくは",
    "또는",
    "아니",
];

/// Words that open a sentence which takes the last one back.
const RETRACTIONS: &[&str] = &[
    "or",
    "alternatively",
    "maybe",
    "perhaps",
    "but",
    "however",
    "wait",
    "no",
    "actually",
    "hmm",
    "not",
    "或",
    "不",
];

/// What may join boxes that form one answer.
const CONNECTIVES: &[&str] = &[
    "and",
    "or",
    "text",
    "quad",
    "maybe",
    "perhaps",
    "possibly",
    "either",
    "alternatively",
    "und",
    "oder",
    "et",
    "ou",
    "y",
    "o",
    "e",
    "u",
    "и",
    "или",
    "和",
    "或",
    "或者",
    "与",
    "及",
    "と",
    "または",
    "또는",
    "와",
    "과",
];

static MATCHER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .build(PHRASES)
        .expect("the phrases are few and short")
});

/// Where phrases end that announce an answer, with where they begin; in order.
pub(super) fn phrases(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    MATCHER.find_iter(text).map(|m| (m.start(), m.end()))
}

/// Whether one of the words is a hedge.
pub(super) fn is_hedge(word: &str) -> bool {
    match word.is_ascii() {
        true => HEDGES.iter().any(|hedge| word.eq_ignore_ascii_case(hedge)),
        false => {
            HEDGES.contains(&word.to_lowercase().as_str())
                || HEDGES_INSIDE.iter().any(|hedge| word.contains(hedge))
        }
    }
}

/// Whether the end of `clause` denies what follows it.
pub(super) fn denies(clause: &str) -> bool {
    /// "I do not think that the" is long enough.
    const WORDS_BEFORE: usize = 6;
    clause
        .rsplit(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .take(WORDS_BEFORE)
        .any(|word| NEGATIONS.iter().any(|n| word.eq_ignore_ascii_case(n)))
        || clause.trim_end().ends_with(['不', '非', '没'])
        || clause.contains("n't")
        || clause.contains("n’t")
}

/// Whether any word of the prose hedges, denies or asks.
pub(super) fn wavers(prose: &str) -> bool {
    prose.contains(['?', '？'])
        || prose.contains("n't")
        || prose.contains("n’t")
        || prose
            .split(|c: char| !c.is_alphabetic())
            .filter(|word| !word.is_empty())
            .any(|word| is_hedge(word) || NEGATIONS.iter().any(|n| word.eq_ignore_ascii_case(n)))
}

/// Whether `sentence` begins by taking the one before back.
pub(super) fn retracts(sentence: &str) -> bool {
    let trimmed = sentence.trim_start_matches(|c: char| !c.is_alphanumeric());
    let end = trimmed
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(trimmed.len());
    let word = &trimmed[..end];
    RETRACTIONS.iter().any(|r| match r.is_ascii() {
        true => word.eq_ignore_ascii_case(r),
        false => word.starts_with(r),
    })
}

/// Whether the text right before a box denies it: "it is not \\boxed{42}".
pub(super) fn denies_next(before: &str) -> bool {
    let before = before.trim_end_matches(|c: char| c.is_whitespace() || "$\\([{*:".contains(c));
    let word = before
        .rsplit(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '’')))
        .next()
        .unwrap_or_default();
    ["not", "never", "isn't", "isn’t", "nicht"]
        .iter()
        .any(|n| word.eq_ignore_ascii_case(n))
        || word.ends_with("不是")
}

/// What follows a box right away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sequel {
    /// Nothing that touches the answer.
    Nothing,
    /// "is wrong", "is not …".
    TakenBack,
    /// "or", "maybe": an alternative begins at this offset.
    Alternative(usize),
}

/// Reads what follows a box right away.
pub(super) fn sequel(after: &str) -> Sequel {
    const TAKEN_BACK: [&str; 7] = [
        "is wrong",
        "is not",
        "isn't",
        "isn’t",
        "is incorrect",
        "is false",
        "was wrong",
    ];
    const ALTERNATIVES: [&str; 9] = [
        "or",
        "alternatively",
        "maybe",
        "perhaps",
        "possibly",
        "oder",
        "ou",
        "或者",
        "或",
    ];
    let punctuation = |c: char| c.is_whitespace() || "$\\)]*.,;:".contains(c);
    let starts = |text: &str, word: &str| {
        text.get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word))
            && (!word.is_ascii() || !text[word.len()..].starts_with(char::is_alphabetic))
    };
    let mut rest = after.trim_start_matches(punctuation);
    if TAKEN_BACK.iter().any(|words| starts(rest, words)) {
        return Sequel::TakenBack;
    }
    let mut alternative = false;
    while let Some(word) = ALTERNATIVES.iter().find(|word| starts(rest, word)) {
        alternative = true;
        rest = rest[word.len()..]
            .trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ':'));
    }
    match alternative && !rest.is_empty() {
        true => Sequel::Alternative(after.len() - rest.len()),
        false => Sequel::Nothing,
    }
}

/// Whether the text between two boxes makes one answer of them: a comma or a
/// connective, and no other word or digit.
pub(super) fn joins(between: &str) -> bool {
    /// "\text{ or alternatively }" is the longest that is meant.
    const LONGEST: usize = 64;
    if between.len() > LONGEST || between.contains(|c: char| c.is_numeric()) {
        return false;
    }
    let mut joined = between.contains([',', ';', '、', '，', '/', '；']);
    for word in between
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
    {
        if !CONNECTIVES.iter().any(|c| word.eq_ignore_ascii_case(c)) {
            return false;
        }
        joined |= !matches!(word, "text" | "quad");
    }
    joined
}
