//! Language consistency: a text and a target language in, the share of its
//! words that are in that language out.
//!
//! ```
//! use goldstone::language::{Language, LanguageOptions, measure};
//!
//! let options = LanguageOptions::default();
//! let thinking = "Wir addieren beide Zahlen, then we divide the sum by the total number of values.";
//! let found = measure(thinking, Language::De, &options);
//! assert_eq!((found.words, found.target_words), (15, 4));
//! assert_eq!(found.spans[0].language, Some(Language::En));
//! assert_eq!(&thinking[found.spans[0].range.clone()], "then we divide the sum by the total number of values");
//!
//! assert_eq!(measure("$x^2 + 1$", Language::De, &options).score(), None);
//! ```
//!
//! *Accepts* (scores high): prose whose words are in the target language. Code,
//! formulas, tags, addresses, variables, acronyms, units and, in scripts other
//! than Latin, names in Latin letters count neither for nor against.
//!
//! *Rejects* (scores low): prose in another language, in another script, in
//! words of several scripts that look alike; romanised Chinese or Japanese for
//! Chinese or Japanese; prose hidden between the delimiters of code or formulas,
//! unless [`LanguageOptions::strict_mask`] is off.
//!
//! *Known gaps*: the measure says nothing about sense, so one character written
//! four hundred times is four hundred words; combine it with a repetition
//! penalty. A language that is not in [`Language`] is taken for the one most
//! like it that shares its script (Danish for Swedish, Marathi for Hindi).
//! Changes of one or two words between languages of one script are not seen.
//!
//! *Source*: DeepSeek-R1 (arXiv:2501.12948), section 2.3.2: the share of target
//! language words in the thinking, added to the reward. How words are cut and
//! classed is not published; see `docs/language.md` for how it is done here.
//! `all_same` is Magistral's (arXiv:2506.10910), section 2.2.
//!
//! Reason codes: `no_words`, `too_few_words`, `text_too_long` (abstains);
//! `mixed_languages`, `all_same` (of [`all_same`]).

mod tag;

mod options;

mod mask;

mod script;

mod words;

mod neutral;

mod features;

mod model;

mod recent;

mod viterbi;

mod han;

mod label;

mod score;

pub mod train;

pub use options::{LanguageOptionError, LanguageOptions, Names, Shaping, Target};
pub use score::{Consistency, Parts, Span, all_same, detect, measure};
pub use tag::{Language, UnknownLanguage};
