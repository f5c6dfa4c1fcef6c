//! `\begin{cases} … \end{cases}`: a function by branches, or a system.
//!
//! Rows with a condition are branches. Rows without any are the equations of a
//! system, which is a list of them; what else stands there has no reading.

use std::borrow::Cow;

use pest::iterators::Pair;

use super::super::typed::{Branch, Condition, Typed};
use super::answer::split;
use super::scalar::{Builder, unparsed};
use super::{ParseFault, Rule};

impl Builder<'_> {
    pub(super) fn cases(&self, pair: Pair<'_, Rule>) -> Result<Typed, ParseFault> {
        let fault = unparsed(&pair);
        let rows: Vec<Vec<_>> = pair
            .into_inner()
            .map(|row| row.into_inner().collect())
            .collect();
        if rows.len() > self.limits.matrix {
            return Err(ParseFault::Limit);
        }
        if rows.iter().all(|row| row.len() == 1) {
            return self.system(rows.into_iter().flatten(), fault);
        }
        let mut branches = Vec::with_capacity(rows.len());
        for row in rows {
            let [value, condition] = row.as_slice() else {
                return Err(fault);
            };
            branches.push(Branch {
                value: self.answer(value.clone())?,
                condition: self.condition(condition.clone())?,
            });
        }
        Ok(Typed::Piecewise(branches))
    }

    /// Rows that are nothing but equations.
    fn system<'i>(
        &self,
        rows: impl Iterator<Item = Pair<'i, Rule>>,
        fault: ParseFault,
    ) -> Result<Typed, ParseFault> {
        let mut equations = Vec::new();
        for row in rows {
            equations.extend(self.values(&split(row).0)?);
        }
        let is_system = equations.iter().all(|row| match row {
            Typed::Named { value, .. } => matches!(**value, Typed::Scalar(_)),
            Typed::Equation { .. } => true,
            _ => false,
        });
        match is_system {
            true => Ok(Typed::List(equations)),
            false => Err(fault),
        }
    }

    fn condition(&self, pair: Pair<'_, Rule>) -> Result<Condition, ParseFault> {
        let fault = unparsed(&pair);
        let written: String = pair.as_str().chars().filter(|c| *c != ' ').collect();
        let inner = pair.into_inner().next().ok_or(fault)?;
        if inner.as_rule() == Rule::otherwise {
            return Ok(Condition::Otherwise);
        }
        Ok(match self.answer(inner) {
            Ok(
                relation @ (Typed::Inequality(_) | Typed::Equation { .. } | Typed::Named { .. }),
            ) => Condition::Relation(relation),
            Err(ParseFault::Limit) => return Err(ParseFault::Limit),
            Ok(_) | Err(_) => Condition::Words(written.trim_end_matches(',').to_owned()),
        })
    }
}

/// `\left\{ \begin{array}{l} … \end{array} \right.` as the cases it prints;
/// the text itself where there is none.
pub(super) fn one_sided_brace(text: &str) -> Cow<'_, str> {
    let rewritten = || {
        let (before, rest) = text.split_once("\\left\\{")?;
        let rest = rest.trim_start();
        let (name, rest) = ["array", "aligned", "matrix"].iter().find_map(|name| {
            let rest = rest.strip_prefix("\\begin{")?.strip_prefix(name)?;
            Some((*name, rest.strip_prefix('}')?))
        })?;
        let rest = match name {
            "array" => rest.trim_start().strip_prefix('{')?.split_once('}')?.1,
            _ => rest,
        };
        let (rows, after) = rest.split_once(&format!("\\end{{{name}}}"))?;
        let after = after.trim_start().strip_prefix("\\right.")?;
        let rows = match name {
            // Alignment marks stand before the relation.
            "aligned" => rows.replace("&=", "=").replace("& =", "="),
            _ => rows.to_owned(),
        };
        let nested = rows.contains("\\begin") || after.contains("\\left\\{");
        (!nested).then(|| format!("{before}\\begin{{cases}}{rows}\\end{{cases}}{after}"))
    };
    match text.contains("\\right.") {
        true => rewritten().map_or(Cow::Borrowed(text), Cow::Owned),
        false => Cow::Borrowed(text),
    }
}
