//! Answers with a comment that mathematics can't read: the value in it.
//!
//! `\lim_{x \to 0} \frac{\sin x}{x} = 1` says 1, `\frac{\sqrt3}{3} \approx 0.577`
//! says the left side, `(D) Alina` says D, `185\ ` and `185}` say 185. Only where the
//! whole text has no reading, and never where the comment could be an equation
//! to solve.

use std::borrow::Cow;

use super::conditions;
use super::expr::Node;
use super::typed::{Reading, Readings, Typed};

/// Reads the part of `whole` that is a value; `parse` reads a part.
pub(super) fn read(whole: &str, parse: &dyn Fn(&str) -> Option<Readings>) -> Option<Readings> {
    let spaced = match whole.contains('\\') {
        true => ["\\;", "\\,", "\\:", "\\!", "\\ "]
            .iter()
            .fold(Cow::Borrowed(whole), |text, space| {
                Cow::Owned(text.replace(space, " "))
            }),
        false => Cow::Borrowed(whole),
    };
    let text = spaced.trim().trim_matches('$').trim();
    labelled_choice(text)
        .or_else(|| parse(text.strip_suffix('\\')?))
        .or_else(|| exact_side(text, parse))
        .or_else(|| approximate_name(text, parse))
        .or_else(|| named_value(text, parse))
        .or_else(|| conditions::read(text, parse))
        .or_else(|| parse(without_surplus_brace(whole)?))
}

/// The text without the one brace at its end that closes nothing; `None` where
/// anything else is unbalanced.
fn without_surplus_brace(text: &str) -> Option<&str> {
    let rest = text.trim_matches([' ', '$']).strip_suffix('}')?;
    let mut depth = 0_usize;
    let mut escaped = false;
    for byte in rest.bytes() {
        match byte {
            b'\\' => {
                escaped = !escaped;
                continue;
            }
            b'{' if !escaped => depth += 1,
            b'}' if !escaped => depth = depth.checked_sub(1)?,
            _ => {}
        }
        escaped = false;
    }
    let delimiters = rest.matches('$').count();
    (depth == 0 && !escaped && delimiters == 0).then_some(rest)
}

/// `(D) Alina`, `D. 42`: the letter of a multiple choice with its text.
fn labelled_choice(text: &str) -> Option<Readings> {
    let rest = text.strip_prefix('(').unwrap_or(text);
    let letter = rest.chars().next().filter(|c| ('A'..='J').contains(c))?;
    let rest = &rest[1..];
    let label = match text.starts_with('(') {
        true => rest.strip_prefix(')')?,
        false => rest.strip_prefix([')', '.', ':'])?,
    };
    let words = label.trim();
    let is_label = label.starts_with(' ')
        && !words.is_empty()
        && words
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '-' | '\''))
        && !words.split(' ').any(super::anchors::is_hedge)
        && !names_another(words, letter);
    is_label.then(|| {
        Readings(vec![Reading::new(
            Typed::Choice(letter),
            Some("choice_label"),
        )])
    })
}

/// Whether the label speaks of another letter: "It is A", "B is valid". An "A"
/// that begins a name is the article.
fn names_another(label: &str, letter: char) -> bool {
    const VERBS: [&str; 12] = [
        "is", "isn't", "are", "was", "can", "could", "would", "seems", "looks", "and", "because",
        "too",
    ];
    let words: Vec<&str> = label
        .split([' ', '.', ','])
        .filter(|word| !word.is_empty())
        .collect();
    words
        .iter()
        .enumerate()
        .any(|(at, word)| match word.as_bytes() {
            [one @ b'B'..=b'H' | one @ b'J'] => char::from(*one) != letter,
            b"A" => letter != 'A' && words.get(at + 1).is_none_or(|next| VERBS.contains(next)),
            _ => false,
        })
}

/// What stands before a single `\approx`.
fn exact_side(text: &str, parse: &dyn Fn(&str) -> Option<Readings>) -> Option<Readings> {
    let (exact, rounded) = text
        .split_once("\\approx")
        .or_else(|| text.split_once('≈'))?;
    if rounded.contains("\\approx") || rounded.contains(['≈', '=', ',']) {
        return None;
    }
    if is_far(exact, rounded) {
        return None;
    }
    let mut readings = parse(exact.trim())?;
    parse(rounded.trim())?;
    // `x \approx 11` has no exact side.
    let is_value = match &readings.0.first()?.value {
        Typed::Scalar(scalar) => super::decide::is_constant(&scalar.value),
        Typed::Named { .. } | Typed::Equation { .. } => true,
        _ => false,
    };
    tag(&mut readings, "exact_side");
    is_value.then_some(readings)
}

/// Whether two plain decimals are further apart than the second rounds: `7 \approx 8`.
fn is_far(exact: &str, rounded: &str) -> bool {
    let plain = |text: &str| text.trim_matches(['$', ' ']).parse::<f64>().ok();
    let (Some(one), Some(other)) = (plain(exact), plain(rounded)) else {
        return false;
    };
    let digits = rounded.trim_matches(['$', ' ']);
    let unit = match digits.split_once('.') {
        Some((_, fraction)) => 0.1_f64.powi(i32::try_from(fraction.len()).unwrap_or(i32::MAX)),
        None => 10_f64.powi(
            i32::try_from(digits.len() - digits.trim_end_matches('0').len()).unwrap_or(i32::MAX),
        ),
    };
    (one - other).abs() > unit * 0.501
}

/// `x \approx 11`, `\Delta p \approx -\hbar\omega/c`: a value for a name, which is
/// compared exactly.
fn approximate_name(text: &str, parse: &dyn Fn(&str) -> Option<Readings>) -> Option<Readings> {
    let (name, value) = ["\\approx", "≈", "\\simeq", "≃"]
        .iter()
        .find_map(|sign| text.split_once(sign))?;
    let several = ["\\approx", "≈", "\\simeq", "≃", "=", "<", ">", ","];
    if several
        .iter()
        .any(|sign| name.contains(sign) || value.contains(sign))
    {
        return None;
    }
    let mut readings = parse(&format!("{name} = {value}"))?;
    let is_value = |reading: &Reading| match &reading.value {
        Typed::Named { value, .. } => matches!(**value, Typed::Scalar(_)),
        _ => false,
    };
    readings.0.iter().all(is_value).then_some(())?;
    tag(&mut readings, "approximate_name");
    Some(readings)
}

/// `name = value`, where the name is no expression that could be solved for:
/// no sum, no other relation, no comma.
fn named_value(text: &str, parse: &dyn Fn(&str) -> Option<Readings>) -> Option<Readings> {
    /// A longer left side is prose.
    const NAME: usize = 64;
    let at = text.rfind('=')?;
    let (left, right) = (text[..at].trim(), text[at + 1..].trim());
    // `\text{Area}`
    let left = left
        .strip_prefix("\\text{")
        .and_then(|word| word.strip_suffix('}'))
        .filter(|word| word.chars().all(char::is_alphabetic) && !super::anchors::is_hedge(word))
        .unwrap_or(left);
    let is_name = !left.is_empty()
        && left.len() <= NAME
        && left.contains(char::is_alphabetic)
        && !left.ends_with(['<', '>', '!', '\\'])
        && !outside_groups(left).contains(['+', '-', '=', '<', '>', ',', ';', '^', '≤', '≥', '≠'])
        && ![
            "\\ne", "\\le", "\\ge", "\\lt", "\\gt", "\\not", "\\text", "\\or", "\\lor", "\\pm",
            "\\cdot", "\\times", "\\approx", "\\equiv", "\\boxed",
        ]
        .iter()
        .any(|command| left.contains(command))
        && !is_sentence(left);
    // `\frac12 := \frac13` names nothing.
    let states_value = || {
        parse(left.trim_end_matches([':', ' '])).is_some_and(|all| all.0.iter().any(is_constant))
    };
    if !is_name || states_value() {
        return None;
    }
    let mut readings = parse(right)?;
    let name: String = left.chars().filter(|c| !c.is_whitespace()).collect();
    for reading in &mut readings.0 {
        let value = std::mem::replace(&mut reading.value, Typed::Text(String::new()));
        reading.value = match value {
            Typed::Named { .. } | Typed::Equation { .. } | Typed::Inequality(_) => return None,
            value => Typed::Named {
                name: name.clone(),
                value: Box::new(value),
            },
        };
    }
    tag(&mut readings, "named_value");
    Some(readings)
}

/// Whether the reading is an expression without variables.
fn is_constant(reading: &Reading) -> bool {
    let Typed::Scalar(scalar) = &reading.value else {
        return false;
    };
    let mut nodes = scalar.value.arena.iter().map(|(_, node)| node);
    !nodes.any(|node| matches!(node, Node::Symbol(_) | Node::Call(..)))
}

/// Whether the left side of a name is a sentence about it: "πr² where r", "Suppose
/// x". `Area`, `BC` and `\angle ABC` are names.
fn is_sentence(left: &str) -> bool {
    let words: Vec<&str> = left
        .split_whitespace()
        .map(|word| word.trim_end_matches([':', '.', '!']))
        .collect();
    let is_word = |word: &&str| word.chars().count() > 1 && word.chars().all(char::is_alphabetic);
    let small = |word: &&str| is_word(word) && !word.contains(char::is_uppercase);
    // "Suppose $x$"
    let opens = left.replace("\\$", "").contains('$');
    let named = |word: &&str| is_word(word) || word.ends_with("angle");
    opens
        || words.iter().any(small)
        || words.iter().any(is_word) && words.len() > 1 && !words.iter().all(named)
        || words.iter().filter(|word| is_word(word)).count() > 1
}

fn tag(readings: &mut Readings, rule: &'static str) {
    for reading in &mut readings.0 {
        reading.rule.get_or_insert(rule);
    }
}

/// The text without what stands in braces and brackets.
fn outside_groups(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| match c {
            '{' | '(' | '[' => {
                depth += 1;
                false
            }
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect()
}
