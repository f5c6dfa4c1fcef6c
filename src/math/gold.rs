//! The reference, compiled once per row: text in, value or refusal out.

use std::cell::Cell;

use crate::boxed;
use crate::verdict::ReferenceError;

use super::anchors::is_hedge;
use super::between::joined;
use super::boxes::{announces_final, with_name};
use super::control::restored;
use super::declared;
use super::escaped::unescaped;
use super::judge::{compared, several_lines, with_suffix};
use super::neighbours;
use super::number::{Fault, Limits, read_tokens};
use super::opaque::Opaque;
use super::options::MathOptions;
use super::parse::ParseFault;
use super::printed;
use super::prose_reference::{announced_in, is_worded, lettered, plain_text};
use super::reading::read;
use super::scan::{fold, tokens, without_delimiters};
use super::statements::{self, numbered};
use super::structure::Judgement;
use super::typed::{Reading, Readings, Typed};
use super::value::{Quantity, Style, Value};

/// A compiled reference answer.
#[derive(Clone, Debug)]
pub struct Gold {
    pub(super) answer: Answer,
    /// Its readings, none of them undefined; `None` for a number too long to
    /// compute with.
    pub(super) readings: Option<Readings>,
}

impl PartialEq for Gold {
    fn eq(&self, other: &Self) -> bool {
        self.answer == other.answer
    }
}

/// What a text was read as.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// A number, perhaps with a unit.
    Value(Value),
    /// Anything else; equal only to itself.
    Opaque(Opaque),
}

impl Gold {
    /// Compiles a reference answer: plain text, LaTeX with or without
    /// delimiters, or a solution whose last box or `####` line holds the answer.
    ///
    /// A reference in words compiles too; it is then equal to the same words.
    ///
    /// # Errors
    /// [`ReferenceError`] when it is empty, its last box is malformed or empty,
    /// it can't be read as mathematics, it divides by zero, or it exceeds the
    /// limits of `options`.
    ///
    /// ```
    /// use goldstone::math::{Gold, MathOptions};
    ///
    /// let gold = Gold::compile("$\\frac{2}{4}$", &MathOptions::default()).unwrap();
    /// assert_eq!(gold.canonical(), "1/2");
    /// assert!(Gold::compile("\\frac{1}{0}", &MathOptions::default()).is_err());
    /// ```
    pub fn compile(reference: &str, options: &MathOptions) -> Result<Gold, ReferenceError> {
        if let Some(plain) = restored(reference) {
            return Gold::compile(&plain.text, options);
        }
        let unescaped = unescaped(reference).filter(|_| boxed::find_all(reference).is_empty());
        if let Some(plain) = unescaped
            && let Ok(gold) = Gold::compile_text(&plain.text, options)
        {
            return Ok(gold);
        }
        let whole = Gold::compile_text(reference, options);
        if whole.as_ref().is_ok_and(|gold| gold.words().is_none()) {
            return whole;
        }
        // Prose may announce the answer, or be it.
        announced_in(reference)
            .and_then(|answer| Gold::compile_text(answer, options).ok())
            .map_or(whole, Ok)
            .or_else(|error| match is_worded(reference, options) {
                // Equal to the same text and to nothing else.
                true => Ok(Gold {
                    answer: Answer::Opaque(as_text(reference.trim().trim_end_matches('.'))),
                    readings: None,
                }),
                false => Err(error),
            })
    }

    /// Compiles a reference that is no prose round its answer.
    fn compile_text(reference: &str, options: &MathOptions) -> Result<Gold, ReferenceError> {
        let error = |problem: &str| Err(ReferenceError::new(reference, problem));
        let boxes: Vec<_> = boxed::find_all(reference)
            .into_iter()
            .filter(|found| found.level == 0)
            .collect();
        if boxes.len() > BOXES {
            return error("has more boxes than any list of answers; keep the one with the answer");
        }
        let inside = |found: &boxed::Boxed| found.inside().map(|range| reference[range].trim());
        // A box that is a part of an expression is not the reference.
        let mut suffixed = None;
        if let Some(last) = boxes.last()
            && let Some(inside) = inside(last)
        {
            for found in &boxes {
                if neighbours::beside(reference, 0..reference.len(), found.whole.clone())
                    .is_err_and(|reason| reason != "several_answers")
                    && !boxes
                        .windows(2)
                        .any(|pair| pair[1].whole == found.whole || pair[0].whole == found.whole)
                {
                    return error("has a box inside an expression; box the whole answer");
                }
            }
            let beside = neighbours::beside(reference, 0..reference.len(), last.whole.clone());
            suffixed = beside
                .ok()
                .and_then(|beside| beside.suffix)
                .and_then(|suffix| with_suffix(inside, &reference[suffix], options));
        }
        let text = match boxes.split_last() {
            Some((last, earlier)) => match inside(last) {
                Some(text) if earlier.iter().all(|found| inside(found) == Some(text)) => {
                    suffixed.as_deref().unwrap_or(text)
                }
                // The last one, where it is announced as final.
                Some(text)
                    if boxed::find_all(reference)
                        .iter()
                        .all(|found| found.inside().is_some())
                        && announces_final(&reference[..last.whole.start]) =>
                {
                    suffixed.as_deref().unwrap_or(text)
                }
                // Several boxes are a list if they are joined; reading only the
                // last would accept a part of the answer.
                Some(_)
                    if boxes.windows(2).all(|pair| {
                        one_answer(&reference[pair[0].whole.end..pair[1].whole.start])
                    }) =>
                {
                    let all: Vec<_> = boxes
                        .iter()
                        .filter_map(boxed::Boxed::inside)
                        .map(|inside| with_name(reference, inside))
                        .collect();
                    let text = all.join(" , ");
                    return compiled(reference, Answer::Opaque(as_text(&text)), &text, options);
                }
                Some(_) => {
                    return error("has several boxes that differ; keep the one with the answer");
                }
                None => return error("has a box that is not closed"),
            },
            None => reference
                .rsplit_once("####")
                .map_or(reference, |(_, answer)| answer)
                .trim(),
        };
        if text.is_empty() {
            return error("holds no answer");
        }
        if several_lines(text) {
            return error(
                "holds numbers on several lines or apart by several blanks; give one answer",
            );
        }
        if let Some(letter) = lettered(text) {
            return compiled(reference, Answer::Opaque(as_text(text)), letter, options);
        }
        if text.starts_with('~') || text.contains("~~") {
            return error("is approximate or struck out; give the exact answer");
        }
        match interpret(text, options) {
            // `-2,1` is two numbers before it is a decimal comma.
            Ok(Answer::Value(Value::Quantity(Quantity {
                style: Style::DecimalComma,
                ..
            }))) => compiled(reference, Answer::Opaque(as_text(text)), text, options),
            Ok(Answer::Opaque(opaque))
                if !opaque
                    .text()
                    .contains(|c: char| c.is_alphanumeric() || !c.is_ascii()) =>
            {
                error("holds no answer")
            }
            Ok(Answer::Value(value @ Value::Digits(_))) => Ok(Gold {
                answer: Answer::Value(value),
                readings: None,
            }),
            Ok(answer) => compiled(reference, answer, text, options),
            Err(Fault::Undefined) => error("is undefined; it divides by zero"),
            Err(Fault::Limit | Fault::Unsupported) => error(TOO_LARGE),
        }
    }

    /// Whether the reference is a number, with or without a unit.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.answer, Answer::Value(_))
    }

    /// The unit or label of a reference that has one.
    pub(super) fn unit(&self) -> Option<&str> {
        match &self.readings.as_ref()?.0.first()?.value {
            Typed::Labelled { label, .. } => Some(label),
            Typed::Scalar(scalar) => scalar.unit.as_ref().map(|_| ""),
            _ => None,
        }
    }

    /// The text of a reference that was read as nothing but words.
    fn words(&self) -> Option<&str> {
        match self.readings.as_ref()?.0.as_slice() {
            [
                Reading {
                    value: Typed::Text(text),
                    ..
                },
                rest @ ..,
            ] if rest
                .iter()
                .all(|reading| matches!(reading.value, Typed::Text(_))) =>
            {
                Some(text)
            }
            _ => None,
        }
    }

    /// Whether the reference is these words: with any sign that it lacks, `¬` or a
    /// question mark, they are others.
    pub(super) fn is_in_words(&self, words: &str) -> bool {
        let (Some(own), Some(given)) = (self.words(), plain_text(words)) else {
            return false;
        };
        let words = |text: &str| -> Vec<String> {
            // `n` is not `N`.
            let folded = unpunctuated(text)
                .split(' ')
                .map(|word| match word.chars().count() {
                    1 => word.to_owned(),
                    _ => word.to_lowercase(),
                });
            folded.collect()
        };
        words(own) == words(&given)
    }

    /// Whether the reference itself holds a word that doubts or denies.
    pub(super) fn is_doubtful(&self) -> bool {
        let mut words = self.words().unwrap_or_default().split(' ');
        words.any(is_hedge)
    }

    /// The canonical form: `1/2`, `5 cm`, `x=3`; for what is not a number, its
    /// tokens.
    #[must_use]
    pub fn canonical(&self) -> String {
        match &self.answer {
            Answer::Value(value) => value.canonical(),
            Answer::Opaque(opaque) => opaque.text().to_owned(),
        }
    }
}

/// The words without the mark that ends their sentence and the quotation marks round
/// them. Behind a letter, `n!`, an exclamation mark is a factorial.
fn unpunctuated(words: &str) -> &str {
    const QUOTED: [(char, char); 4] = [('"', '"'), ('“', '”'), ('‘', '’'), ('「', '」')];
    let stopped = |text: &str| {
        let bare = text.trim_end_matches(['.', '…', '。', '!', '！']);
        let last = bare.rsplit(' ').next().unwrap_or_default();
        match last.chars().nth(1) {
            Some(_) => bare.len(),
            None => text.strip_suffix('.').unwrap_or(text).len(),
        }
    };
    let words = &words[..stopped(words)];
    let inside = QUOTED
        .iter()
        .find_map(|(open, close)| words.strip_prefix(*open)?.strip_suffix(*close));
    inside.map_or(words, |inside| &inside[..stopped(inside)])
}

/// Boxes of a reference at most: each is looked at beside all others.
const BOXES: usize = 256;

const TOO_LARGE: &str =
    "exceeds `max_answer_bytes`, `max_bits` or `max_nodes`; raise the limit or give a shorter form";

/// Reads the text of the reference and keeps the readings that equal themselves.
fn compiled(
    reference: &str,
    answer: Answer,
    text: &str,
    options: &MathOptions,
) -> Result<Gold, ReferenceError> {
    let error = |problem: &str| Err(ReferenceError::new(reference, problem));
    let repaired = repaired(text);
    let mut readings = match read(text, options).or_else(|fault| {
        let again = repaired.as_deref().map(|text| read(text, options));
        again.and_then(Result::ok).ok_or(fault)
    }) {
        Ok(mut readings) => {
            declared::add_rounded(text, &mut readings, &|part| read(part, options).ok());
            readings
        }
        Err(ParseFault::Unparsed { .. } | ParseFault::Hedge)
            if let Some(readings) = declared::read(text, &|part| read(part, options).ok()) =>
        {
            readings
        }
        Err(ParseFault::Limit) => return error(TOO_LARGE),
        Err(ParseFault::Undefined) => return error("is undefined; it divides by zero"),
        // The two readers differ on few texts; either may serve.
        Err(_) if matches!(answer, Answer::Value(_)) => {
            return Ok(Gold {
                answer,
                readings: None,
            });
        }
        Err(_) if let Some(words) = plain_text(text) => {
            Readings(vec![Reading::new(Typed::Text(words), None)])
        }
        Err(ParseFault::Hedge) => {
            return error("holds a word of doubt or a question mark; state the answer alone");
        }
        Err(ParseFault::Unparsed { at }) => {
            let rest: String = text.get(at..).unwrap_or(text).chars().take(40).collect();
            return error(&format!(
                "can't be read as mathematics at `{rest}`; give the answer alone, words in `\\text{{…}}`"
            ));
        }
    };
    printed::with_constants(&mut readings);
    if statements::is_one(text) {
        for reading in &mut readings.0 {
            reading.rule.get_or_insert(statements::ONE);
        }
    }
    let spent = Cell::new(0);
    let mut kept = Vec::new();
    let mut fault = "can't be compared with itself; give a form whose value is defined";
    for reading in readings.0 {
        let alone = Readings(vec![reading]);
        match compared(&alone, &alone, options, &spent) {
            Judgement::Wrong {
                rule: "undefined", ..
            } => fault = "is undefined; it divides by zero",
            Judgement::Wrong { rule: "hedged", .. } => {
                fault = "is a chain of equal signs with a link that is false; give its value alone";
            }
            Judgement::Wrong { .. } => {}
            Judgement::Correct { .. } | Judgement::Unknown(_) => kept.extend(alone.0),
        }
    }
    without_empty_intervals(&mut kept, options);
    match (kept.is_empty(), &answer) {
        (false, _) => Ok(Gold {
            answer,
            readings: Some(Readings(kept)),
        }),
        (true, Answer::Value(_)) => Ok(Gold {
            answer,
            readings: None,
        }),
        (true, _) => error(fault),
    }
}

/// Drops the reading of the point `(3, 3)` as an interval: it holds no number, and
/// would equal `(1, 1)`.
fn without_empty_intervals(kept: &mut Vec<Reading>, options: &MathOptions) {
    let is_interval = |reading: &Reading| matches!(reading.value, Typed::Intervals(_));
    if kept.iter().all(is_interval) || !kept.iter().any(is_interval) {
        return;
    }
    let Ok(nothing) = read("\\emptyset", options) else {
        return;
    };
    kept.retain(|reading| {
        let alone = Readings(vec![reading.clone()]);
        !is_interval(reading)
            || !matches!(
                compared(&alone, &nothing, options, &Cell::new(0)),
                Judgement::Correct { .. }
            )
    });
}

/// A reference whose backslashes were escaped twice on the way, `\\frac{1}{2}`,
/// or lost the space after them, `\quadx`, or that is plain text with an
/// exponent of several digits, `2^10`; `None` where there is nothing to
/// repair. Never used where the text can be read as it stands.
fn repaired(text: &str) -> Option<String> {
    if !text.contains(['\\', '$', '{', '}']) {
        return with_braced_exponents(text);
    }
    const GLUED: [&str; 2] = ["\\qquad", "\\quad"];
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    let rows = text.contains("\\begin");
    while let Some(c) = rest.chars().next() {
        let twice = !rows
            && rest.starts_with("\\\\")
            && rest[2..]
                .starts_with(|c: char| c.is_ascii_alphabetic() || "(){}[],;!%$".contains(c));
        let glued = GLUED.iter().find(|command| rest.starts_with(**command));
        if twice {
            rest = &rest[1..];
        } else if let Some(command) = glued {
            new.push_str(command);
            new.push(' ');
            rest = &rest[command.len()..];
        } else {
            new.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    (new != text).then_some(new)
}

/// Plain text with its exponents in braces: without a command or a delimiter
/// `2^10` is 1024, where TeX prints 2¹0. Only a reference is plain for certain.
fn with_braced_exponents(text: &str) -> Option<String> {
    let mut parts = text.split('^');
    let mut new = parts.next()?.to_owned();
    for part in parts {
        let sign = usize::from(part.starts_with('-'));
        let digits = part[sign..]
            .find(|c: char| !c.is_ascii_digit())
            .map_or(part.len(), |end| sign + end);
        let (exponent, rest) = part.split_at(digits);
        // `2^1.5` may be a power or the end of a sentence.
        if rest.starts_with('.') || exponent.is_empty() || exponent == "-" {
            new.push('^');
            new.push_str(part);
        } else {
            new.push_str(&format!("^{{{exponent}}}{rest}"));
        }
    }
    (new != text).then_some(new)
}

/// Whether boxes with this between them are parts of one answer.
fn one_answer(between: &str) -> bool {
    joined(between) || between.chars().all(|c| c.is_whitespace() || c == '$')
}

/// A text as what it is when it is no number.
pub(super) fn as_text(text: &str) -> Opaque {
    Opaque::new(&without_delimiters(tokens(&fold(text))))
}

/// Reads a trimmed text; `Unsupported` becomes [`Answer::Opaque`].
pub(super) fn interpret(text: &str, options: &MathOptions) -> Result<Answer, Fault> {
    let limits = Limits {
        answer_bytes: options.max_answer_bytes,
        bits: options.max_bits,
    };
    if text.len() > limits.answer_bytes {
        return super::number::read(text, limits).map(Answer::Value);
    }
    let folded = fold(text);
    let all = without_delimiters(tokens(&folded));
    if numbered(text).is_some() {
        return Ok(Answer::Opaque(Opaque::new(&all)));
    }
    match read_tokens(&all, limits) {
        Ok(value) => Ok(Answer::Value(value)),
        Err(Fault::Unsupported) => match Opaque::new(&all) {
            opaque if opaque.is_undefined() => Err(Fault::Undefined),
            opaque => Ok(Answer::Opaque(opaque)),
        },
        Err(fault) => Err(fault),
    }
}
