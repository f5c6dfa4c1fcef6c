//! From options to an engine: the checks that options fit each other and the
//! format that they ask for.
//!
//! An option without effect is refused rather than ignored: who sets it
//! believes that it does something.

use super::completion::BLANKS;
use super::engine::{Engine, case};
use super::error::FormatError;
use super::lookalike::Lookalikes;
use super::options::{Between, BoxedRule, FormatOptions, Lookalike, Prefill, Template};
use super::scan::Scanner;
use super::template::{self, Content, Opening, Shape, Tagged};
use super::user::{Roles, UserGrammar};
use super::{harmony, tagged};

/// Checks the options and builds what judges the text.
pub(super) fn engine(
    options: &FormatOptions,
    grammar_text: Option<&str>,
) -> Result<Engine, FormatError> {
    check_common(options)?;
    match (&options.grammar, grammar_text) {
        (Some(_), Some(text)) => compile_user(text, options),
        (Some(_), None) => Err(FormatError::new(
            "grammar",
            "is named, but its text is not given",
        )),
        (None, _) => compile_template(options),
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
            let markers = scanner.find_all(text, Vec::new());
            let found = markers.kept();
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
        Lookalike::Flag => Some(Lookalikes::new(
            literals.iter().map(|(_, literal)| *literal),
        )),
    };
    Ok(Engine::Tagged {
        tagged,
        scanner,
        lookalikes,
    })
}
