//! Errors of a spec, rendered the way a compiler does: file, line, column,
//! caret, and the likely fix.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A spec that cannot be used; all its mistakes at once.
///
/// `Display` gives the plain rendering that [`SpecError::render`] describes.
#[derive(Clone, Debug)]
pub struct SpecError {
    origin: String,
    text: String,
    problems: Vec<Problem>,
    /// What did not happen because of them.
    consequence: &'static str,
}

/// One mistake.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    /// Where in the spec, in bytes.
    pub(crate) span: Range<usize>,
    /// What is wrong.
    pub(crate) title: String,
    /// What stands at the caret: the expectation.
    pub(crate) label: String,
    /// The likely fix.
    pub(crate) help: Option<String>,
}

/// Whether a rendering may use terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// ANSI escapes.
    Ansi,
    /// Plain text.
    None,
}

impl Problem {
    /// The plain rendering of one that is no error.
    pub(crate) fn render_warning(&self, origin: &str, text: &str) -> String {
        Renderer::plain().render(&[self.group(&Level::WARNING, origin, text)])
    }

    fn group<'p>(&'p self, level: &Level<'p>, origin: &'p str, text: &'p str) -> Group<'p> {
        let place = AnnotationKind::Primary.span(self.span.clone());
        let snippet = Snippet::source(text)
            .path(origin)
            .annotation(place.label(self.label.as_str()));
        let group = level.clone().primary_title(self.title.as_str());
        let group = group.element(snippet);
        match &self.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }
}

impl SpecError {
    pub(crate) fn new(origin: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span.start);
        Self {
            origin: origin.to_owned(),
            text: text.to_owned(),
            problems,
            consequence: "nothing was scored",
        }
    }

    /// The same mistakes, of a text that is read for another purpose.
    #[cfg(feature = "train")]
    pub(crate) fn with_consequence(self, consequence: &'static str) -> Self {
        Self {
            consequence,
            ..self
        }
    }

    /// The mistakes, in the order of the text.
    #[cfg(feature = "train")]
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Number of mistakes found, at least 1.
    #[must_use]
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// Line and column of each mistake, 1-based, the column in characters.
    pub fn positions(&self) -> impl Iterator<Item = (usize, usize)> {
        self.problems.iter().map(|problem| {
            let before = &self.text[..problem.span.start.min(self.text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .chars()
                .count()
                + 1;
            (line, column)
        })
    }

    /// All mistakes in the order of the text, each with its source line, a
    /// caret and a help line, followed by their number.
    #[must_use]
    pub fn render(&self, colour: Colour) -> String {
        let renderer = match colour {
            Colour::Ansi => Renderer::styled(),
            Colour::None => Renderer::plain(),
        };
        let mut rendered = String::new();
        for problem in &self.problems {
            let group = problem.group(&Level::ERROR, &self.origin, &self.text);
            rendered.push_str(&renderer.render(&[group]));
            rendered.push_str("\n\n");
        }
        let errors = if self.count() == 1 {
            "1 error"
        } else {
            &format!("{} errors", self.count())
        };
        rendered.push_str(&format!("{}: {errors}; {}", self.origin, self.consequence));
        rendered
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Colour::None))
    }
}

impl std::error::Error for SpecError {}

/// The known name that `name` most likely means, if one is near.
pub(crate) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let lower = name.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        // A third of the letters may differ: beyond that a guess misleads.
        .filter(|(distance, candidate)| distance * 3 <= candidate.len().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
