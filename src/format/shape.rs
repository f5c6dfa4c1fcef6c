//! The shipped tagged formats as pest grammars: text in, the two bodies out.
//!
//! The grammars under `grammars/` say in one place what a whole text looks
//! like. A completion is valid only if the marker rules (`tagged.rs`) and the
//! grammar agree on it, so that a slip in either pays nothing. The grammars
//! know the strict rules alone; loosened options are judged by the markers.

use std::ops::Range;

use pest::Parser;

use super::completion::trim;
use super::tagged::{Opened, Sections};
use super::template::{Grammar, Opening};

/// pest makes the rules a public type, so each parser has a private module.
macro_rules! parser {
    ($module:ident, $grammar:literal) => {
        mod $module {
            #[derive(pest_derive::Parser)]
            #[grammar = $grammar]
            pub(super) struct Grammar;
        }
    };
}

parser!(r1, "grammars/r1.pest");
parser!(r1_zh, "grammars/r1_zh.pest");
parser!(think_text, "grammars/think_text.pest");
parser!(magistral, "grammars/magistral.pest");
parser!(kimi, "grammars/kimi.pest");
parser!(ether0, "grammars/ether0.pest");

/// Runs one root rule and gathers its two bodies, trimmed.
macro_rules! parse {
    ($module:ident, $root:ident, $text:expr, [$($think:ident),+]) => {{
        let mut think = None;
        let mut answer = None;
        for pair in $module::Grammar::parse($module::Rule::$root, $text).ok()? {
            let span = pair.as_span().start()..pair.as_span().end();
            match pair.as_rule() {
                $($module::Rule::$think)|+ => think = Some(trim($text, span)),
                $module::Rule::answer => answer = Some(trim($text, span)),
                _ => {}
            }
        }
        (think, answer)
    }};
}

/// The trimmed bodies of a text that has the strict shape. Boxes and code
/// blocks in the answer are not looked at.
pub(super) fn sections(
    grammar: Grammar,
    opening: Opening,
    opened: Opened,
    text: &str,
) -> Option<Sections> {
    use Grammar as G;
    use Opened::{ByCompletion, ByPrompt};
    let (think, answer): (Option<Range<usize>>, Option<Range<usize>>) = match (grammar, opened) {
        (G::R1, ByCompletion) => parse!(r1, doc, text, [think]),
        (G::R1, ByPrompt) => parse!(r1, doc_prefill, text, [think]),
        (G::R1Zh, ByCompletion) => parse!(r1_zh, doc, text, [think]),
        (G::R1Zh, ByPrompt) => parse!(r1_zh, doc_prefill, text, [think]),
        (G::ThinkText, ByCompletion) if opening == Opening::Optional => {
            parse!(think_text, doc_optional, text, [think, any_think])
        }
        (G::ThinkText, ByPrompt) if opening == Opening::Optional => {
            parse!(think_text, doc_optional_prefill, text, [think, any_think])
        }
        (G::ThinkText, ByCompletion) => parse!(think_text, doc, text, [think]),
        (G::ThinkText, ByPrompt) => parse!(think_text, doc_prefill, text, [think]),
        (G::Magistral, ByCompletion) => parse!(magistral, doc, text, [think]),
        (G::Magistral, ByPrompt) => parse!(magistral, doc_prefill, text, [think]),
        (G::Kimi, ByCompletion) => parse!(kimi, doc, text, [think]),
        (G::Kimi, ByPrompt) => parse!(kimi, doc_prefill, text, [think]),
        (G::Ether0, ByCompletion) => parse!(ether0, doc, text, [think]),
        (G::Ether0, ByPrompt) => parse!(ether0, doc_prefill, text, [think]),
    };
    Some(Sections {
        think,
        answer: answer?,
    })
}
