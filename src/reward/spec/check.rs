//! Checks between the parts of a spec: conditions, numbers, gates, combination.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::Spanned;

use super::pay::least_total;
use super::read::ReadReward;
use super::reader::Reader;
use super::tables::{CombineTable, RowTable, Verdicts};
use super::{Combine, Condition, Mode, Rule, Span, TableRow, nearest};
use crate::rollout::{FieldMap, Pointer};

/// Native fields that `when` may name without a `/`.
const ROUTES: [&str; 6] = [
    "task",
    "data_source",
    "language",
    "finish_reason",
    "group",
    "id",
];

/// What a table row may ask of a reward.
const VERDICTS: [&str; 5] = ["correct", "wrong", "no_answer", "unknown", "gated"];

/// `[combine]` as it was read.
pub(super) struct CombineSection {
    pub(super) span: Span,
    pub(super) table: CombineTable,
    /// Whether every key could be read: a key that could not is not missing.
    pub(super) clean: bool,
}

impl Default for CombineSection {
    fn default() -> Self {
        Self {
            span: 0..0,
            table: CombineTable::default(),
            clean: true,
        }
    }
}

impl Reader<'_> {
    pub(super) fn conditions(
        &mut self,
        given: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
        fields: &mut FieldMap,
    ) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for (key, value) in given {
            let pointer = match Pointer::parse(key.get_ref()) {
                Ok(pointer) => {
                    fields.columns.push(pointer.clone());
                    pointer
                }
                Err(_) if ROUTES.contains(&key.get_ref().as_str()) => Pointer::field(key.get_ref()),
                Err(_) => {
                    let help = match nearest(key.get_ref(), ROUTES) {
                        Some(name) => format!("did you mean `{name}`?"),
                        None => format!(
                            "use one of `{}`, or a JSON pointer such as `\"/extra/{}\"`",
                            ROUTES.join("`, `"),
                            key.get_ref()
                        ),
                    };
                    let title = format!("unknown field `{}` in a condition", key.get_ref());
                    self.report(key.span(), title, "not a field of a rollout", Some(help));
                    continue;
                }
            };
            fields.decide_by(pointer.split_first().0);
            let values = match value.get_ref() {
                toml::Value::Array(list) => list.iter().map(scalar).collect(),
                single => scalar(single).map(|value| vec![value]),
            };
            let is_native = !key.get_ref().starts_with('/');
            match values {
                Some(any_of) if is_native && !any_of.iter().all(Value::is_string) => self.report(
                    value.span(),
                    format!("the condition on `{}` never holds", key.get_ref()),
                    "expected a string, or a list of strings",
                    Some(format!("`{}` is always a string", key.get_ref())),
                ),
                Some(any_of) if !any_of.is_empty() => {
                    conditions.push(Condition { pointer, any_of })
                }
                _ => self.report(
                    value.span(),
                    format!("wrong value for the condition on `{}`", key.get_ref()),
                    "expected a string, a number, a boolean, or a list of them",
                    None,
                ),
            }
        }
        conditions
    }

    pub(super) fn combine(
        &mut self,
        given: Option<CombineSection>,
        rewards: &[ReadReward],
    ) -> Option<Combine> {
        let CombineSection { span, table, clean } = given.unwrap_or_default();
        let names: Vec<String> = rewards
            .iter()
            .map(|read| read.reward.name.to_string())
            .collect();
        self.check_mode(&table);
        let clip = table.clip.clone().and_then(|clip| self.clip(clip));
        let rule = match table.mode {
            Mode::Sum => Rule::Sum,
            Mode::Gate => {
                let Some(gate) = table.gate else {
                    if !clean {
                        return None;
                    }
                    let help = "add `gate = [\"format\"]`".to_owned();
                    self.report(
                        span,
                        "`mode = \"gate\"` needs `gate`",
                        "which rewards must be earned?",
                        Some(help),
                    );
                    return None;
                };
                let gate_span = gate.span();
                let gates: Vec<usize> = gate
                    .into_inner()
                    .iter()
                    .filter_map(|name| self.resolve(name, &names))
                    .map(|(index, _)| index)
                    .collect();
                if gates.is_empty() {
                    let label = "which rewards must be earned?";
                    self.report(gate_span, "`gate` names no reward", label, None);
                }
                let closed = match table.closed {
                    Some(closed) => self.finite("closed", closed),
                    None => least_total(rewards),
                };
                Rule::Gate { gates, closed }
            }
            Mode::Table => {
                let (Some(rows), Some(otherwise)) = (table.table, table.otherwise) else {
                    if !clean {
                        return None;
                    }
                    let help =
                        "add `table = [{ verdicts = { … }, reward = 1.0 }]` and `otherwise = 0.0`";
                    let title = "`mode = \"table\"` needs `table` and `otherwise`";
                    self.report(
                        span,
                        title,
                        "what does each verdict pay?",
                        Some(help.to_owned()),
                    );
                    return None;
                };
                self.check_unused(rewards);
                if rows.get_ref().is_empty() {
                    let label = "which verdicts pay what?";
                    self.report(rows.span(), "`table` has no row", label, None);
                }
                let rows = rows
                    .into_inner()
                    .into_iter()
                    .map(|row| self.row(row, &names))
                    .collect();
                Rule::Table {
                    rows,
                    otherwise: otherwise.into_inner(),
                }
            }
        };
        Some(Combine {
            rule,
            on_error: table.on_error,
            clip,
        })
    }

    /// Keys that the chosen mode would silently ignore.
    fn check_mode(&mut self, table: &CombineTable) {
        let used = [
            ("gate", Mode::Gate, table.gate.as_ref().map(Spanned::span)),
            (
                "closed",
                Mode::Gate,
                table.closed.as_ref().map(Spanned::span),
            ),
            (
                "table",
                Mode::Table,
                table.table.as_ref().map(Spanned::span),
            ),
            (
                "otherwise",
                Mode::Table,
                table.otherwise.as_ref().map(Spanned::span),
            ),
        ];
        for (key, mode, span) in used {
            let Some(span) = span.filter(|_| mode != table.mode) else {
                continue;
            };
            let mode = if mode == Mode::Gate { "gate" } else { "table" };
            let title = format!("`{key}` does nothing in this mode");
            let help = format!("add `mode = \"{mode}\"`, or remove `{key}`");
            self.report(
                span,
                title,
                format!("only with `mode = \"{mode}\"`"),
                Some(help),
            );
        }
    }

    fn row(&mut self, row: RowTable, names: &[String]) -> TableRow {
        let mut verdicts = Vec::new();
        if row.verdicts.is_empty() {
            let help = "use `otherwise` for the rows that are left".to_owned();
            let label = "pays whatever the verdicts are";
            self.report(
                row.reward.span(),
                "a row asks for no verdict",
                label,
                Some(help),
            );
        }
        for (name, given) in row.verdicts {
            let span = given.span();
            let words = match given.into_inner() {
                Verdicts::One(word) => vec![word],
                Verdicts::Several(words) => words,
            };
            if words.is_empty() {
                let label = "no verdict is among none";
                self.report(span.clone(), "a row that never holds", label, None);
            }
            for word in words
                .iter()
                .filter(|word| !VERDICTS.contains(&word.as_str()))
            {
                let help = nearest(word, VERDICTS).map(|near| format!("did you mean `{near}`?"));
                let label = format!("expected one of `{}`", VERDICTS.join("`, `"));
                self.report(
                    span.clone(),
                    format!("unknown verdict `{word}`"),
                    label,
                    help,
                );
            }
            if let Some((index, _)) = self.resolve(&name, names) {
                verdicts.push((index, words));
            }
        }
        TableRow {
            verdicts,
            reward: self.finite("reward", row.reward),
        }
    }

    /// Rewards that wait for each other would never be judged.
    pub(super) fn check_cycles(&mut self, rewards: &[ReadReward]) {
        // A reward is settled once everything it waits for is. What never
        // settles is on a cycle or behind one.
        let mut settled = vec![false; rewards.len()];
        let waits = |index: usize, settled: &[bool]| {
            rewards[index]
                .links
                .iter()
                .find(|(link, _)| !settled.get(*link).copied().unwrap_or(true))
                .cloned()
        };
        while let Some(index) =
            (0..rewards.len()).find(|&i| !settled[i] && waits(i, &settled).is_none())
        {
            settled[index] = true;
        }
        let Some(start) = settled.iter().position(|done| !done) else {
            return;
        };
        let mut path = vec![start];
        while let Some((next, span)) = waits(path[path.len() - 1], &settled) {
            if let Some(from) = path.iter().position(|&seen| seen == next) {
                let names: Vec<&str> = path[from..]
                    .iter()
                    .chain([&next])
                    .map(|&index| &*rewards[index].reward.name)
                    .collect();
                let title = format!("rewards wait for each other: `{}`", names.join("` -> `"));
                let help = "remove one of these `needs` or `scale_by`".to_owned();
                self.report(span, title, "this closes the circle", Some(help));
                return;
            }
            path.push(next);
        }
    }
}

fn scalar(value: &toml::Value) -> Option<Value> {
    match value {
        toml::Value::String(text) => Some(Value::from(text.as_str())),
        toml::Value::Integer(number) => Some(Value::from(*number)),
        toml::Value::Float(number) => Some(Value::from(*number)),
        toml::Value::Boolean(flag) => Some(Value::from(*flag)),
        _ => None,
    }
}
