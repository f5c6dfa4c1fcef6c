//! The program in a completion's answer.
//!
//! It is the last closed code block with the language's label, else the last
//! closed one without a label, else the whole text where that begins as a program
//! does. A block that is never closed is an answer that was cut off: there is no
//! program then, whatever stands before it. Only the answer section is looked at,
//! so nothing is taken out of the thinking.

use std::ops::Range;

use crate::format::code_blocks;

/// A program and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    /// The source.
    pub source: String,
    /// Its byte range in the text that was searched.
    pub span: Range<usize>,
}

/// Why a text holds no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCode {
    /// There is no code block, and the text does not begin as a program does.
    NotCode,
    /// The last code block is never closed.
    UnclosedBlock,
    /// There are code blocks, in other languages all.
    OtherLanguage,
    /// The block is empty.
    Empty,
}

impl NoCode {
    /// A stable snake_case code, for verdicts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            NoCode::NotCode => "no_code",
            NoCode::UnclosedBlock => "unclosed_code",
            NoCode::OtherLanguage => "other_language",
            NoCode::Empty => "empty_code",
        }
    }
}

/// Labels of Python blocks.
const LABELS: [&str; 4] = ["python", "py", "python3", "python 3"];

/// Finds the Python program in `answer`.
///
/// ````
/// use goldstone::code::{NoCode, extract};
///
/// let found = extract("Sorted:\n```python\nprint(42)\n```\n").expect("a program");
/// assert_eq!(found.source, "print(42)\n");
/// assert_eq!(extract("I would sort the list."), Err(NoCode::NotCode));
/// assert_eq!(extract("```python\nprint(4"), Err(NoCode::UnclosedBlock));
/// ````
///
/// # Errors
/// [`NoCode`] where there is none.
pub fn extract(answer: &str) -> Result<Extracted, NoCode> {
    let blocks = code_blocks(answer);
    if blocks.iter().any(|block| block.code.is_none()) {
        return Err(NoCode::UnclosedBlock);
    }
    let label = |range: &Range<usize>| answer[range.clone()].to_ascii_lowercase();
    let labelled = blocks
        .iter()
        .rfind(|block| LABELS.contains(&label(&block.label).as_str()))
        .or_else(|| blocks.iter().rfind(|block| block.label.is_empty()));
    let span = match labelled.and_then(|block| block.code.clone()) {
        Some(span) => span,
        None if !blocks.is_empty() => return Err(NoCode::OtherLanguage),
        None if begins_as_code(answer) => 0..answer.len(),
        None => return Err(NoCode::NotCode),
    };
    let source = &answer[span.clone()];
    if source.trim().is_empty() {
        return Err(NoCode::Empty);
    }
    Ok(Extracted {
        source: dedented(source),
        span,
    })
}

/// The source without the margin of a block that stands in a list.
fn dedented(source: &str) -> String {
    let first = source.lines().find(|line| !line.trim().is_empty());
    let margin = first.map_or("", |line| &line[..line.len() - line.trim_start().len()]);
    let has_margin = !margin.is_empty()
        && source
            .lines()
            .all(|line| line.trim().is_empty() || line.starts_with(margin));
    if !has_margin {
        return source.to_owned();
    }
    source
        .split_inclusive('\n')
        .map(|line| line.strip_prefix(margin).unwrap_or(line))
        .collect()
}

/// Whether the first line of code is one that prose never is.
fn begins_as_code(text: &str) -> bool {
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|sign| sign.is_alphanumeric() || matches!(sign, '_' | '.'))
    };
    let line = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim_end)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(line) = line else { return false };
    let (word, rest) = line.split_once([' ', '(']).unwrap_or((line, ""));
    match word {
        "def" | "class" | "async" | "if" | "for" | "while" | "with" => line.ends_with(':'),
        "try:" => true,
        "import" => rest
            .split(',')
            .all(|part| part.split(" as ").all(|name| is_name(name.trim()))),
        "from" => rest
            .split_once(" import ")
            .is_some_and(|(module, names)| is_name(module) && !names.is_empty()),
        _ if line.starts_with('@') => is_name(&line[1..]),
        // A call or an assignment at the margin.
        name => {
            is_name(name)
                && (line[name.len()..].starts_with('(') && line.ends_with(')')
                    || rest.starts_with("= ") && !rest.ends_with('.'))
        }
    }
}
