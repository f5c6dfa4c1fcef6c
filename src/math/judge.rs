//! One announced answer against the reference: plain numbers at once, the rest
//! by parser, comparer and decider.

use std::cell::Cell;
use std::ops::Range;
use std::sync::LazyLock;

use crate::verdict::{Outcome, Verdict};

use super::boxes::with_name;
use super::compare;
use super::decide::{self, Secrets};
use super::extract::{Found, Source};
use super::gold::{Answer, Gold, as_text, interpret};
use super::number::{Fault, Limits};
use super::opaque;
use super::options::{MathOptions, MinProof, Units};
use super::parse::ParseFault;
use super::reading::read;
use super::scan::{fold, tokens, without_delimiters};
use super::structure::{self, Context, Judgement, Proof};
use super::typed::{Reading, Readings, Typed};
use super::value::{Style, Value};

/// The secret points and primes of this process; verdicts do not depend on
/// them but with a probability below 2^-80.
static SECRETS: LazyLock<Option<Secrets>> = LazyLock::new(|| Secrets::draw().ok());

/// Compares two readings under the options; `spent` counts the work of the whole
/// verification.
pub(super) fn compared(
    gold: &Readings,
    answer: &Readings,
    options: &MathOptions,
    spent: &Cell<u64>,
) -> Judgement {
    match &*SECRETS {
        Some(secrets) => {
            let limits = decide_limits(options);
            structure::compare(
                gold,
                answer,
                &Context::new(options, secrets, &limits, spent),
            )
        }
        // Without randomness a polynomial identity could be forged.
        None => Judgement::Unknown("no_randomness"),
    }
}

fn decide_limits(options: &MathOptions) -> decide::Limits {
    decide::Limits {
        fuel: options.fuel,
        bits: options.max_bits,
        ..decide::Limits::default()
    }
}

/// Judges the answer that was found in `text`.
pub(super) fn judge(gold: &Gold, text: &str, found: &Found, options: &MathOptions) -> Verdict {
    let verdict = judge_span(gold, text, found, options);
    let Some(less) = text[found.span.clone()]
        .strip_suffix('!')
        .filter(|_| found.source == Source::Phrase)
    else {
        return verdict;
    };
    // "The answer is 18!" may exclaim; `$18$!` does.
    let exclaims = ["$", "\\)", "\\]"].iter().any(|end| less.ends_with(end));
    let plain = Found {
        span: found.span.start..found.span.start + less.len(),
        ..found.clone()
    };
    let plain = judge_span(gold, text, &plain, options);
    match (verdict.outcome, plain.outcome) {
        (_, Outcome::Correct) if exclaims => plain,
        (Outcome::Correct, _) if exclaims => Verdict::unknown("exclamation"),
        (Outcome::Wrong, Outcome::Correct) => Verdict::unknown("exclamation"),
        _ => verdict,
    }
}

fn judge_span(gold: &Gold, text: &str, found: &Found, options: &MathOptions) -> Verdict {
    let bare = &text[found.span.clone()];
    let whole = found
        .suffix
        .clone()
        .and_then(|suffix| with_suffix(bare, &text[suffix], options));
    let span = whole.as_deref().unwrap_or(bare);
    if let Some(reason) = form(gold, span) {
        return Verdict::wrong(reason);
    }
    let spent = Cell::new(0);
    let mut own = Prepared::new(span, options, &spent);
    // Rivals are compared one by one and the first that differs decides.
    let others = |own: &mut Prepared<'_>, ranges: &[Range<usize>]| -> Agreement {
        let mut all = Agreement::Same;
        for other in ranges {
            match agreement(own, text[other.clone()].trim(), options) {
                Agreement::Same => {}
                Agreement::Undecided => all = Agreement::Undecided,
                Agreement::Differs => return Agreement::Differs,
            }
        }
        all
    };
    let verdict = match others(&mut own, &found.joined) {
        Agreement::Same => single(gold, span, &own, options),
        // Boxes joined by commas and connectives are one answer, a list.
        Agreement::Undecided | Agreement::Differs => {
            let mut parts: Vec<String> = found
                .joined
                .iter()
                .rev()
                .map(|inside| with_name(text, inside.clone()))
                .collect();
            parts.push(match whole.is_none() {
                true => with_name(text, found.span.clone()),
                false => span.to_owned(),
            });
            let named = parts.iter().filter(|part| part.contains('=')).count();
            match &gold.answer {
                // A bare value beside a named one could be either's.
                Answer::Opaque(_) if named != 0 && named != parts.len() => {
                    Verdict::unknown("conflict")
                }
                Answer::Value(_) => Verdict::wrong("several_answers"),
                Answer::Opaque(_) => several(gold, &parts, options, &spent),
            }
        }
    };
    let verdict = match (found.open, verdict.outcome) {
        (Some(reason), Outcome::Correct) => Verdict::unknown(reason),
        _ => verdict,
    };
    match others(&mut own, &found.rivals) {
        Agreement::Same => verdict,
        Agreement::Differs => Verdict::wrong("conflict"),
        Agreement::Undecided if verdict.outcome == Outcome::Correct => Verdict::unknown("conflict"),
        Agreement::Undecided => verdict,
    }
}

/// The content of a box with what stands behind it, where the two are one
/// quantity: `42` and `\%`.
pub(super) fn with_suffix(inside: &str, suffix: &str, options: &MathOptions) -> Option<String> {
    let joined = format!("{inside} {suffix}");
    let mark = suffix.starts_with(['%', '\\', '^', '_', '°'])
        && !suffix.starts_with("\\t")
        && !suffix.starts_with("\\m");
    let quantity = matches!(interpret(&joined, options), Ok(Answer::Value(_)));
    if mark && !quantity {
        return Some(format!("{inside}{suffix}"));
    }
    quantity.then_some(joined)
}

/// Why the form of an answer alone is refused.
fn form(gold: &Gold, span: &str) -> Option<&'static str> {
    if span.trim_start_matches(['$', ' ']).starts_with('~') || span.contains("~~") {
        return Some("hedged");
    }
    let numeric = matches!(gold.answer, Answer::Value(_));
    (numeric && several_lines(span)).then_some("several_answers")
}

/// Whether two numbers are apart by a line break, a tab or several blanks.
pub(super) fn several_lines(span: &str) -> bool {
    let mut digit = false;
    let mut blank = (0_usize, false);
    for c in span.chars() {
        if c.is_whitespace() {
            blank = (
                blank.0 + 1,
                blank.1
                    || c == '\t'
                    || matches!(
                        c,
                        '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' | '\u{c}'
                    ),
            );
            continue;
        }
        if digit && c.is_ascii_digit() && (blank.0 > 1 || blank.1) {
            return true;
        }
        digit = c.is_ascii_digit();
        blank = (0, false);
    }
    false
}

/// A commitment, read once.
struct Prepared<'t> {
    text: &'t str,
    answer: Result<Answer, Fault>,
    readings: Option<Result<Readings, ParseFault>>,
    /// Work units of the verification so far.
    spent: &'t Cell<u64>,
}

impl<'t> Prepared<'t> {
    fn new(text: &'t str, options: &MathOptions, spent: &'t Cell<u64>) -> Self {
        Self {
            text,
            answer: interpret(text, options),
            readings: None,
            spent,
        }
    }
}

fn several(gold: &Gold, parts: &[String], options: &MathOptions, spent: &Cell<u64>) -> Verdict {
    let text = parts.join(" , ");
    if let Answer::Opaque(opaque) = &gold.answer
        && opaque.text() == as_text(&text).text()
    {
        return Verdict::correct("identical").with("answer", text);
    }
    symbolic(gold, &text, options, spent)
}

fn single(gold: &Gold, span: &str, own: &Prepared<'_>, options: &MathOptions) -> Verdict {
    let spent = own.spent;
    let answer = match &own.answer {
        Ok(answer) => answer,
        Err(Fault::Undefined) => return Verdict::wrong("undefined"),
        Err(Fault::Limit | Fault::Unsupported) => return large(gold, span, options, spent),
    };
    match (&gold.answer, answer) {
        (Answer::Value(gold_value), Answer::Value(value)) => {
            let verdict = compare::compare(gold_value, value, options);
            let rounded = verdict.outcome == Outcome::Wrong
                && structure::may_be_rounded(gold.readings.as_ref(), options);
            match rounded {
                true => symbolic(gold, span, options, spent),
                false => verdict.with("answer", value.canonical()),
            }
        }
        (Answer::Opaque(gold_text), Answer::Opaque(text))
            if gold_text.text() == text.text() && !text.is_hedged() =>
        {
            Verdict::correct("identical")
                .with("answer", text.text())
                .with("proof", "exact")
        }
        (Answer::Opaque(gold_text), Answer::Value(Value::Quantity(value)))
            if value.style == Style::DecimalComma && gold_text.text() == as_text(span).text() =>
        {
            Verdict::correct("identical")
                .with("answer", gold_text.text())
                .with("proof", "exact")
        }
        (Answer::Value(_), Answer::Opaque(text)) if text.is_hedged() || text.is_plus_minus() => {
            Verdict::wrong("hedged").with("answer", text.text())
        }
        (_, answer) => {
            let verdict = symbolic(gold, span, options, spent);
            match answer {
                _ if verdict.detail.value("answer").is_some() => verdict,
                Answer::Value(value) => verdict.with("answer", value.canonical()),
                Answer::Opaque(text) => verdict.with("answer", text.text()),
            }
        }
    }
}

/// An answer beyond the limits of plain numbers, a power tower perhaps: never
/// computed, but compared as it stands.
fn large(gold: &Gold, span: &str, options: &MathOptions, spent: &Cell<u64>) -> Verdict {
    if span.len() > options.max_answer_bytes {
        return Verdict::wrong("too_long");
    }
    let verdict = symbolic(gold, span, options, spent);
    match verdict.outcome {
        // A number beyond `max_bits` is no number within it.
        Outcome::Unknown
            if is_power_of_ten_form(span)
                && matches!(gold.answer, Answer::Value(Value::Quantity(_))) =>
        {
            Verdict::wrong("too_long")
        }
        Outcome::Unknown => Verdict::unknown("limit"),
        _ => verdict,
    }
}

/// Whether a text that exceeded the limits is a plain number with an exponent,
/// whose size alone tells it from every number within them.
fn is_power_of_ten_form(span: &str) -> bool {
    let mut digits = false;
    span.chars().all(|c| {
        digits |= c.is_ascii_digit() && c != '0';
        c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E' | '^' | '{' | '}' | ' ' | '$')
    }) && digits
}

/// By parser, comparer and decider.
fn symbolic(gold: &Gold, span: &str, options: &MathOptions, spent: &Cell<u64>) -> Verdict {
    let readings = match read(span, options) {
        Ok(readings) => readings,
        // "sufficient but not necessary" denies nothing where it is the reference.
        Err(ParseFault::Hedge | ParseFault::Unparsed { .. }) if gold.is_in_words(span) => {
            return Verdict::correct("text")
                .with("answer", span)
                .with("proof", "exact");
        }
        Err(ParseFault::Hedge) if gold.is_doubtful() => return Verdict::unknown("different_text"),
        Err(ParseFault::Limit) => return Verdict::unknown("limit"),
        Err(ParseFault::Hedge) => return Verdict::wrong("hedged"),
        Err(ParseFault::Undefined) => return Verdict::wrong("undefined"),
        Err(_) => return unread(gold, span, options),
    };
    let Some(reference) = &gold.readings else {
        return Verdict::unknown("unsupported");
    };
    let judgement = match compared(reference, &readings, options, spent) {
        // `33 eggs` may count what the table of units doesn't know.
        Judgement::Wrong { .. } if structure::may_be_unit(reference, &readings) => {
            Judgement::Unknown("unknown_unit")
        }
        judgement => judgement,
    };
    rendered(judgement, options).with("answer", structure::print(&readings.0[0].value))
}

/// What is still known of an answer that could not be read.
fn unread(gold: &Gold, span: &str, options: &MathOptions) -> Verdict {
    let limits = Limits {
        answer_bytes: options.max_answer_bytes,
        bits: options.max_bits,
    };
    let listed = opaque::listed(&without_delimiters(tokens(&fold(span))), limits);
    match (&gold.answer, listed) {
        (Answer::Value(_), 1..) => Verdict::wrong("several_answers"),
        // Words where a number is asked for.
        (Answer::Value(_), 0)
            if !span.contains(char::is_numeric) && !super::restated::names_number(span) =>
        {
            Verdict::wrong("not_a_number")
        }
        // `42 43`, `42 | 43`: two numbers and nothing that makes one of them.
        (Answer::Value(_), 0) if numbers_side_by_side(span) => Verdict::wrong("several_answers"),
        // `≥42` states no value.
        (Answer::Value(_), 0)
            if span
                .trim_start_matches(['$', ' '])
                .starts_with(['<', '>', '≤', '≥', '≠', '≈']) =>
        {
            Verdict::wrong("not_a_number")
        }
        _ => Verdict::unknown("unsupported"),
    }
}

/// Whether a text is two or more plain numbers, apart by blanks or bars.
fn numbers_side_by_side(span: &str) -> bool {
    let parts = span
        .split(|c: char| c.is_whitespace() || c == '|')
        .filter(|part| !part.is_empty());
    let mut count = 0;
    for part in parts {
        if !part.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            || !part
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '-' | '.' | ',' | '/'))
        {
            return false;
        }
        count += 1;
    }
    count > 1
}

fn rendered(judgement: Judgement, options: &MathOptions) -> Verdict {
    match judgement {
        Judgement::Correct {
            rule,
            proof,
            policy,
        } => {
            let enough = match (options.min_proof, proof) {
                (MinProof::Numeric, _)
                | (_, Proof::Exact)
                | (MinProof::Probabilistic, Proof::Probabilistic) => true,
                (MinProof::Probabilistic | MinProof::Exact, _) => false,
            };
            let verdict = match enough {
                true => Verdict::correct(rule),
                false => Verdict::unknown("weak_proof"),
            };
            let verdict = match proof {
                Proof::Exact => verdict.with("proof", "exact"),
                Proof::Probabilistic => verdict.with("proof", "probabilistic"),
                Proof::Numeric { bits } => verdict.with("proof", format!("numeric {bits} bits")),
            };
            match policy.is_empty() {
                true => verdict,
                false => verdict.with("policy", policy),
            }
        }
        Judgement::Wrong { rule, witness } => match witness {
            Some(witness) => Verdict::wrong(rule).with("witness", witness),
            None => Verdict::wrong(rule),
        },
        Judgement::Unknown(reason) => Verdict::unknown(reason),
    }
}

/// Whether two commitments of one response say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Agreement {
    Same,
    Differs,
    Undecided,
}

/// Whether two values of one response are certainly not the same.
pub(super) fn differ(one: &str, other: &str, options: &MathOptions) -> bool {
    let spent = Cell::new(0);
    agreement(&mut Prepared::new(one, options, &spent), other, options) == Agreement::Differs
}

/// Compares without excuses: what can't be read differs.
fn agreement(own: &mut Prepared<'_>, other: &str, options: &MathOptions) -> Agreement {
    if own.text == other {
        return Agreement::Same;
    }
    let lenient = MathOptions {
        units: Units::Optional,
        ..options.clone()
    };
    let by = |outcome| match outcome {
        Outcome::Correct => Agreement::Same,
        Outcome::Wrong | Outcome::NoAnswer => Agreement::Differs,
        Outcome::Unknown => Agreement::Undecided,
    };
    match (&own.answer, interpret(other, options)) {
        (Ok(Answer::Value(one)), Ok(Answer::Value(other))) => {
            let forth = compare::compare(one, &other, &lenient).outcome;
            // `42 cm` in the box and 42 after it, or the other way round.
            let back = compare::compare(&other, one, &lenient).outcome;
            return by(if forth == Outcome::Correct {
                forth
            } else {
                back
            });
        }
        (Ok(Answer::Opaque(one)), Ok(Answer::Opaque(other))) if one.text() == other.text() => {
            return Agreement::Same;
        }
        _ => {}
    }
    let readings = own.readings.get_or_insert_with(|| read(own.text, options));
    match (readings, read(other, options)) {
        (Ok(one), Ok(other)) => {
            let (one, other) = as_points(one, &other);
            let judged = compared(&one, &other, &lenient, own.spent);
            by(rendered(judged, &lenient).outcome)
        }
        _ => Agreement::Differs,
    }
}

/// The readings of two commitments without those as intervals, where both may be
/// points: `(1, 1)` and `(3, 3)` are no empty intervals.
fn as_points(one: &Readings, other: &Readings) -> (Readings, Readings) {
    let is_point = |reading: &Reading| matches!(reading.value, Typed::Tuple(_));
    let both = one.0.iter().any(is_point) && other.0.iter().any(is_point);
    let kept = |readings: &Readings| {
        let kept = readings
            .0
            .iter()
            .filter(|reading| !both || !matches!(reading.value, Typed::Intervals(_)));
        Readings(kept.cloned().collect())
    };
    (kept(one), kept(other))
}
