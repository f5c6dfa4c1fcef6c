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
    "correct option is",
    "correct choice is",
    // Chinese, Japanese, Korean
    "答案是",
    "答案为",
    "答案為",
    "答案：",
    "答案:",
    "故选：",
    "故选:",
    "故选",
    "故选择",
    "因此选",
    "因此选择",
    "所以选",
    "所以选择",
    "正确选项是",
    "正确选项为",
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
    // Dutch, Swedish, Danish and Norwegian, Finnish, Czech
    "antwoord is",
    "antwoord:",
    "svaret är",
    "svaret er",
    "svar:",
    "vastaus on",
    "vastaus:",
    "odpověď je",
    "odpověď:",
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
    "Đáp án là",
    "Đáp án:",
    "คำตอบคือ",
    "jawaban:",
    "jawabannya adalah",
    "الجواب هو",
    "الإجابة هي",
    "الإجابة:",
    "उत्तर:",
    "उत्तर है",
];

/// A negation: the clause denies its answer.
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

/// Ends a statement in Japanese and Korean, behind its value.
const COPULAS_BEHIND: &[&str] = &[
    "です",
    "となります",
    "になります",
    "である",
    "입니다",
    "이다",
    "이에요",
    "예요",
];

/// The clause without the copula at its end. What is left must be a value, so
/// that a denial, "12ではないです", stays one.
pub(super) fn without_copula(clause: &str) -> &str {
    let copula = COPULAS_BEHIND
        .iter()
        .find_map(|copula| clause.strip_suffix(copula));
    copula.unwrap_or(clause).trim_end()
}

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

/// Whether the text between two boxes makes one answer of them: a comma or a
/// connective, and no other word or digit.
pub(super) fn joins(between: &str) -> bool {
    /// "\text{ or alternatively }" is the longest that is meant.
    const LONGEST: usize = 64;
    if between.len() > LONGEST
        || between.contains(|c: char| c.is_numeric() || "+-^<>±−×÷√|!%~_".contains(c))
    {
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

/// Words between two boxes that set the second apart: it follows from the first,
/// or comes after it.
pub(super) const FOLLOWS: &[&str] = &[
    "then",
    "so",
    "thus",
    "hence",
    "therefore",
    "finally",
    "next",
    "now",
    "gives",
    "get",
    "gets",
    "becomes",
    "equals",
    "is",
    "are",
    "was",
    "were",
    "answer",
    "wait",
    "actually",
    "correction",
    "instead",
];

/// Whether the text between two boxes joins them as parts of one answer, each
/// with its label: "\boxed{1} papers and \boxed{2} bins". The last word is "and";
/// what reports one box after the other ("and then") does not join.
pub(super) fn joins_labelled(between: &str) -> bool {
    /// "\text{ for part (a) and }" and longer ones.
    const LONGEST: usize = 64;
    const WORDS: usize = 4;
    /// Words that say something of the box before them, beside [`FOLLOWS`].
    const SAYS: &[&str] = &[
        "be", "wrong", "rather", "than", "also", "another", "guess", "try", "tries", "again",
        "step", "first",
    ];
    if between.len() > LONGEST
        || wavers(between)
        || between.contains(|c: char| c.is_numeric() || "+-^<>=±−×÷√|!~_.;:/?\n".contains(c))
    {
        return false;
    }
    let words: Vec<String> = between
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty() && *word != "text")
        .map(str::to_lowercase)
        .collect();
    words.last().is_some_and(|last| last == "and")
        && words.len() <= WORDS + 1
        && !words
            .iter()
            .any(|word| SAYS.contains(&word.as_str()) || FOLLOWS.contains(&word.as_str()))
}
