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

mod codes;
mod completion;
mod error;
mod facts;
mod fence;
mod harmony;
mod lookalike;
mod options;
mod safety;
mod scan;
mod shape;
mod tagged;
mod template;
mod user;
mod words;

pub use codes::REASON_CODES;
pub use completion::{Completion, Marker, Section, Violation};
pub use error::FormatError;
pub use options::{
    Between, BoxedRule, Duplicates, FormatOptions, Input, Lookalike, OuterText, Prefill,
    TagsInCode, Template,
};

use std::ops::Range;

use completion::{BLANKS, Newlines, TagCount, trim};
use lookalike::Lookalikes;
use scan::{Case, Scanner};
use tagged::{Opened, Sections};
use template::{Content, Opening, Shape, Tagged};
use user::{Roles, UserGrammar};

/// A compiled format; cheap to share between threads.
#[derive(Debug)]
pub struct Format {
    options: FormatOptions,
    engine: Engine,
}

/// What judges the text.
#[derive(Debug)]
enum Engine {
    Text,
    Tagged {
        tagged: Tagged,
        scanner: Scanner,
        lookalikes: Option<Lookalikes>,
    },
    Harmony {
        scanner: Scanner,
    },
    User {
        grammar: Box<UserGrammar>,
    },
}

/// What an engine finds, before it becomes a [`Completion`].
struct Parsed {
    outcome: Result<Spans, Violation>,
    markers: Vec<Marker>,
    lookalikes: usize,
    tags: TagCount,
    response_start: usize,
}

/// The trimmed ranges of the sections; no thinking is not empty thinking.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spans {
    think: Option<Vec<Range<usize>>>,
    answer: Vec<Range<usize>>,
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
        check_common(options)?;
        let engine = match (&options.grammar, grammar_text) {
            (Some(_), Some(text)) => compile_user(text, options)?,
            (Some(_), None) => {
                return Err(FormatError::new(
                    "grammar",
                    "is named, but its text is not given",
                ));
            }
            (None, _) => compile_template(options)?,
        };
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
            return self.completion(Parsed::failed(violation), text.len());
        }
        let end = strip_suffix(text, &self.options.strip_suffix);
        let text = &text[..end];
        let mut parsed = match &self.engine {
            Engine::Text => Parsed::whole(text),
            Engine::Tagged {
                tagged,
                scanner,
                lookalikes,
            } => {
                let opened = self.opened(tagged, prompt_tail);
                self.parse_tagged(tagged, scanner, lookalikes.as_ref(), text, opened)
            }
            Engine::Harmony { scanner } => {
                parse_harmony(scanner, text, self.opened_by(harmony::PREFILL, prompt_tail))
            }
            Engine::User { grammar } => Parsed {
                outcome: grammar.spans(text),
                markers: grammar.markers(text),
                lookalikes: 0,
                tags: TagCount::default(),
                response_start: grammar.response_start(text),
            },
        };
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
        self.completion(parsed, end)
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
        match &self.engine {
            Engine::Text => content.to_owned(),
            Engine::Tagged { tagged, .. } => {
                let blank = think.trim_matches(BLANKS).is_empty();
                if blank && tagged.opening == Opening::Optional {
                    return content.to_owned();
                }
                let open = match self.opened(tagged, "") {
                    Opened::ByPrompt => "",
                    Opened::ByCompletion => tagged.think.open,
                };
                let close = tagged.think.close;
                format!("{open}\n{think}\n{close}\n{content}")
            }
            Engine::Harmony { .. } => {
                harmony::render(think, content, self.opened_by(harmony::PREFILL, ""))
            }
            Engine::User { grammar } => grammar.render(think, content),
        }
    }

    /// Whether the prompt has opened the thinking.
    fn opened(&self, tagged: &Tagged, prompt_tail: &str) -> Opened {
        match tagged.opening {
            Opening::Prefilled => Opened::ByPrompt,
            Opening::Required | Opening::Optional => self.opened_by(tagged.think.open, prompt_tail),
        }
    }

    /// The same for this opening marker.
    fn opened_by(&self, open: &str, prompt_tail: &str) -> Opened {
        let tail = prompt_tail.trim_end_matches(BLANKS);
        let by_prompt = match self.options.prefill {
            Prefill::Literal(_) => true,
            Prefill::None => false,
            Prefill::Auto => ends_with(tail, open, case(&self.options)),
        };
        if by_prompt {
            Opened::ByPrompt
        } else {
            Opened::ByCompletion
        }
    }

    fn parse_tagged(
        &self,
        tagged: &Tagged,
        scanner: &Scanner,
        lookalikes: Option<&Lookalikes>,
        text: &str,
        opened: Opened,
    ) -> Parsed {
        let options = &self.options;
        let mut markers = scanner.find_all(text);
        let lookalikes = lookalikes.map_or(0, |finder| finder.count(text, markers.len()));
        if options.tags_in_code == TagsInCode::Ignore {
            drop_in_code(text, &mut markers);
        }
        let outcome = tagged
            .bodies(text, &markers, opened, options)
            .and_then(|bodies| confirm(tagged, text, bodies, opened, options));
        let close = markers
            .iter()
            .rfind(|marker| marker.name == tagged::THINK_CLOSE);
        Parsed {
            outcome: outcome.map(|sections| Spans {
                think: sections.think.map(|think| vec![think]),
                answer: vec![sections.answer],
            }),
            lookalikes,
            tags: tagged.count_tags(&markers, opened),
            response_start: close.map_or(0, |close| close.span.end),
            markers,
        }
    }

    fn completion(&self, parsed: Parsed, end: usize) -> Completion {
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
            lookalikes: parsed.lookalikes,
            tags: parsed.tags,
            response_start: parsed.response_start,
            end,
        }
    }
}

impl Parsed {
    fn failed(violation: Violation) -> Self {
        Self {
            outcome: Err(violation),
            markers: Vec::new(),
            lookalikes: 0,
            tags: TagCount::default(),
            response_start: 0,
        }
    }

    /// A text without structure.
    fn whole(text: &str) -> Self {
        let spans = Spans {
            think: None,
            answer: vec![trim(text, 0..text.len())],
        };
        let nothing = Violation {
            code: codes::EMPTY_TEXT,
            at: 0,
        };
        Self {
            outcome: Ok(spans),
            ..Self::failed(nothing)
        }
    }
}

/// The sections, if the contents are right and, under the strict rules, the
/// grammar finds the same bodies.
fn confirm(
    tagged: &Tagged,
    text: &str,
    bodies: tagged::Bodies,
    opened: Opened,
    options: &FormatOptions,
) -> Result<Sections, Violation> {
    let found = tagged.sections(text, bodies.clone(), options)?;
    let strict = options.duplicates == Duplicates::Forbid
        && options.tags_in_code == TagsInCode::Count
        && options.outer_text == OuterText::Forbid
        && options.between == Between::Ws
        && !options.case_insensitive;
    if !strict {
        return Ok(found);
    }
    let trimmed = Sections {
        think: bodies.think.map(|think| trim(text, think)),
        answer: trim(text, bodies.answer),
    };
    match shape::sections(tagged.grammar, tagged.opening, opened, text) {
        Some(shape) if shape == trimmed => Ok(found),
        _ => Err(Violation {
            code: codes::NO_MATCH,
            at: 0,
        }),
    }
}

fn parse_harmony(scanner: &Scanner, text: &str, opened: Opened) -> Parsed {
    let markers = scanner.find_all(text);
    let outcome = harmony::spans(text, &markers, opened).and_then(|spans| {
        match harmony::shape(text, opened) {
            Some(shape) if shape == spans => Ok(spans),
            _ => Err(Violation {
                code: codes::NO_MATCH,
                at: 0,
            }),
        }
    });
    let response_start = harmony::response_start(text, &markers);
    Parsed {
        outcome,
        markers,
        lookalikes: 0,
        tags: TagCount::default(),
        response_start,
    }
}

/// Options that hold for every format.
fn check_common(options: &FormatOptions) -> Result<(), FormatError> {
    if options.max_bytes == 0 {
        return Err(FormatError::new("max_bytes", "must be at least 1"));
    }
    if options
        .strip_suffix
        .iter()
        .any(|suffix| suffix.trim_matches(BLANKS).is_empty())
    {
        return Err(FormatError::new(
            "strip_suffix",
            "has a blank entry; white space at the end is always left out",
        ));
    }
    Ok(())
}

fn compile_template(options: &FormatOptions) -> Result<Engine, FormatError> {
    let roles = [
        ("root", &options.root),
        ("think", &options.think),
        ("answer", &options.answer),
    ];
    if let Some((field, _)) = roles.iter().find(|(_, role)| role.is_some()) {
        return Err(FormatError::new(
            field,
            "names a rule of a grammar, but `grammar` is not set",
        ));
    }
    let template = options.template.unwrap_or(Template::Text);
    if let Some(tagged) = template::tagged(template) {
        return compile_tagged(tagged, options);
    }
    check_untagged(options)?;
    match template {
        Template::Harmony => compile_harmony(options),
        _ if matches!(options.prefill, Prefill::Literal(_)) => Err(FormatError::new(
            "prefill",
            "has no effect: the template `text` has no markers",
        )),
        _ => Ok(Engine::Text),
    }
}

fn compile_user(text: &str, options: &FormatOptions) -> Result<Engine, FormatError> {
    if options.template.is_some() {
        return Err(FormatError::new(
            "grammar",
            "excludes `template`; keep one of them",
        ));
    }
    check_untagged(options)?;
    if matches!(options.prefill, Prefill::Literal(_)) {
        return Err(FormatError::new(
            "prefill",
            "is not supported with `grammar`; write the grammar for what the completion itself holds",
        ));
    }
    let Some(answer) = options.answer.as_deref() else {
        return Err(FormatError::new(
            "answer",
            "must name the grammar's rule for the answer",
        ));
    };
    let root = options.root.as_deref().unwrap_or("doc");
    let roles = Roles {
        root,
        think: options.think.as_deref(),
        answer,
    };
    Ok(Engine::User {
        grammar: Box::new(UserGrammar::compile(text, &roles)?),
    })
}

/// Options that speak of tags, for formats that have none.
fn check_untagged(options: &FormatOptions) -> Result<(), FormatError> {
    let plain = FormatOptions::default();
    let idle = [
        ("case_insensitive", options.case_insensitive),
        ("tags_in_code", options.tags_in_code != plain.tags_in_code),
        ("outer_text", options.outer_text != plain.outer_text),
        ("between", options.between != plain.between),
        ("duplicates", options.duplicates != plain.duplicates),
        ("boxed", options.boxed != plain.boxed),
    ];
    match idle.iter().find(|(_, set)| *set) {
        Some((field, _)) => Err(FormatError::new(
            field,
            "has no effect: this format has no fixed tags",
        )),
        None => Ok(()),
    }
}

fn compile_harmony(options: &FormatOptions) -> Result<Engine, FormatError> {
    if let Prefill::Literal(text) = &options.prefill
        && !text.trim_end_matches(BLANKS).ends_with(harmony::PREFILL)
    {
        return Err(FormatError::new(
            "prefill",
            format!(
                "must be `auto`, `none`, or a text that ends with `{}`",
                harmony::PREFILL
            ),
        ));
    }
    let scanner = harmony::scanner().map_err(|message| FormatError::new("template", message))?;
    Ok(Engine::Harmony { scanner })
}

fn compile_tagged(tagged: Tagged, options: &FormatOptions) -> Result<Engine, FormatError> {
    let literals = tagged.literals();
    let build = |message| FormatError::new("template", message);
    let scanner = Scanner::new(&literals, case(options)).map_err(build)?;
    if options.between != Between::Ws && matches!(tagged.shape, Shape::Tail) {
        return Err(FormatError::new(
            "between",
            "has no effect: in this template the answer is all text after the thinking",
        ));
    }
    if options.boxed != BoxedRule::Unique && tagged.content != Content::Boxed {
        return Err(FormatError::new(
            "boxed",
            "has no effect: use the template `think_boxed`",
        ));
    }
    match &options.prefill {
        Prefill::None if tagged.opening == Opening::Prefilled => {
            return Err(FormatError::new(
                "prefill",
                "is `none`, but this template says that the prompt opens the thinking",
            ));
        }
        Prefill::Literal(text) => {
            let found = scanner.find_all(text);
            let opens = found.len() == 1
                && found[0].name == tagged::THINK_OPEN
                && text[..found[0].span.start].trim_matches(BLANKS).is_empty();
            if !opens {
                let open = tagged.think.open;
                return Err(FormatError::new(
                    "prefill",
                    format!(
                        "must be `auto`, `none`, or a text that begins with `{open}` and has no other marker"
                    ),
                ));
            }
        }
        Prefill::None | Prefill::Auto => {}
    }
    let lookalikes = match options.lookalike {
        Lookalike::Ignore => None,
        Lookalike::Flag => {
            Some(Lookalikes::new(literals.iter().map(|(_, literal)| *literal)).map_err(build)?)
        }
    };
    Ok(Engine::Tagged {
        tagged,
        scanner,
        lookalikes,
    })
}

fn case(options: &FormatOptions) -> Case {
    if options.case_insensitive {
        Case::Ignored
    } else {
        Case::Exact
    }
}

fn ends_with(text: &str, end: &str, case: Case) -> bool {
    let Some(start) = text.len().checked_sub(end.len()) else {
        return false;
    };
    let tail = &text.as_bytes()[start..];
    match case {
        Case::Exact => tail == end.as_bytes(),
        Case::Ignored => tail.eq_ignore_ascii_case(end.as_bytes()),
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

/// Drops the markers that begin within Markdown code.
fn drop_in_code(text: &str, markers: &mut Vec<Marker>) {
    let ranges = fence::code_ranges(text);
    markers.retain(|marker| {
        let after = ranges.partition_point(|range| range.start <= marker.span.start);
        !after
            .checked_sub(1)
            .is_some_and(|index| marker.span.start < ranges[index].end)
    });
}

#[cfg(test)]
mod tests {
    //! The grammars accept nothing that the marker rules refuse; the other
    //! direction is seen from outside, as `no_match`.

    use proptest::prelude::*;

    use super::*;

    fn scanned(format: &Format, text: &str, opened: Opened) -> (Option<Spans>, Option<Spans>) {
        match &format.engine {
            Engine::Tagged {
                tagged, scanner, ..
            } => {
                let bodies = tagged
                    .bodies(text, &scanner.find_all(text), opened, &format.options)
                    .ok();
                let found = bodies.and_then(|bodies| {
                    // The grammars know nothing of boxes and code blocks.
                    let plain = Tagged {
                        content: Content::Any,
                        ..*tagged
                    };
                    plain.sections(text, bodies, &format.options).ok()
                });
                let shape = shape::sections(tagged.grammar, tagged.opening, opened, text);
                let spans = |found: Sections| Spans {
                    think: found.think.map(|think| vec![think]),
                    answer: vec![found.answer],
                };
                (found.map(spans), shape.map(spans))
            }
            Engine::Harmony { scanner } => {
                let found = harmony::spans(text, &scanner.find_all(text), opened).ok();
                (found, harmony::shape(text, opened))
            }
            Engine::Text | Engine::User { .. } => (None, None),
        }
    }

    fn pieces() -> impl Strategy<Value = String> {
        let tags = prop::sample::select(vec![
            "<think>",
            "</think>",
            "<answer>",
            "</answer>",
            "a",
            " ",
            "<",
            "\n",
            "é",
        ]);
        let tokens = prop::sample::select(vec![
            "<|start|>assistant",
            "<|channel|>analysis",
            "<|channel|>final",
            "<|channel|>commentary to=f",
            "<|message|>",
            "<|end|>",
            "<|return|>",
            "<|call|>",
            "<|start|>f to=assistant",
            "<|constrain|>json",
            " to=f",
            " json",
            "a",
        ]);
        prop_oneof![
            prop::collection::vec(tags, 0..9).prop_map(|parts| parts.concat()),
            prop::collection::vec(tokens, 0..12).prop_map(|parts| parts.concat()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

        #[test]
        fn grammar_and_markers_are_equal(text in pieces()) {
            prop_assume!(!trim(&text, 0..text.len()).is_empty());
            for template in Template::ALL {
                let options = FormatOptions { template: Some(template), ..Default::default() };
                let format = Format::compile(&options, None).unwrap();
                for opened in [Opened::ByPrompt, Opened::ByCompletion] {
                    let (markers, grammar) = scanned(&format, &text, opened);
                    prop_assert_eq!(&markers, &grammar, "{:?} {:?}", template, opened);
                }
            }
        }
    }
}
