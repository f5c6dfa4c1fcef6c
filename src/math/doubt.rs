//! Words that withhold an answer: the text before it in, the reason not to pay
//! out.
//!
//! Only the sentence that announces it is read (and the line above, where that
//! one leads over: "It is not:"). Linear; tables only.

/// Makes an answer one of several.
pub(super) const HEDGES: &[&str] = &[
    "perhaps",
    "maybe",
    "possibly",
    "probably",
    "either",
    "neither",
    "nor",
    "guess",
    "vielleicht",
    "peut-être",
    "quizás",
    "или",
    "возможно",
];

/// Denies what it governs.
const DENIALS: &[&str] = &[
    "not",
    "never",
    "cannot",
    "false",
    "wrong",
    "incorrect",
    "untrue",
    "deny",
    "doubt",
    "disagree",
    "disagrees",
    "dispute",
    "whether",
    "unlikely",
    "impossible",
    "invalid",
    "mistaken",
    "except",
    "nicht",
    "kein",
    "falsch",
    "pas",
    "faux",
    "не",
    "неверно",
    "nunca",
    "lie",
    "falso",
    "unwahr",
    "niet",
    "inte",
    "ikke",
    "неправда",
];

/// The same, in two words, and in scripts without spaces.
const DENIAL_PHRASES: &[&str] = &[
    "anything but",
    "rather than",
    "instead of",
    "other than",
    "far from",
    "没有",
    "不是",
    "不等于",
    "并非",
    "不会",
    "不可能",
    "错误",
    "ではない",
];

/// Denies what follows: "不能说答案是". Behind an answer it may deny anything.
const DENIES_AHEAD: &[&str] = &[
    "不能",
    "不应",
    "不该",
    "不认为",
    "不觉得",
    "不相信",
    "难说",
    "难以",
    "未必",
    "无法",
    "否认",
    "怀疑",
    "no es cierto",
    "no es verdad",
    "não é verdade",
    "non è vero",
];

/// Makes the statement depend on something.
const CONDITIONS: &[&str] = &[
    "if",
    "suppose",
    "supposing",
    "assume",
    "assuming",
    "unless",
    "provided",
    "wenn",
    "falls",
    "если",
    "imagine",
    "pretend",
];

/// Another speaker asserts what follows.
const SPEAKERS: &[&str] = &[
    "says",
    "said",
    "claims",
    "claimed",
    "thinks",
    "thought",
    "believes",
    "guesses",
    "allegedly",
    "supposedly",
];

/// Opens a new main clause; what stands before it governs nothing after it.
const CONCLUSIONS: &[&str] = &[
    "so",
    "therefore",
    "thus",
    "hence",
    "consequently",
    "but",
    "then",
    "also",
    "donc",
    "luego",
    "поэтому",
];

/// Says, before "answer", whose or which answer it is; never the answer.
const OTHERS: &[&str] = &[
    "their",
    "his",
    "her",
    "wrong",
    "incorrect",
    "false",
    "possible",
    "potential",
    "candidate",
    "first",
    "initial",
    "student",
    "naive",
    "tempting",
    "previous",
    "old",
    "earlier",
    "another",
    "other",
    "alternative",
    "non",
    "bad",
    "common",
    "no",
    "any",
    "trap",
    "invalid",
    "plausible",
];

/// The words of a text, lower case, with inner apostrophes.
pub(super) fn words(text: &str) -> impl DoubleEndedIterator<Item = String> + '_ {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’' | '\\')))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('’', "'"))
}

pub(super) fn is_denial(word: &str) -> bool {
    DENIALS.contains(&word) || word.ends_with("n't")
}

pub(super) fn denies(text: &str) -> bool {
    holds(text, DENIAL_PHRASES)
}

fn holds(text: &str, phrases: &[&str]) -> bool {
    let lower = text.to_lowercase();
    phrases.iter().any(|phrase| lower.contains(phrase))
}

/// Where the sentence that ends at the end of `text` begins.
pub(super) fn sentence_start(text: &str) -> usize {
    let mut following = None;
    for (at, c) in text.char_indices().rev() {
        let ends = match c {
            '\n' | '。' | '！' | '？' => true,
            '.' | '!' | '?' => following.is_some_and(char::is_whitespace),
            _ => false,
        };
        if ends {
            return at + c.len_utf8();
        }
        following = Some(c);
    }
    0
}

/// The sentence before an answer, with the line above where that leads over.
fn governing(before: &str) -> &str {
    /// Sentences are shorter; a longer one is not read to its beginning.
    const WINDOW: usize = 600;
    let mut from = before.len().saturating_sub(WINDOW);
    while !before.is_char_boundary(from) {
        from += 1;
    }
    let window = &before[from..];
    let start = sentence_start(window);
    let own = &window[start..];
    if own.chars().any(char::is_alphabetic) && words(own).any(|word| !word.contains('\\')) {
        return own;
    }
    // `\[`, `**`, … stand alone on the line; the one above introduces it.
    let above = window[..start].trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, '$' | '*' | '\\' | '[' | '(' | '#')
    });
    match above.ends_with(['.', '!', '。', '！']) {
        true => own,
        false => &window[sentence_start(above.trim_end_matches(['?', '？']))..],
    }
}

/// Whether a comma before `clause` only opens what the words before it say:
/// "Es stimmt nicht, dass …".
fn goes_on(clause: &str) -> bool {
    const OPENS: [&str; 6] = ["dass", "daß", "что", "що", "že", "hogy"];
    let clause = clause.trim_start();
    let end = clause.find(' ').unwrap_or(clause.len());
    OPENS.contains(&&clause[..end])
}

/// Why the words before an answer don't assert it.
pub(super) fn before(before: &str) -> Option<&'static str> {
    let sentence = governing(before);
    if sentence.trim_end().ends_with(['不', '非']) {
        return Some("denied");
    }
    // The last main clause, backwards until a conclusion or a comma.
    let clause_from = sentence
        .char_indices()
        .rev()
        .filter(|(at, c)| !goes_on(&sentence[at + c.len_utf8()..]))
        .find(|(_, c)| matches!(c, ',' | ';' | '，' | '；'))
        .map_or(0, |(at, c)| at + c.len_utf8());
    let clause = &sentence[clause_from..];
    if holds(clause, DENIAL_PHRASES) || holds(clause, DENIES_AHEAD) {
        return Some("denied");
    }
    let opened = clause
        .match_indices(',')
        .any(|(at, _)| goes_on(&clause[at + 1..]) && words(&clause[..at]).any(|w| is_denial(&w)));
    if opened {
        return Some("denied");
    }
    let clause: Vec<String> = words(clause).collect();
    let main = clause
        .iter()
        .rposition(|word| CONCLUSIONS.contains(&word.as_str()))
        .map_or(0, |at| at + 1);
    let mut governed = &clause[main..];
    // "Since 43 is not prime the answer is 42": the reason is denied, not the
    // answer.
    if let Some(reason) = governed
        .iter()
        .position(|w| matches!(w.as_str(), "since" | "because"))
    {
        let denial = governed[reason..].iter().rposition(|w| is_denial(w));
        if let Some(denial) = denial {
            let between = &governed[reason + denial + 1..];
            let says = |w: &String| {
                [
                    "that", "true", "case", "say", "said", "correct", "right", "think", "believe",
                ]
                .contains(&w.as_str())
            };
            let plain = between
                .iter()
                .filter(|w| !["the", "an", "a", "is"].contains(&w.as_str()));
            if !between.iter().any(says) && plain.count() > 0 {
                governed = between;
            }
        }
    }
    if governed
        .iter()
        .any(|word| is_denial(word) || SPEAKERS.contains(&word.as_str()))
    {
        return Some("denied");
    }
    if governed
        .iter()
        .any(|word| HEDGES.contains(&word.as_str()) || word == "or")
    {
        return Some("hedged");
    }
    if words(sentence).any(|word| matches!(word.as_str(), "either" | "neither")) {
        return Some("hedged");
    }
    // A condition governs the whole sentence unless a conclusion follows it.
    let all: Vec<String> = words(sentence).collect();
    let condition = all
        .iter()
        .rposition(|word| CONDITIONS.contains(&word.as_str()));
    condition
        .filter(|at| {
            !all[*at..].iter().any(|word| {
                matches!(
                    word.as_str(),
                    "so" | "therefore" | "thus" | "hence" | "consequently"
                )
            })
        })
        .map(|_| "conditional")
}

/// Whether the word before "answer" makes it someone else's or a wrong one.
pub(super) fn is_attributed(before: &str) -> bool {
    let tail = before.trim_end();
    if before.ends_with(|c: char| c.is_alphanumeric() || c == '-') {
        return true;
    }
    words(tail).next_back().is_some_and(|word| {
        OTHERS.contains(&word.as_str()) || (word.ends_with("'s") && word != "let's")
    })
}

/// Whether the words before "answer" make another value of it: "twice the", "the
/// square of the". "The value of the answer" is the answer.
pub(super) fn is_part(before: &str) -> bool {
    const RESIZE: [&str; 5] = ["twice", "half", "double", "triple", "thrice"];
    const SAME: [&str; 3] = ["value", "part", "form"];
    let mut last = words(before).rev();
    let determined = last
        .next()
        .is_some_and(|word| matches!(word.as_str(), "the" | "our" | "my" | "this"));
    determined
        && match last.next() {
            Some(of) if of == "of" => last
                .next()
                .is_some_and(|word| !SAME.contains(&word.as_str())),
            Some(word) => RESIZE.contains(&word.as_str()),
            None => false,
        }
}
