//! What a text denotes: the readings of the whole, or of the part that the rest
//! only comments on.

use super::comments;
use super::conditions;
use super::gold::{Answer, interpret};
use super::number::Fault;
use super::options::MathOptions;
use super::parse::{ParseFault, ParseLimits, parse};
use super::stated::CONCLUDES;
use super::typed::{Readings, Typed};

/// The readings of a text. Where the whole has none, a part of it that the rest
/// only comments on may have: see [`comments`].
pub(super) fn read(text: &str, options: &MathOptions) -> Result<Readings, ParseFault> {
    let limits = parse_limits(options);
    match parse(text, &limits) {
        Err(fault @ ParseFault::Unparsed { .. }) => {
            comments::read(text, &|part| parse(part, &limits).ok()).ok_or(fault)
        }
        // "5 if n is odd"
        Err(ParseFault::Hedge) if !text.contains(['?', '？']) => {
            conditions::under_if(text, &|part| parse(part, &limits).ok()).ok_or(ParseFault::Hedge)
        }
        other => other,
    }
    .map(|readings| without_lost_commas(text, readings))
}

/// In `1,2/3` the comma separates; as a decimal comma it would vanish in the
/// value of the whole.
fn without_lost_commas(text: &str, mut readings: Readings) -> Readings {
    let computed = text.contains(['/', '+', '*', '^', '÷', '×'])
        || ["frac", "\\times", "\\cdot", "\\sqrt", "\\div"]
            .iter()
            .any(|name| text.contains(name));
    if computed
        && readings
            .0
            .iter()
            .any(|one| one.rule != Some("decimal_comma"))
    {
        readings.0.retain(|one| one.rule != Some("decimal_comma"));
    }
    readings
}

fn parse_limits(options: &MathOptions) -> ParseLimits {
    ParseLimits {
        span_bytes: options.max_answer_bytes,
        nodes: options.max_nodes,
        ..ParseLimits::default()
    }
}

/// Whether a whole text is one expression, not prose.
pub(super) fn is_expression(text: &str, options: &MathOptions) -> bool {
    // "Thus, $AB = 12$" is no list.
    let concludes = |word: &str| CONCLUDES.iter().any(|one| word.eq_ignore_ascii_case(one));
    if presented(text).is_some_and(concludes) {
        return false;
    }
    match interpret(text, options) {
        Ok(Answer::Value(_)) => true,
        Ok(Answer::Opaque(opaque)) => match read(text, options) {
            Ok(readings) => !opaque.is_prose() || !matches!(readings.0[0].value, Typed::Text(_)),
            Err(_) => !opaque.is_prose() && presented(text).is_none(),
        },
        Err(Fault::Undefined) => true,
        Err(_) => false,
    }
}

/// The word that stands before mathematics in delimiters: "So $x = \frac{12}{2} = 6$."
fn presented(text: &str) -> Option<&str> {
    let word = &text[..text.find([' ', ':', ','])?];
    let is_word = word.chars().count() > 1 && word.chars().all(char::is_alphabetic);
    let opens = ["$", "\\(", "\\["]
        .iter()
        .any(|open| text[word.len()..].contains(open));
    (is_word && opens).then_some(word)
}
