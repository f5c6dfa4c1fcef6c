//! The languages that can be told apart, and how they are written: a code or
//! a name in, a [`Language`] out.
//!
//! Codes are BCP 47's, as short as they can be (`en`, `zh-Hans`). Region,
//! script and `_` for `-` are understood (`pt-BR`, `zh_TW`), three-letter codes
//! and English names too (`deu`, `German`).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};

/// A language that the scorer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "each variant is named by its code")]
pub enum Language {
    En,
    Es,
    Fr,
    De,
    It,
    Pt,
    Nl,
    Pl,
    Tr,
    Sv,
    Id,
    Vi,
    Ru,
    Uk,
    Bg,
    Ar,
    Fa,
    /// Chinese in either script.
    Zh,
    Ja,
    Ko,
    Hi,
    Bn,
    Th,
    He,
    El,
    /// Chinese, Simplified characters.
    ZhHans,
    /// Chinese, Traditional characters.
    ZhHant,
}

/// Code, English name, three-letter codes and further spellings.
const NAMES: [(Language, &str, &str, &[&str]); 27] = [
    (Language::En, "en", "English", &["eng"]),
    (Language::Es, "es", "Spanish", &["spa", "castilian"]),
    (Language::Fr, "fr", "French", &["fra", "fre"]),
    (Language::De, "de", "German", &["deu", "ger"]),
    (Language::It, "it", "Italian", &["ita"]),
    (Language::Pt, "pt", "Portuguese", &["por"]),
    (Language::Nl, "nl", "Dutch", &["nld", "dut"]),
    (Language::Pl, "pl", "Polish", &["pol"]),
    (Language::Tr, "tr", "Turkish", &["tur"]),
    (Language::Sv, "sv", "Swedish", &["swe"]),
    (Language::Id, "id", "Indonesian", &["ind", "in"]),
    (Language::Vi, "vi", "Vietnamese", &["vie"]),
    (Language::Ru, "ru", "Russian", &["rus"]),
    (Language::Uk, "uk", "Ukrainian", &["ukr"]),
    (Language::Bg, "bg", "Bulgarian", &["bul"]),
    (Language::Ar, "ar", "Arabic", &["ara", "arb"]),
    (
        Language::Fa,
        "fa",
        "Persian",
        &["fas", "per", "pes", "farsi"],
    ),
    (
        Language::Zh,
        "zh",
        "Chinese",
        &["zho", "chi", "cmn", "mandarin"],
    ),
    (Language::Ja, "ja", "Japanese", &["jpn"]),
    (Language::Ko, "ko", "Korean", &["kor"]),
    (Language::Hi, "hi", "Hindi", &["hin"]),
    (Language::Bn, "bn", "Bengali", &["ben", "bangla"]),
    (Language::Th, "th", "Thai", &["tha"]),
    (Language::He, "he", "Hebrew", &["heb", "iw"]),
    (Language::El, "el", "Greek", &["ell", "gre"]),
    (
        Language::ZhHans,
        "zh-Hans",
        "Simplified Chinese",
        &["chinese (simplified)", "zh-cn", "zh-sg", "zh-my", "zh-chs"],
    ),
    (
        Language::ZhHant,
        "zh-Hant",
        "Traditional Chinese",
        &["chinese (traditional)", "zh-tw", "zh-hk", "zh-mo", "zh-cht"],
    ),
];

impl Language {
    /// Every language, in the order of the model's columns.
    pub fn all() -> impl Iterator<Item = Language> {
        NAMES.iter().map(|row| row.0)
    }

    /// The code, e.g. `en` or `zh-Hans`.
    #[must_use]
    pub fn code(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// The English name, e.g. `English`.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES[self as usize].2
    }

    /// The language without its script: both kinds of Chinese are Chinese.
    #[must_use]
    pub fn base(self) -> Language {
        match self {
            Language::ZhHans | Language::ZhHant => Language::Zh,
            other => other,
        }
    }
}

/// A language that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown language `{text}`{}", hint(.nearest))]
pub struct UnknownLanguage {
    /// The text as given, shortened to 40 characters.
    pub text: String,
    /// The nearest code, where one is near.
    pub nearest: Option<&'static str>,
}

fn hint(nearest: &Option<&'static str>) -> Cow<'static, str> {
    match nearest {
        Some(code) => format!("; did you mean `{code}`?").into(),
        None => "; a code such as `en`, `zh-Hans` or `pt-BR` is wanted".into(),
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;

    /// Reads a code or an English name, in any case.
    ///
    /// ```
    /// use goldstone::language::Language;
    /// assert_eq!("pt-BR".parse(), Ok(Language::Pt));
    /// assert_eq!("zh_TW".parse(), Ok(Language::ZhHant));
    /// assert_eq!("english".parse(), Ok(Language::En));
    /// let error = "germn".parse::<Language>().unwrap_err();
    /// assert_eq!(error.to_string(), "unknown language `germn`; did you mean `de`?");
    /// ```
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let shown: String = text.chars().take(40).collect();
        let wanted = shown.trim().to_lowercase().replace('_', "-");
        if let Some(language) = exact(&wanted) {
            return Ok(language);
        }
        if let Some(language) = with_subtags(&wanted) {
            return Ok(language);
        }
        Err(UnknownLanguage {
            nearest: nearest(&wanted),
            text: shown,
        })
    }
}

fn exact(wanted: &str) -> Option<Language> {
    NAMES
        .iter()
        .find(|(_, code, name, others)| {
            code.eq_ignore_ascii_case(wanted)
                || name.eq_ignore_ascii_case(wanted)
                || others.contains(&wanted)
        })
        .map(|row| row.0)
}

/// A code with script, region or variant behind it. A script other than the
/// language's own would change what counts, so only Chinese may name one.
fn with_subtags(wanted: &str) -> Option<Language> {
    let (first, rest) = wanted.split_once('-')?;
    let well_formed = rest.split('-').all(|part| {
        (2..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if first.len() > 3 || !well_formed {
        return None;
    }
    let language = exact(first)?;
    let mut chinese = language;
    for part in rest.split('-') {
        match (language, part) {
            (Language::Zh, "hans" | "cn" | "sg" | "my") if chinese == Language::Zh => {
                chinese = Language::ZhHans;
            }
            (Language::Zh, "hant" | "tw" | "hk" | "mo") if chinese == Language::Zh => {
                chinese = Language::ZhHant;
            }
            // `zh-Hant-CN`: the script was named first and stands.
            (Language::Zh, _) => {}
            (_, script)
                if script.len() == 4 && script.starts_with(|c: char| c.is_ascii_alphabetic()) =>
            {
                return None;
            }
            _ => {}
        }
    }
    Some(chinese)
}

fn nearest(wanted: &str) -> Option<&'static str> {
    NAMES
        .iter()
        .flat_map(|(_, code, name, _)| [(*code, code.to_lowercase()), (*code, name.to_lowercase())])
        .filter(|(_, spelling)| spelling.len() > 2)
        .map(|(code, spelling)| (strsim::jaro_winkler(wanted, &spelling), code))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, code)| code)
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Language {
    fn schema_name() -> Cow<'static, str> {
        "Language".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A language code such as en, zh-Hans or pt-BR, or an English name.",
            "examples": ["en", "zh-Hans", "pt-BR"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, language) in Language::all().enumerate() {
            assert_eq!(language as usize, index);
            assert_eq!(language.code().parse(), Ok(language));
            assert_eq!(language.name().parse(), Ok(language));
        }
    }

    #[test]
    fn spellings() {
        for (text, language) in [
            ("EN", Language::En),
            ("en-US", Language::En),
            ("zh", Language::Zh),
            ("zh-CN", Language::ZhHans),
            ("zh_Hant_HK", Language::ZhHant),
            ("zh-Hans-TW", Language::ZhHans),
            ("cmn", Language::Zh),
            ("cmn-Hans", Language::ZhHans),
            ("es-419", Language::Es),
            ("iw", Language::He),
            (" Farsi ", Language::Fa),
        ] {
            assert_eq!(text.parse(), Ok(language), "{text}");
        }
        for text in [
            "",
            "e",
            "xx",
            "sr-Latn",
            "zh-",
            "en--US",
            "de-Cyrl",
            "en-US; rm",
        ] {
            assert!(text.parse::<Language>().is_err(), "{text}");
        }
    }
}
