//! The numbers game: an expression, the numbers that it may use and its target
//! in, a verdict out.
//!
//! *Accepts*: an expression of whole numbers, `+ - * /` (also `−`, `×`, `÷`) and
//! round brackets that uses the given numbers, each exactly once (or at most
//! once), and whose exact value is the target; `= target` may follow.
//!
//! *Rejects*: another number or one too many, digits run together (`12` from 1
//! and 2), a sign in front (`-3 + 5`), `**`, `//`, `2(3)`, decimals, exponents,
//! leading zeros, digits of other scripts, division by zero, any word, and
//! `= x` where `x` is not the target; also more than 64 numbers, which no task
//! has, and more than 1000 brackets open at once.
//!
//! *Known gaps*: LaTeX (`\times`, `\frac`) and Markdown are not read, and neither
//! is a chain of equations. The reference implementations evaluate with Python,
//! so they accept a sign in front and `2**3`, and take a float within 1e-5 for
//! the target; here the value is exact.
//!
//! *How it can be gamed*: the answer cannot be. `format_credit` can: any
//! well-formed expression earns it, so keep it far below 1.
//!
//! *Source*: TinyZero's `countdown.py` (numbers exactly once, 0.1 for an answer
//! in the right form) and reasoning-gym's `countdown` task (0.05); the game is
//! Des chiffres et des lettres. Deviation: TinyZero pays its 0.1 for any text in
//! the answer tags, we only for an expression.
//!
//! Reason codes: `target_met` (correct); `other_value`, `other_numbers`,
//! `division_by_zero`, `wrong_tail`, `unary_sign`, `bad_expression`, `too_long`
//! (wrong); `empty_answer` (no answer).

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{OptionError, finite};
use crate::verdict::{ReferenceError, Verdict};

/// How the numbers must be used, and what a wrong expression earns.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CountdownOptions {
    /// How often each number is used. Default `exactly_once`.
    pub numbers: NumberUse,
    /// Credit, from 0 to below 1, for an expression that can be read but does
    /// not solve the task. Default 0; TinyZero gives 0.1.
    #[schemars(range(min = 0, max = 1))]
    pub format_credit: f64,
}

/// How often each given number is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberUse {
    /// Every one, once.
    #[default]
    ExactlyOnce,
    /// Once or not at all, as in the television game.
    AtMostOnce,
}

impl CountdownOptions {
    /// # Errors
    /// `format_credit` is not in `[0, 1)`.
    pub fn check(&self) -> Result<(), OptionError> {
        finite("format_credit", self.format_credit)?;
        if (0.0..1.0).contains(&self.format_credit) {
            return Ok(());
        }
        let problem = format!(
            "is {}; give a number from 0 to below 1, for example 0.1",
            self.format_credit
        );
        Err(OptionError::new("format_credit", problem))
    }
}

/// The numbers and the target of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Puzzle {
    /// The given numbers, in ascending order.
    numbers: Vec<u64>,
    target: i64,
}

/// The given numbers of one task at most.
const MOST_NUMBERS: usize = 64;

/// Operators and brackets of an expression that wait for their right-hand side.
const MOST_WAITING: usize = 1000;

/// Beyond it a double is no longer a whole number for sure.
const LARGEST: u64 = 1 << 53;

impl Puzzle {
    /// Reads `{"numbers": […], "target": n}`, where `nums` may stand for
    /// `numbers`; other keys are not looked at.
    ///
    /// # Errors
    /// [`ReferenceError`] where one of them is missing, or holds anything but
    /// whole numbers (0 or more; the target may be negative) up to 2^53.
    pub fn from_json(reference: &Value) -> Result<Self, ReferenceError> {
        let refuse = |problem: &str| Err(ReferenceError::new(&reference.to_string(), problem));
        let numbers = match (reference.get("numbers"), reference.get("nums")) {
            (Some(Value::Array(numbers)), None) | (None, Some(Value::Array(numbers))) => numbers,
            (Some(_), Some(_)) => return refuse("has both `numbers` and `nums`; keep one"),
            _ => {
                return refuse(
                    "has no list `numbers`; give `{\"numbers\": [1, 2], \"target\": 3}`",
                );
            }
        };
        if !(1..=MOST_NUMBERS).contains(&numbers.len()) {
            return refuse("must have from 1 to 64 numbers");
        }
        let mut given = Vec::with_capacity(numbers.len());
        for number in numbers {
            match whole(number).map(u64::try_from) {
                Some(Ok(number)) => given.push(number),
                _ => return refuse("has a number that is not whole, negative or beyond 2^53"),
            }
        }
        given.sort_unstable();
        match reference.get("target").map(whole) {
            Some(Some(target)) => Ok(Self {
                numbers: given,
                target,
            }),
            Some(None) => refuse("has a `target` that is not whole or beyond 2^53"),
            None => refuse("has no `target`"),
        }
    }

    /// Reads the same from a JSON text.
    ///
    /// # Errors
    /// As [`Puzzle::from_json`], and where the text is not JSON.
    pub fn parse(reference: &str) -> Result<Self, ReferenceError> {
        match serde_json::from_str(reference) {
            Ok(value) => Self::from_json(&value),
            Err(_) => Err(ReferenceError::new(
                reference,
                "is not JSON; give `{\"numbers\": [1, 2], \"target\": 3}`",
            )),
        }
    }
}

/// A JSON number that is whole, also where a table has made a float of it.
fn whole(number: &Value) -> Option<i64> {
    let whole = match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => whole,
        (None, Some(float)) if float.fract() == 0.0 && float.abs() <= LARGEST as f64 => {
            float as i64
        }
        _ => return None,
    };
    (whole.unsigned_abs() <= LARGEST).then_some(whole)
}

/// Judges the expression that `answer` is.
///
/// Evidence: `value` (the exact value, where it is not the target), `span` (the
/// answer without white space at its ends, or the character that could not be
/// read).
///
/// ```
/// use goldstone::text::countdown::{CountdownOptions, Puzzle, verify};
/// use goldstone::verdict::Outcome;
///
/// let puzzle = Puzzle::parse(r#"{"numbers": [3, 5, 9, 7], "target": 24}"#)?;
/// let judge = |answer| verify(&puzzle, answer, &CountdownOptions::default());
/// assert_eq!(judge("(9 - 7) * (3 * 5 - 3)").reason, Some("other_numbers"));
/// assert_eq!(judge("3 + 5 + 9 + 7 = 24").outcome, Outcome::Correct);
/// assert_eq!(judge("3 + 5 + 9 + 7 = 42").reason, Some("wrong_tail"));
/// assert_eq!(judge("3 * 5 + 9 / 7").reason, Some("other_value"));
/// # Ok::<(), goldstone::verdict::ReferenceError>(())
/// ```
#[must_use]
pub fn verify(puzzle: &Puzzle, answer: &str, options: &CountdownOptions) -> Verdict {
    let text = answer.trim();
    let start = answer.len() - answer.trim_start().len();
    let span = start..start + text.len();
    if text.is_empty() {
        return Verdict::no_answer("empty_answer");
    }
    let (expression, tail) = match text.split_once('=') {
        Some((expression, tail)) => (expression, Some(tail)),
        None => (text, None),
    };
    let program = match parse(expression) {
        Ok(program) => program,
        Err(fault) => {
            let length = text[fault.at..].chars().next().map_or(0, char::len_utf8);
            let at = start + fault.at;
            return Verdict::wrong(fault.reason).with_span(at..at + length);
        }
    };
    let mut verdict = judge(puzzle, &program, tail, options.numbers);
    if verdict.credit == 0.0 {
        verdict.credit = options.format_credit;
    }
    verdict.with_span(span)
}

/// Judges an expression that could be read.
fn judge(puzzle: &Puzzle, program: &[Op], tail: Option<&str>, numbers: NumberUse) -> Verdict {
    // Before the value, so that it is made of few and small numbers.
    if !may_use(&puzzle.numbers, program, numbers) {
        return Verdict::wrong("other_numbers");
    }
    let Some(value) = value(program) else {
        return Verdict::wrong("division_by_zero");
    };
    if value != BigRational::from(BigInt::from(puzzle.target)) {
        return Verdict::wrong("other_value").with("value", value.to_string());
    }
    match tail {
        Some(tail) if !is_number(tail, puzzle.target) => Verdict::wrong("wrong_tail"),
        _ => Verdict::correct("target_met"),
    }
}

/// One step of an expression in postfix order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    /// A number; `None` if it is too large to be a given one.
    Number(Option<u64>),
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// Why an expression cannot be read, and its byte.
struct Fault {
    reason: &'static str,
    at: usize,
}

/// What waits on the stack for its right-hand side.
#[derive(Clone, Copy)]
enum Waiting {
    Open,
    Binary(Op),
}

/// The expression in postfix order, by Dijkstra's shunting-yard: no recursion,
/// every byte looked at once.
fn parse(text: &str) -> Result<Vec<Op>, Fault> {
    let bad = |at| Fault {
        reason: "bad_expression",
        at,
    };
    let too_long = |at| Fault {
        reason: "too_long",
        at,
    };
    let mut output = Vec::new();
    let mut numbers = 0;
    let mut waiting: Vec<Waiting> = Vec::new();
    // Whether a number or an opening bracket must come next.
    let mut wants_operand = true;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let operator = match c {
            '+' => Op::Add,
            '-' | '−' => Op::Subtract,
            '*' | '×' => Op::Multiply,
            '/' | '÷' => Op::Divide,
            ' ' | '\t' | '\n' | '\r' => continue,
            '(' if wants_operand => {
                if waiting.len() == MOST_WAITING {
                    return Err(too_long(at));
                }
                waiting.push(Waiting::Open);
                continue;
            }
            ')' if !wants_operand => {
                loop {
                    match waiting.pop() {
                        Some(Waiting::Binary(op)) => output.push(op),
                        Some(Waiting::Open) => break,
                        None => return Err(bad(at)),
                    }
                }
                continue;
            }
            '0'..='9' if wants_operand => {
                let mut end = at + 1;
                while chars.next_if(|(_, c)| c.is_ascii_digit()).is_some() {
                    end += 1;
                }
                let digits = &text[at..end];
                if digits.len() > 1 && digits.starts_with('0') {
                    return Err(bad(at));
                }
                if numbers == MOST_NUMBERS {
                    return Err(too_long(at));
                }
                numbers += 1;
                output.push(Op::Number(digits.parse().ok()));
                wants_operand = false;
                continue;
            }
            _ => return Err(bad(at)),
        };
        if wants_operand {
            return Err(match operator {
                Op::Add | Op::Subtract => Fault {
                    reason: "unary_sign",
                    at,
                },
                _ => bad(at),
            });
        }
        while let Some(&Waiting::Binary(above)) = waiting.last() {
            if binding(above) < binding(operator) {
                break;
            }
            output.push(above);
            waiting.pop();
        }
        waiting.push(Waiting::Binary(operator));
        wants_operand = true;
    }
    if wants_operand {
        return Err(bad(text.len()));
    }
    for left in waiting.into_iter().rev() {
        match left {
            Waiting::Binary(op) => output.push(op),
            Waiting::Open => return Err(bad(text.len())),
        }
    }
    Ok(output)
}

/// How strongly an operator binds; equal ones from the left.
fn binding(op: Op) -> u8 {
    match op {
        Op::Multiply | Op::Divide => 2,
        Op::Add | Op::Subtract | Op::Number(_) => 1,
    }
}

/// Whether the numbers of the expression are the given ones.
fn may_use(given: &[u64], program: &[Op], numbers: NumberUse) -> bool {
    let mut used = Vec::with_capacity(given.len());
    for op in program {
        match op {
            Op::Number(Some(number)) if used.len() < given.len() => used.push(*number),
            Op::Number(_) => return false,
            _ => {}
        }
    }
    used.sort_unstable();
    match numbers {
        NumberUse::ExactlyOnce => used == given,
        NumberUse::AtMostOnce => {
            // Both are sorted: every used one meets one given of its own.
            let mut given = given.iter();
            used.iter()
                .all(|number| given.any(|candidate| candidate == number))
        }
    }
}

/// The exact value; `None` where something is divided by zero.
fn value(program: &[Op]) -> Option<BigRational> {
    let mut stack: Vec<BigRational> = Vec::new();
    for op in program {
        if let Op::Number(number) = op {
            stack.push(BigRational::from(BigInt::from((*number)?)));
            continue;
        }
        let right = stack.pop()?;
        let left = stack.pop()?;
        stack.push(match op {
            Op::Add => left + right,
            Op::Subtract => left - right,
            Op::Multiply => left * right,
            _ if right.is_zero() => return None,
            _ => left / right,
        });
    }
    stack.pop()
}

/// Whether `tail` is this number and nothing else.
fn is_number(tail: &str, number: i64) -> bool {
    tail.trim().replace('−', "-") == number.to_string()
}
