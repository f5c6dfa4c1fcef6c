//! Multiple choice: an answer and the right letter in, a verdict out.
//!
//! The answer is read without looking at the reference: the same text gives
//! the same letter whatever the gold is, so hedging cannot pay.
//!
//! *Accepts*: exactly one committed letter. A commitment is a box
//! (`\boxed{C}`, `\boxed{\text{C) Rome}}`), a statement ("the answer is (C)",
//! "答案是C", "Antwort: C", "option C is correct"), a line that is only the
//! letter (`C`, `(C)`, `**C**`, `C.`), or a first or last line that begins with
//! it as a label (`C) Rome`). Statements are read in more than twenty languages
//! (`phrases.rs`). Full-width letters count as letters. Repeating the same
//! letter is fine, and so is ruling others out ("C, not A", "A is wrong").
//! What stands before the last `</think>` does not count, and where there is
//! one `<answer>…</answer>`, nothing outside it does.
//!
//! *Rejects*: two different committed letters, "A or B", "A, B", "either A",
//! `ABCD`, a restated list of options, "not A", "A?", "if the answer is A", any
//! other letter that is still standing after the last commitment, second
//! thoughts after it ("wait, …", "Nope.", "it is wrong"), an option named by its
//! place after it ("the fourth", "all of the above", also as a label's text), a
//! second answer that is no letter ("final answer: 4"), a small letter beside
//! the committed one ("C or d"), a last box that is empty, unclosed or holds
//! something else, an earlier box that holds neither the same letter nor a
//! value, a box in an expression (`\neq \boxed{C}`, `\boxed{C}^2`), a form that
//! its clause, or for boxes, bare letters and labels the line before, denies
//! ("Which is wrong?", then `C`), a label whose text denies it ("C: wrong"; so
//! "B) False" is no answer), any text with a strike-through or an HTML comment,
//! letters in prose (the article "A", the pronoun "I",
//! "vitamin C", `E = mc^2`), look-alikes from other alphabets (Cyrillic С).
//!
//! *Known gaps*: only Latin letters are options (not أ, ①, Cyrillic Б). A label
//! followed by text is taken at its word, so the name "B. Russell" alone reads
//! as option B. "Therefore, C" in the middle of prose is not a statement. Irony
//! and retractions in other words than the tables' are not understood. Wide
//! tables cost right answers whose explanation sounds like doubt.
//!
//! *Source*: the union of public multiple-choice graders, restricted to forms
//! that leave no doubt. Public graders that take the first or last capital
//! letter pay for "A cat sat" and for lists of all options.
//!
//! Reason codes: `boxed`, `stated`, `bare_letter`, `labelled` (correct; the form
//! that committed); `other_letter`, `not_an_option` (wrong); `empty_answer`,
//! `no_choice`, `several_choices`, `option_list`, `hedged`, `negated`,
//! `conditional`, `question`, `retracted`, `bad_box`, `bad_answer_tags`,
//! `unclosed_think`, `lookalike_letter`, `box_in_expression`, `struck_out` (no
//! answer).

mod commit;
mod doubts;
mod hedge;
mod letter;
mod phrases;
mod region;

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::verdict::{ReferenceError, Verdict};

/// Which letters are options, and how they may be written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct ChoiceOptions {
    /// The letters that are options. Default `A-J`.
    pub letters: Letters,
    /// Whether lower-case letters count. Default `unambiguous`.
    pub lower_case: LowerCase,
    /// What the reference may be. Default `letter`.
    pub reference: ReferenceForm,
}

/// The letters from A to a last one; `A-D` in a spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Letters {
    #[schemars(with = "String", regex(pattern = "^A-[A-Z]$"))]
    last: u8,
}

/// A text that is not a range of letters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a range of letters from A, such as `A-D`")]
pub struct LettersError(String);

/// Whether lower-case letters count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LowerCase {
    /// In forms that cannot be a word: `(c)`, `answer: c`, `\boxed{c}`, `c)`,
    /// `**c**`, and `c` as the whole answer.
    #[default]
    Unambiguous,
    /// Never.
    Never,
}

/// What the reference may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceForm {
    /// A letter: `C`, `(C)`, `C.`, `C)`, `\boxed{C}`.
    #[default]
    Letter,
    /// A letter, or the option's index counted from 0: `2` is C.
    LetterOrIndex,
}

impl Letters {
    /// The letters from A to `last`, an ASCII letter of either case.
    ///
    /// # Errors
    /// [`LettersError`] for any other character.
    pub fn up_to(last: char) -> Result<Self, LettersError> {
        match u8::try_from(last.to_ascii_uppercase()) {
            Ok(byte @ b'A'..=b'Z') => Ok(Self { last: byte }),
            _ => Err(LettersError(last.to_string())),
        }
    }

    /// Whether the upper-case ASCII letter is an option.
    pub(crate) fn contains(self, letter: u8) -> bool {
        (b'A'..=self.last).contains(&letter)
    }
}

impl Default for Letters {
    fn default() -> Self {
        Self { last: b'J' }
    }
}

impl TryFrom<String> for Letters {
    type Error = LettersError;

    fn try_from(text: String) -> Result<Self, LettersError> {
        match text.as_bytes() {
            [b'A', b'-', last @ b'A'..=b'Z'] => Ok(Self { last: *last }),
            _ => Err(LettersError(text)),
        }
    }
}

impl From<Letters> for String {
    fn from(letters: Letters) -> Self {
        format!("A-{}", char::from(letters.last))
    }
}

/// Judges the letter that `answer` commits to.
///
/// Evidence: `answer` (the letter, upper case), `span` (its bytes in `answer`);
/// without a commitment, `span` is what stood in the way, where there is such a
/// place.
///
/// ```
/// use goldstone::text::choice::{ChoiceOptions, verify};
/// use goldstone::verdict::Outcome;
///
/// let options = ChoiceOptions::default();
/// let right = verify("C", "Rome is older, so the answer is **(C)**.", &options)?;
/// assert_eq!((right.outcome, right.reason), (Outcome::Correct, Some("stated")));
/// assert_eq!(right.detail.value("answer").unwrap(), "C");
///
/// let hedged = verify("C", "The answer is C or D.", &options)?;
/// assert_eq!(hedged.outcome, Outcome::NoAnswer);
///
/// let prose = verify("A", "A cat sat on the mat.", &options)?;
/// assert_eq!((prose.outcome, prose.reason), (Outcome::NoAnswer, Some("no_choice")));
///
/// assert!(verify("Rome", "C", &options).is_err());
/// # Ok::<(), goldstone::verdict::ReferenceError>(())
/// ```
///
/// # Errors
/// [`ReferenceError`] when the reference is not one letter of
/// [`ChoiceOptions::letters`] (or an index, where the options allow it).
pub fn verify(
    reference: &str,
    answer: &str,
    options: &ChoiceOptions,
) -> Result<Verdict, ReferenceError> {
    let gold = reference_letter(reference, options)?;
    // Outer white space must not decide, and rules look at the ends of lines.
    let start = answer.len() - answer.trim_start().len();
    let moved = |span: Range<usize>| span.start + start..span.end + start;
    let verdict = match commit::find(answer.trim(), options) {
        Ok(commitment) => {
            let letter = char::from(commitment.letter).to_string();
            let verdict = if commitment.letter == gold {
                Verdict::correct(commitment.form.reason())
            } else if options.letters.contains(commitment.letter) {
                Verdict::wrong("other_letter")
            } else {
                Verdict::wrong("not_an_option")
            };
            verdict
                .with("answer", letter)
                .with_span(moved(commitment.span))
        }
        Err(refusal) => {
            let verdict = Verdict::no_answer(refusal.reason);
            match refusal.span {
                Some(span) => verdict.with_span(moved(span)),
                None => verdict,
            }
        }
    };
    Ok(verdict)
}

fn reference_letter(reference: &str, options: &ChoiceOptions) -> Result<u8, ReferenceError> {
    let last = char::from(options.letters.last);
    let text = reference.trim();
    if options.reference == ReferenceForm::LetterOrIndex
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
    {
        let letter = text
            .parse::<u8>()
            .ok()
            .and_then(|index| b'A'.checked_add(index));
        return match letter {
            Some(letter) if options.letters.contains(letter) => Ok(letter),
            _ => Err(ReferenceError::new(
                reference,
                format!("is an index beyond the options A to {last}, counted from 0"),
            )),
        };
    }
    let inside = match text
        .strip_prefix(r"\boxed{")
        .and_then(|rest| rest.strip_suffix('}'))
    {
        Some(inside) => inside,
        None => text,
    };
    match letter::alone(inside) {
        Some(found) if options.letters.contains(found.letter) => Ok(found.letter),
        Some(_) => Err(ReferenceError::new(
            reference,
            format!("is not an option; `letters` allows A to {last}"),
        )),
        None => Err(ReferenceError::new(
            reference,
            "is not the letter of an option; expected one such as `C`, `(C)` or `\\boxed{C}`",
        )),
    }
}
