//! The shipped tagged formats as data: markers, shape, and what the answer is.

use super::options::Template;

/// A format of two tagged parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tagged {
    pub(super) think: Pair,
    pub(super) shape: Shape,
    pub(super) opening: Opening,
    pub(super) content: Content,
    pub(super) grammar: Grammar,
}

/// An opening and a closing marker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) open: &'static str,
    pub(super) close: &'static str,
}

/// What follows the thinking.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// An answer between markers of its own.
    Blocks(Pair),
    /// The answer is the rest of the text.
    Tail,
}

/// Whether the completion must open the thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// It must.
    Required,
    /// The prompt always has done so.
    Prefilled,
    /// There may be no thinking, or an empty one.
    Optional,
}

/// What the answer must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Something that is no white space.
    Any,
    /// One box, whose inside is the answer.
    Boxed,
    /// A closed, labelled code block.
    Python,
}

/// Which file under `grammars/` describes the shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    R1,
    R1Zh,
    ThinkText,
    Magistral,
    Kimi,
    Ether0,
}

const THINK: Pair = Pair {
    open: "<think>",
    close: "</think>",
};

const R1: Tagged = Tagged {
    think: THINK,
    shape: Shape::Blocks(Pair {
        open: "<answer>",
        close: "</answer>",
    }),
    opening: Opening::Required,
    content: Content::Any,
    grammar: Grammar::R1,
};

const THINK_TEXT: Tagged = Tagged {
    think: THINK,
    shape: Shape::Tail,
    opening: Opening::Required,
    content: Content::Any,
    grammar: Grammar::ThinkText,
};

/// The tagged format of that name; `None` for `text` and `harmony`, which have
/// no tags.
pub(super) fn tagged(template: Template) -> Option<Tagged> {
    Some(match template {
        Template::Text | Template::Harmony => return None,
        Template::R1 => R1,
        Template::R1Prefill => Tagged {
            opening: Opening::Prefilled,
            ..R1
        },
        Template::R1CodePython => Tagged {
            content: Content::Python,
            ..R1
        },
        Template::ThinkText => THINK_TEXT,
        Template::ThinkTextPrefill => Tagged {
            opening: Opening::Prefilled,
            ..THINK_TEXT
        },
        Template::ThinkOptional => Tagged {
            opening: Opening::Optional,
            ..THINK_TEXT
        },
        Template::ThinkBoxed => Tagged {
            content: Content::Boxed,
            ..THINK_TEXT
        },
        Template::Magistral => Tagged {
            think: Pair {
                open: "[THINK]",
                close: "[/THINK]",
            },
            grammar: Grammar::Magistral,
            ..THINK_TEXT
        },
        Template::Kimi => Tagged {
            think: Pair {
                open: "◁think▷",
                close: "◁/think▷",
            },
            grammar: Grammar::Kimi,
            ..THINK_TEXT
        },
        Template::Ether0 => Tagged {
            think: Pair {
                open: "<|think_start|>",
                close: "<|think_end|>",
            },
            shape: Shape::Blocks(Pair {
                open: "<|answer_start|>",
                close: "<|answer_end|>",
            }),
            grammar: Grammar::Ether0,
            ..R1
        },
        Template::R1Zh => Tagged {
            think: Pair {
                open: "<思考>",
                close: "</思考>",
            },
            shape: Shape::Blocks(Pair {
                open: "<回答>",
                close: "</回答>",
            }),
            grammar: Grammar::R1Zh,
            ..R1
        },
    })
}
