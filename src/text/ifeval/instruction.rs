//! The 25 instructions: a name and its arguments in, a check out.

use serde_json::{Map, Value};

use super::IfevalOptions;
use super::case::Case;
use super::combination::Combination;
use super::content::Content;
use super::keywords::Keywords;
use super::kwargs::Kwargs;
use super::language::{Detect, Language};
use super::layout::Layout;
use super::length::Length;
use super::startend::StartEnd;
use crate::verdict::ReferenceError;

/// The instructions of one prompt, at least one.
#[derive(Clone, Debug)]
pub struct Instructions {
    list: Vec<Instruction>,
}

#[derive(Clone, Debug)]
pub(super) struct Instruction {
    pub(super) id: &'static str,
    check: Check,
}

#[derive(Clone, Debug)]
enum Check {
    Keywords(Keywords),
    Length(Length),
    Content(Content),
    Layout(Layout),
    Case(Case),
    StartEnd(StartEnd),
    Combination(Combination),
    NoComma,
    Language(Language),
}

impl Instructions {
    /// Reads the two lists of the data set, `instruction_id_list` and `kwargs`,
    /// which belong together entry by entry.
    ///
    /// ```
    /// use goldstone::text::ifeval::Instructions;
    /// use serde_json::json;
    ///
    /// let ids = json!(["punctuation:no_comma", "length_constraints:number_words"]);
    /// let kwargs = json!([{}, {"num_words": 100, "relation": "at least", "language": null}]);
    /// assert!(Instructions::parse(&ids, &kwargs).is_ok());
    ///
    /// let refused = Instructions::parse(&ids, &json!([{}, {"num_words": 100}])).unwrap_err();
    /// assert!(refused.to_string().contains("needs `relation`"));
    /// ```
    ///
    /// # Errors
    /// [`ReferenceError`] when there is no instruction, when one is unknown, and
    /// when its arguments are not those that it needs.
    pub fn parse(ids: &Value, kwargs: &Value) -> Result<Self, ReferenceError> {
        let ids = entries("instruction_id_list", ids)?;
        let kwargs = entries("kwargs", kwargs)?;
        if ids.is_empty() {
            return Err(ReferenceError::new(
                "instruction_id_list",
                "is empty; give at least one instruction",
            ));
        }
        if ids.len() != kwargs.len() {
            return Err(ReferenceError::new(
                "kwargs",
                format!(
                    "has {} entries for {} instructions; give each its own",
                    kwargs.len(),
                    ids.len()
                ),
            ));
        }
        let list = ids
            .iter()
            .zip(kwargs)
            .map(|(id, kwargs)| Instruction::parse(id, kwargs));
        Ok(Self {
            list: list.collect::<Result<_, _>>()?,
        })
    }

    /// As [`Instructions::parse`], both lists as members of one object.
    ///
    /// # Errors
    /// As [`Instructions::parse`], and when a member is missing.
    pub fn from_reference(reference: &Value) -> Result<Self, ReferenceError> {
        let member = |name: &str| {
            reference.get(name).ok_or_else(|| {
                ReferenceError::new(
                    &reference.to_string(),
                    format!(
                        "has no `{name}`; give an object with `instruction_id_list` and `kwargs`"
                    ),
                )
            })
        };
        Self::parse(member("instruction_id_list")?, member("kwargs")?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Instruction> {
        self.list.iter()
    }
}

fn entries<'r>(name: &str, value: &'r Value) -> Result<&'r [Value], ReferenceError> {
    match value {
        Value::Array(entries) => Ok(entries),
        _ => Err(ReferenceError::new(name, "is not a list")),
    }
}

impl Instruction {
    fn parse(id: &Value, kwargs: &Value) -> Result<Self, ReferenceError> {
        let given = id.as_str().ok_or_else(|| {
            ReferenceError::new(&id.to_string(), "is not the name of an instruction")
        })?;
        let &(id, read) = READERS
            .iter()
            .find(|(id, _)| *id == given)
            .ok_or_else(|| ReferenceError::new(given, "is none of the 25 IFEval instructions"))?;
        let nothing = Map::new();
        let values = match kwargs {
            Value::Object(values) => values,
            Value::Null => &nothing,
            _ => {
                return Err(ReferenceError::new(
                    id,
                    "has `kwargs` that are not an object",
                ));
            }
        };
        let check = read(&Kwargs { id, values })?;
        Ok(Self { id, check })
    }

    /// Whether `text` follows it; `None` where that cannot be told.
    pub(super) fn followed_by(
        &self,
        text: &str,
        detect: &Detect,
        options: &IfevalOptions,
    ) -> Option<bool> {
        Some(match &self.check {
            Check::Keywords(check) => check.followed_by(text),
            Check::Length(check) => check.followed_by(text),
            Check::Content(check) => check.followed_by(text),
            Check::Layout(check) => check.followed_by(text),
            Check::StartEnd(check) => check.followed_by(text),
            Check::Combination(check) => check.followed_by(text),
            Check::NoComma => !text.contains(','),
            Check::Case(check) => return check.followed_by(text, detect, options),
            Check::Language(check) => return check.followed_by(text, detect, options),
        })
    }
}

type Reader = fn(&Kwargs) -> Result<Check, ReferenceError>;

/// Every instruction and how its arguments are read.
const READERS: [(&str, Reader); 25] = [
    ("keywords:existence", |k| {
        Keywords::existence(k).map(Check::Keywords)
    }),
    ("keywords:frequency", |k| {
        Keywords::frequency(k).map(Check::Keywords)
    }),
    ("keywords:forbidden_words", |k| {
        Keywords::forbidden(k).map(Check::Keywords)
    }),
    ("keywords:letter_frequency", |k| {
        Keywords::letter(k).map(Check::Keywords)
    }),
    ("language:response_language", |k| {
        Language::response(k).map(Check::Language)
    }),
    ("length_constraints:number_sentences", |k| {
        Length::sentences(k).map(Check::Length)
    }),
    ("length_constraints:number_paragraphs", |k| {
        Length::paragraphs(k).map(Check::Length)
    }),
    ("length_constraints:number_words", |k| {
        Length::words(k).map(Check::Length)
    }),
    ("length_constraints:nth_paragraph_first_word", |k| {
        Length::first_word(k).map(Check::Length)
    }),
    ("detectable_content:number_placeholders", |k| {
        Content::placeholders(k).map(Check::Content)
    }),
    ("detectable_content:postscript", |k| {
        Content::postscript(k).map(Check::Content)
    }),
    ("detectable_format:number_bullet_lists", |k| {
        Layout::bullets(k).map(Check::Layout)
    }),
    ("detectable_format:constrained_response", |k| {
        Layout::one_of_three(k).map(Check::Layout)
    }),
    ("detectable_format:number_highlighted_sections", |k| {
        Layout::highlights(k).map(Check::Layout)
    }),
    ("detectable_format:multiple_sections", |k| {
        Layout::sections(k).map(Check::Layout)
    }),
    ("detectable_format:json_format", |k| {
        Layout::json(k).map(Check::Layout)
    }),
    ("detectable_format:title", |k| {
        Layout::title(k).map(Check::Layout)
    }),
    ("combination:two_responses", |k| {
        Combination::two_responses(k).map(Check::Combination)
    }),
    ("combination:repeat_prompt", |k| {
        Combination::repeat(k).map(Check::Combination)
    }),
    ("startend:end_checker", |k| {
        StartEnd::phrase(k).map(Check::StartEnd)
    }),
    ("startend:quotation", |k| {
        StartEnd::quotation(k).map(Check::StartEnd)
    }),
    ("change_case:capital_word_frequency", |k| {
        Case::capital_words(k).map(Check::Case)
    }),
    ("change_case:english_capital", |k| {
        Case::all_capital(k).map(Check::Case)
    }),
    ("change_case:english_lowercase", |k| {
        Case::all_small(k).map(Check::Case)
    }),
    ("punctuation:no_comma", |k| {
        k.only(&[]).map(|()| Check::NoComma)
    }),
];
