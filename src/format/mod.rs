//! Formats: a completion's text in, its thinking and answer out, or the first
//! rule that it breaks.
//!
//! A [`Format`] is compiled once from [`FormatOptions`] and parses any number
//! of texts. Two independent judges must agree before a shipped format calls a
//! text valid: a scanner that finds every marker (and can name what is wrong),
//! and a pest grammar from `grammars/` that describes the whole text. Boxes and
//! code blocks are found by counters, not by grammars.
//!
//! Parsing never fails or panics, runs in linear time whatever the text, and
//! looks at no more than `max_bytes` bytes.
//!
//! # Accepts
//! For `r1`: white space, `<think>`, a body, `</think>`, white space,
//! `<answer>`, a body, `</answer>`, white space. White space is space, tab, CR
//! and LF. Both bodies hold something else than white space. The other
//! templates say at [`Template`] how they differ.
//!
//! # Rejects
//! Everything else, with one of [`REASON_CODES`]. Each tag must occur exactly
//! once in the whole text: code, comments, quotes and mathematics hide
//! nothing. Tags are exact bytes: other letters, spaces inside, attributes and
//! look-alikes make them text.
//!
//! # Known gaps
//! A zero-width space is no white space, so a body of one is not empty
//! (`min_think_words` refuses it). What the bodies say is not judged here:
//! thinking copied from the prompt is valid thinking. A loosened option is a
//! hole that its documentation describes.
//!
//! # Source
//! DeepSeek-R1, arXiv:2501.12948, section 2.2.2 and table 1 (`r1`); the chat
//! templates of Qwen3, Kimi, Magistral and ether0; the harmony response format
//! of gpt-oss.

#[cfg(test)]
mod agreement;
mod codes;
mod compile;
mod completion;
mod engine;
mod error;
mod facts;
mod fence;
mod harmony;
mod linear;
mod lookalike;
mod options;
mod safety;
mod scan;
mod shape;
mod tagged;
mod template;
mod trial;
mod user;
mod words;

pub use codes::REASON_CODES;
pub use completion::{Completion, Marker, Section, Violation};
pub use error::FormatError;
pub use options::{
    Between, BoxedRule, Duplicates, FormatOptions, Input, Lookalike, OuterText, Prefill,
    TagsInCode, Template,
};

use completion::{BLANKS, Newlines, trim};
use engine::{Engine, Parsed};

/// The fenced code blocks of a text, in order; an unclosed one is the last.
#[cfg(feature = "sandbox")]
pub(crate) fn code_blocks(text: &str) -> Vec<fence::Fence> {
    fence::fences(text, 0..text.len())
}

/// A compiled format; cheap to share between threads.
#[derive(Debug)]
pub struct Format {
    options: FormatOptions,
    engine: Engine,
}

impl Format {
    /// Compiles the options; `grammar_text` is the content of the file that
    /// the option `grammar` names, which the caller reads.
    ///
    /// # Errors
    /// [`FormatError`] for options that contradict each other or would have no
    /// effect, and for a grammar that is not safe to run.
    ///
    /// ```
    /// use goldstone::format::{Format, FormatOptions, Template};
    ///
    /// let options = FormatOptions { template: Some(Template::R1), ..Default::default() };
    /// let format = Format::compile(&options, None).unwrap();
    ///
    /// let text = "<think>2 + 2</think> <answer> 4 </answer>";
    /// let completion = format.parse(text, "");
    /// assert_eq!(completion.answer.unwrap().text(text), "4");
    ///
    /// let text = "<think>2 + 2</think> <answer>4</answer> or 5";
    /// let completion = format.parse(text, "");
    /// assert_eq!(completion.violation.unwrap().code, "trailing_text");
    /// assert_eq!(completion.answer, None);
    ///
    /// let options = FormatOptions { max_bytes: 0, ..options };
    /// assert_eq!(Format::compile(&options, None).unwrap_err().field(), "max_bytes");
    /// ```
    pub fn compile(
        options: &FormatOptions,
        grammar_text: Option<&str>,
    ) -> Result<Format, FormatError> {
        let engine = compile::engine(options, grammar_text)?;
        Ok(Format {
            options: options.clone(),
            engine,
        })
    }

    /// The options that it was compiled from.
    #[must_use]
    pub fn options(&self) -> &FormatOptions {
        &self.options
    }

    /// Parses one completion. `prompt_tail` is the prompt or its end; it
    /// matters to the prefill `auto` alone and may be empty.
    ///
    /// Never fails and never panics; linear in the length of `text`.
    #[must_use]
    pub fn parse(&self, text: &str, prompt_tail: &str) -> Completion {
        if text.len() > self.options.max_bytes {
            let violation = Violation {
                code: codes::TOO_LONG,
                at: 0,
            };
            return self.completion(Parsed::failed(violation));
        }
        let end = strip_suffix(text, &self.options.strip_suffix);
        let text = &text[..end];
        let mut parsed = self.engine.parse(text, prompt_tail, &self.options);
        if trim(text, 0..end).is_empty() {
            parsed.outcome = Err(Violation {
                code: codes::EMPTY_TEXT,
                at: 0,
            });
        }
        parsed.outcome = parsed.outcome.and_then(|spans| {
            let think = spans.think.as_deref().unwrap_or_default();
            tagged::limits(text, think, &spans.answer, &self.options)?;
            Ok(spans)
        });
        self.completion(parsed)
    }

    /// The text form of a chat message whose server moved the thinking to a
    /// field of its own, so that such completions are judged like any other.
    /// `content` holds what follows the thinking, answer tags included.
    ///
    /// Parse it with an empty `prompt_tail`: the opening marker is written
    /// here unless the options say that the prompt always has it. Markers
    /// within `think` count, so a thinking that closes itself is invalid.
    /// Blank thinking is left out where the format does not demand any.
    ///
    /// ```
    /// use goldstone::format::{Format, FormatOptions, Template};
    ///
    /// let options = FormatOptions { template: Some(Template::ThinkText), ..Default::default() };
    /// let format = Format::compile(&options, None).unwrap();
    /// assert!(format.parse(&format.render("2 + 2", "4"), "").is_valid());
    /// assert!(!format.parse(&format.render("", "4"), "").is_valid());
    /// ```
    #[must_use]
    pub fn render(&self, think: &str, content: &str) -> String {
        self.engine.render(think, content, &self.options)
    }

    fn completion(&self, parsed: Parsed) -> Completion {
        let newlines = match self.options.normalize_newlines {
            true => Newlines::Lf,
            false => Newlines::Keep,
        };
        let section = |spans| Section { spans, newlines };
        let (think, answer, violation) = match parsed.outcome {
            Ok(spans) => (spans.think.map(section), Some(section(spans.answer)), None),
            Err(violation) => (None, None, Some(violation)),
        };
        Completion {
            think,
            answer,
            violation,
            markers: parsed.markers,
            marker_count: parsed.marker_count,
            lookalikes: parsed.lookalikes,
            tags: parsed.tags,
            response: parsed.response,
        }
    }
}

/// Where the text ends once the suffixes are taken off; white space at the end
/// stays where there was none.
fn strip_suffix(text: &str, suffixes: &[String]) -> usize {
    let mut left = text;
    loop {
        let trimmed = left.trim_end_matches(BLANKS);
        match suffixes
            .iter()
            .find_map(|suffix| trimmed.strip_suffix(suffix.trim_end_matches(BLANKS)))
        {
            Some(shorter) => left = shorter,
            None => return left.len(),
        }
    }
}
