//! References that declare their precision: `\approx 3.14`, "about 3.14",
//! "3.14 (rounded to two decimal places)", `3.14159\ldots`.
//!
//! Such a reference is a decimal that says of itself that it is no exact value. It
//! accepts what rounds to it at its last digit, or, where it breaks off, what
//! begins with its digits. Behind an exact value, `\frac{\sqrt3}{3} \approx 0.577`, the
//! decimal is one more spelling of the answer and nothing near it. Nothing is guessed: a bare `3.14` declares nothing, and
//! two significant digits declare too little to tell answers apart.

use num_rational::BigRational;

use super::expr::Node;
use super::typed::{Form, READINGS, Reading, Readings, Typed};

/// The rule of a reading that is rounded to its last digit.
pub(super) const ROUNDED: &str = "declared_rounding";

/// The rule of a reading whose digits go on.
pub(super) const CUT: &str = "declared_digits";

/// The rule of a decimal that stands behind the exact value.
pub(super) const DISPLAYED: &str = "displayed_decimal";

/// What stands before a rounded value.
const BEFORE: [&str; 9] = [
    "\\approx",
    "≈",
    "\\simeq",
    "approximately",
    "approx.",
    "about",
    "roughly",
    "around",
    "\\sim",
];

/// What the words behind a rounded value begin with.
const BEHIND: [&str; 8] = [
    "rounded",
    "approximately",
    "approx",
    "to the nearest",
    "correct to",
    "to two decimal",
    "to three decimal",
    "to 2 decimal",
];

/// What stands behind digits that go on.
const ELLIPSES: [&str; 5] = ["...", "…", "\\ldots", "\\dots", "\\cdots"];

/// Reads a reference that has no reading as it stands; `parse` reads its value.
pub(super) fn read(text: &str, parse: &dyn Fn(&str) -> Option<Readings>) -> Option<Readings> {
    let text = text.trim().trim_matches('$').trim();
    if let Some(value) = ELLIPSES.iter().find_map(|dots| text.strip_suffix(dots)) {
        return Some(Readings(vec![declared(parse(value.trim())?, CUT)?]));
    }
    let before = BEFORE.iter().find_map(|sign| text.strip_prefix(sign));
    let value = match before {
        Some(value) => value.to_owned(),
        None => without_remark(text)?,
    };
    let readings = parse(value.trim())?;
    match declared(readings.clone(), ROUNDED) {
        Some(reading) => Some(Readings(vec![reading])),
        // An integer, a formula, few digits: compared exactly.
        None => Some(readings),
    }
}

/// Adds the decimal that a reference with one `\approx` states to its readings:
/// behind a name it is rounded, behind an exact value it is one more spelling.
pub(super) fn add_rounded(
    text: &str,
    readings: &mut Readings,
    parse: &dyn Fn(&str) -> Option<Readings>,
) {
    let Some((_, value)) = ["\\approx", "≈"]
        .iter()
        .find_map(|sign| text.split_once(sign))
    else {
        return;
    };
    if value.contains("\\approx") || value.contains(['≈', '=', ',']) {
        return;
    }
    let value = value.trim().trim_matches('$').trim();
    let Some(Reading {
        value: first, rule, ..
    }) = readings.0.first()
    else {
        return;
    };
    let rule = match rule {
        Some("approximate_name") => ROUNDED,
        Some("exact_side") => DISPLAYED,
        _ => return,
    };
    let Some(mut reading) = parse(value).and_then(|all| declared(all, rule)) else {
        return;
    };
    if let Typed::Named { name, .. } = first {
        reading.value = Typed::Named {
            name: name.clone(),
            value: Box::new(reading.value),
        };
    }
    if readings.0.len() < READINGS {
        readings.0.push(reading);
    }
}

/// The value before a remark on its precision.
fn without_remark(text: &str) -> Option<String> {
    let end = BEHIND.iter().filter_map(|remark| text.find(remark)).min()?;
    let head = text[..end].trim_end_matches([' ', '(', ',', '{', '~', '\\']);
    let head = head.strip_suffix("\\text").unwrap_or(head);
    let head = head.trim_end_matches([' ', '(', ',']);
    // `5 \text{ cm, rounded …}`
    let open = head.matches('{').count() == head.matches('}').count() + 1;
    let closing = if open { "}" } else { "" };
    (!head.is_empty()).then(|| format!("{head}{closing}"))
}

/// The first reading under that rule, where it is a decimal of enough digits.
fn declared(readings: Readings, rule: &'static str) -> Option<Reading> {
    let reading = readings.0.into_iter().next()?;
    digits(&reading.value)?;
    Some(Reading {
        rule: Some(rule),
        ..reading
    })
}

/// The digits behind the point of a decimal, where it has three significant ones.
fn digits(value: &Typed) -> Option<u32> {
    /// Half a unit of the third is at most half a percent.
    const SIGNIFICANT: usize = 3;
    match value {
        Typed::Named { value, .. } => digits(value),
        Typed::Scalar(scalar) => {
            let (Form::Decimal(places @ 1..=40), Node::Number(number)) =
                (scalar.form, scalar.value.arena.node(scalar.value.root))
            else {
                return None;
            };
            let scaled =
                number * BigRational::from_integer(num_bigint::BigInt::from(10).pow(places));
            let written = scaled.numer().magnitude().to_string().len();
            (written >= SIGNIFICANT).then_some(places)
        }
        _ => None,
    }
}
