//! `language:response_language`: the language of the whole response.
//!
//! The reference implementation asks langdetect, whose answers are drawn by lot
//! (its trials are random unless it is given a seed), which skips words in
//! capitals, and which fails on a text without letters; the failure counts as
//! followed there. Who asks here brings a detector of their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IfevalOptions;
use super::kwargs::Kwargs;
use crate::verdict::ReferenceError;

/// What a detector says of the language of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detected {
    /// ISO 639-1, `zh-cn` and `zh-tw` for Chinese.
    Language(String),
    /// Nothing in the text belongs to a language: no letters.
    NoLanguage,
    /// It cannot tell.
    Unsure,
}

/// What a detector is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'t> {
    /// The text whose language is to be told.
    pub text: &'t str,
    /// The language that it should be in, as langdetect writes it. A detector
    /// that does not know it is [`Detected::Unsure`], whatever the text looks like.
    pub language: &'t str,
}

/// Tells the language of a text.
pub type Detect<'d> = dyn Fn(Asked<'_>) -> Detected + 'd;

/// What a response without any letters is where a language is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Letterless {
    /// In that language, as for the reference implementation: `...` is French.
    #[default]
    Followed,
    /// In no language.
    NotFollowed,
}

/// The languages that langdetect can answer; another one could not be met.
const LANGUAGES: &str = "af ar bg bn ca cs cy da de el en es et fa fi fr gu he hi hr hu id it ja \
    kn ko lt lv mk ml mr ne nl no pa pl pt ro ru sk sl so sq sv sw ta te th tl tr uk ur vi \
    zh-cn zh-tw";

/// A response in this language.
#[derive(Clone, Debug)]
pub(super) struct Language {
    code: String,
}

impl Language {
    pub(super) fn response(kwargs: &Kwargs) -> Result<Self, ReferenceError> {
        kwargs.only(&["language"])?;
        let code = kwargs.text("language")?;
        if !LANGUAGES.split_whitespace().any(|known| known == code) {
            return Err(kwargs.error(format!(
                "needs a language as `language`, not `{code}`; known are {LANGUAGES}"
            )));
        }
        Ok(Self {
            code: code.to_owned(),
        })
    }

    /// `None` where the language cannot be told.
    pub(super) fn followed_by(
        &self,
        text: &str,
        detect: &Detect,
        options: &IfevalOptions,
    ) -> Option<bool> {
        speaks(&self.code, text, detect, options)
    }
}

/// Whether `text` is in the language `code`.
pub(super) fn speaks(
    code: &str,
    text: &str,
    detect: &Detect,
    options: &IfevalOptions,
) -> Option<bool> {
    let asked = Asked {
        text,
        language: code,
    };
    match detect(asked) {
        Detected::Language(detected) => Some(detected == code),
        Detected::NoLanguage => Some(options.letterless == Letterless::Followed),
        Detected::Unsure => None,
    }
}
