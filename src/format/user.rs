//! A user's own grammar: pest text in, a parser for completions out.
//!
//! The grammar is read by pest_meta, checked by `safety.rs`, and run by
//! pest_vm. No global limit of pest is set or relied on: the checks bound the
//! time and the depth, and a trial run in counted steps stands behind them.

use std::ops::Range;

use pest::error::{Error, LineColLocation};
use pest_meta::ast::{Expr, Rule, RuleType};
use pest_meta::parser::{self, Rule as MetaRule};
use pest_meta::{optimizer, validator};
use pest_vm::Vm;

use super::completion::{BLANKS, Violation, trim};
use super::engine::Spans;
use super::error::FormatError;
use super::facts::RuleFacts;
use super::safety::{Checked, Fault};
use super::scan::{Case, Markers, Scanner};
use super::{codes, linear, safety, trial};

/// Longest grammar, in bytes.
const MAX_GRAMMAR_BYTES: usize = 16 << 10;

/// Most operators in a grammar, and most that are open or in a row: pest's own
/// reader recurses over them.
const MAX_OPERATORS: usize = 500;
const MAX_NESTING: usize = 50;

/// The marker name of a user grammar's literals.
const LITERAL: &str = "literal";

/// Which rules of the grammar are what.
#[derive(Clone, Debug)]
pub(super) struct Roles<'o> {
    pub(super) root: &'o str,
    pub(super) think: Option<&'o str>,
    pub(super) answer: &'o str,
}

/// A grammar that is safe to run.
pub(super) struct UserGrammar {
    vm: Vm,
    root: String,
    think: Option<String>,
    answer: String,
    scanner: Scanner,
    /// The literals around the thinking, where it comes before the answer.
    around_think: Option<(String, String)>,
}

impl std::fmt::Debug for UserGrammar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserGrammar")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

impl UserGrammar {
    /// Reads, checks and prepares a grammar.
    pub(super) fn compile(text: &str, roles: &Roles<'_>) -> Result<Self, FormatError> {
        bound_reader(text)?;
        let pairs = parser::parse(MetaRule::grammar_rules, text).map_err(from_pest)?;
        validator::validate_pairs(pairs.clone()).map_err(first_of)?;
        let rules = parser::consume_rules(pairs).map_err(first_of)?;
        let refuse = |fault: Fault| {
            FormatError::in_grammar(
                place(text, &fault.rule, fault.near),
                format!("rule `{}`: {}", fault.rule, fault.message),
            )
        };
        let Checked {
            facts,
            order: by_reference,
        } = safety::check(&rules, roles.root).map_err(refuse)?;
        let order = visible(&rules, roles.root);
        for (field, name) in [
            ("root", Some(roles.root)),
            ("think", roles.think),
            ("answer", Some(roles.answer)),
        ] {
            if let Some(name) = name {
                check_role(field, name, text, &rules, &order)?;
            }
        }
        if roles.think == Some(roles.answer) {
            return Err(FormatError::new("think", "names the same rule as `answer`"));
        }
        if let Some(think) = roles.think
            && visible(&rules, think)
                .iter()
                .any(|name| name == roles.answer)
        {
            return Err(FormatError::new(
                "answer",
                "is a part of the rule `think`; an answer within the thinking is none",
            ));
        }
        let literals = literals(&rules);
        let names: Vec<_> = literals
            .iter()
            .map(|literal| (LITERAL, literal.as_str()))
            .collect();
        let scanner = Scanner::new(&names, Case::Exact)
            .map_err(|message| FormatError::new("grammar", message))?;
        let think_first = roles.think.is_some_and(|think| {
            order
                .iter()
                .find(|name| *name == think || *name == roles.answer)
                == Some(&think.to_owned())
        });
        let around_think = roles
            .think
            .filter(|_| think_first)
            .and_then(|think| around(&rules, &facts, think));
        let optimized = optimizer::optimize(rules);
        linear::check(&optimized, &by_reference).map_err(refuse)?;
        trial::run(&optimized, roles.root)
            .map_err(|message| FormatError::new("grammar", message))?;
        Ok(Self {
            vm: Vm::new(optimized),
            root: roles.root.to_owned(),
            think: roles.think.map(str::to_owned),
            answer: roles.answer.to_owned(),
            scanner,
            around_think,
        })
    }

    /// The grammar's literals in the text, for display.
    pub(super) fn markers<'t>(&'t self, text: &'t str) -> Markers<'t> {
        self.scanner.find_all(text, Vec::new())
    }

    /// The trimmed sections of a text that the root matches.
    pub(super) fn spans(&self, text: &str) -> Result<Spans, Violation> {
        let pairs = self.vm.parse(&self.root, text).map_err(|error| Violation {
            code: codes::NO_MATCH,
            at: match error.location {
                pest::error::InputLocation::Pos(at) => at,
                pest::error::InputLocation::Span((at, _)) => at,
            },
        })?;
        let mut think: Vec<Range<usize>> = Vec::new();
        let mut answer: Option<Range<usize>> = None;
        for pair in pairs.flatten() {
            let span = pair.as_span().start()..pair.as_span().end();
            let rule = pair.as_rule();
            if rule == self.answer {
                if answer.is_some() {
                    return Err(Violation {
                        code: codes::DUPLICATE_SECTION,
                        at: span.start,
                    });
                }
                answer = Some(span);
            } else if self.think.as_deref() == Some(rule) {
                think.push(trim(text, span));
            }
        }
        let Some(answer) = answer else {
            return Err(Violation {
                code: codes::MISSING_SECTION,
                at: text.len(),
            });
        };
        let trimmed = trim(text, answer.clone());
        if trimmed.is_empty() {
            return Err(Violation {
                code: codes::EMPTY_ANSWER,
                at: answer.end,
            });
        }
        Ok(Spans {
            think: (!think.is_empty()).then_some(think),
            answer: vec![trimmed],
        })
    }

    /// Thinking and content put together.
    pub(super) fn render(&self, think: &str, content: &str) -> String {
        match &self.around_think {
            Some((open, close)) => format!("{open}\n{think}\n{close}\n{content}"),
            None if think.trim_matches(BLANKS).is_empty() => content.to_owned(),
            None => format!("{think}\n{content}"),
        }
    }
}

/// Refuses what pest's own reader could not take without deep recursion.
fn bound_reader(text: &str) -> Result<(), FormatError> {
    if text.len() > MAX_GRAMMAR_BYTES {
        return Err(FormatError::new(
            "grammar",
            format!(
                "has {} bytes; at most {MAX_GRAMMAR_BYTES} are allowed",
                text.len()
            ),
        ));
    }
    let (mut operators, mut open, mut row) = (0, 0_usize, 0);
    // Quotes are not followed: what they hide is counted too, which is rare
    // and harmless.
    for (at, c) in text.char_indices() {
        match c {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            '~' | '|' | '*' | '+' | '?' | '!' | '&' | '{' => operators += 1,
            _ => {}
        }
        row = match c {
            '*' | '+' | '?' | '!' | '&' | '{' | '/' => row + 1,
            ' ' | '\t' | '\r' | '\n' => row,
            _ => 0,
        };
        if operators > MAX_OPERATORS || open > MAX_NESTING || row > MAX_NESTING {
            return Err(FormatError::in_grammar(
                line_column(text, at),
                format!(
                    "the grammar is too large: at most {MAX_OPERATORS} operators, {MAX_NESTING} of them nested, are allowed"
                ),
            ));
        }
    }
    Ok(())
}

/// A role must be a rule that leaves a trace in the parse.
fn check_role(
    field: &'static str,
    name: &str,
    text: &str,
    rules: &[Rule],
    visible: &[String],
) -> Result<(), FormatError> {
    let Some(rule) = rules.iter().find(|rule| rule.name == name) else {
        let names: Vec<_> = rules.iter().map(|rule| rule.name.as_str()).collect();
        return Err(FormatError::new(
            field,
            format!(
                "`{name}` is no rule of the grammar; it has `{}`",
                names.join("`, `")
            ),
        ));
    };
    if field == "root" {
        return Ok(());
    }
    let problem = if rule.ty == RuleType::Silent {
        "is silent; write it without `_`, so that the parser reports it"
    } else if !visible.iter().any(|seen| seen == name) {
        "is never reported: the root does not reach it, or only through an atomic rule `@{…}`; make that rule compound-atomic, `${…}`"
    } else {
        return Ok(());
    };
    Err(FormatError::in_grammar(
        place(text, name, ""),
        format!("rule `{name}`, named by `{field}`, {problem}"),
    ))
}

/// The rules that the parse can report below `from`, in the order in which
/// they are first written. The rule graph has no cycles.
fn visible(rules: &[Rule], from: &str) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let mut waiting = vec![from.to_owned()];
    while let Some(name) = waiting.pop() {
        if seen.contains(&name) {
            continue;
        }
        let rule = rules.iter().find(|rule| rule.name == name);
        seen.push(name);
        let Some(rule) = rule.filter(|rule| rule.ty != RuleType::Atomic) else {
            continue;
        };
        let idents: Vec<String> = rule
            .expr
            .iter_top_down()
            .filter_map(|expr| match expr {
                Expr::Ident(name) => Some(name),
                _ => None,
            })
            .collect();
        waiting.extend(idents.into_iter().rev());
    }
    seen
}

/// The literals that are more than white space or one character.
fn literals(rules: &[Rule]) -> Vec<String> {
    let mut literals: Vec<String> = rules
        .iter()
        .flat_map(|rule| rule.expr.iter_top_down())
        .filter_map(|expr| match expr {
            Expr::Str(text) if text.trim_matches(BLANKS).len() > 1 => Some(text),
            _ => None,
        })
        .collect();
    literals.sort_unstable();
    literals.dedup();
    literals
}

/// The literals nearest to the thinking in the sequence that names it; only
/// parts that may be empty, such as white space, may stand between.
fn around(rules: &[Rule], facts: &RuleFacts, think: &str) -> Option<(String, String)> {
    rules
        .iter()
        .flat_map(|rule| rule.expr.iter_top_down())
        .find_map(|expr| {
            let parts = sequence(&expr);
            let at = parts
                .iter()
                .position(|part| matches!(part, Expr::Ident(name) if name == think))?;
            let open = nearest(parts[..at].iter().rev().copied(), facts)?;
            let close = nearest(parts[at + 1..].iter().copied(), facts)?;
            Some((open, close))
        })
}

fn nearest<'e>(parts: impl Iterator<Item = &'e Expr>, facts: &RuleFacts) -> Option<String> {
    for part in parts {
        match part {
            Expr::Str(text) => return Some(text.clone()),
            part if super::facts::of(part, facts).nullable => {}
            _ => return None,
        }
    }
    None
}

/// The parts of a sequence, however it is nested.
fn sequence(expr: &Expr) -> Vec<&Expr> {
    let mut parts = Vec::new();
    let mut waiting = vec![expr];
    while let Some(expr) = waiting.pop() {
        match expr {
            Expr::Seq(left, right) => waiting.extend([&**right, &**left]),
            part => parts.push(part),
        }
    }
    parts
}

/// Line and column of a word within a rule, or of the rule.
fn place(text: &str, rule: &str, near: &str) -> (usize, usize) {
    let mut at = 0;
    let mut start = None;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start();
        let defines = bare
            .strip_prefix(rule)
            .is_some_and(|rest| rest.trim_start().starts_with('='));
        if defines {
            start = Some(at + line.len() - bare.len());
            break;
        }
        at += line.len();
    }
    let start = start.unwrap_or(0);
    let inside = text[start..].find('=').map_or(start, |found| start + found);
    match text[inside..].find(near) {
        Some(found) if !near.is_empty() => line_column(text, inside + found),
        _ => line_column(text, start),
    }
}

fn line_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

fn first_of(errors: Vec<Error<MetaRule>>) -> FormatError {
    match errors.into_iter().next() {
        Some(error) => from_pest(error),
        None => FormatError::new("grammar", "is not a valid pest grammar"),
    }
}

fn from_pest(error: Error<MetaRule>) -> FormatError {
    let error = error.renamed_rules(parser::rename_meta_rule);
    let position = match error.line_col {
        LineColLocation::Pos(position) | LineColLocation::Span(position, _) => position,
    };
    FormatError::in_grammar(position, error.variant.message().into_owned())
}
