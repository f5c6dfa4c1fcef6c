//! Numbers with what stands round them: currency, units, percent, degrees.

use num_bigint::BigInt;
use num_rational::BigRational;
use pest::iterators::Pair;

use super::super::expr::{Expr, Node};
use super::super::typed::{Form, Scalar, Typed};
use super::super::units::{Dimension, Unit, currency, unit};
use super::labels::labelled;
use super::scalar::{Builder, unparsed};
use super::settings::Degrees;
use super::words::{fold_words, is_classifier, time};
use super::{ParseFault, Rule, number};

type Fault = ParseFault;

impl Builder<'_> {
    /// An expression with what stands round it, or something structured.
    pub(super) fn side(&self, side: Pair<'_, Rule>) -> Result<Typed, Fault> {
        let fault = unparsed(&side);
        let (mut minus, mut sign, mut expr, mut suffix) = (false, None, None, None);
        for part in side.into_inner() {
            match part.as_rule() {
                Rule::text => return self.text(part),
                Rule::ellipsis => return Ok(Typed::Text("…".to_owned())),
                Rule::minus => minus = true,
                Rule::currency => sign = part.as_str().chars().next(),
                Rule::expr => expr = Some(part),
                _ => suffix = Some(part),
            }
        }
        let expr = expr.ok_or(fault)?;
        if let Some(sign) = sign {
            if suffix.is_some() {
                return Err(fault);
            }
            return self.money(expr, minus, sign);
        }
        let Some(suffix) = suffix else {
            return match self.structured(&expr)? {
                Some(typed) => Ok(typed),
                None => self.scalar(expr).map(Typed::Scalar),
            };
        };
        self.with_unit(expr, suffix)
    }

    pub(super) fn money(
        &self,
        expr: Pair<'_, Rule>,
        minus: bool,
        sign: char,
    ) -> Result<Typed, Fault> {
        let fault = unparsed(&expr);
        let mut scalar = self.scalar(expr)?;
        if minus {
            scalar.value = negated(scalar.value);
        }
        match scalar.form {
            Form::Plain | Form::Decimal(_) => Ok(Typed::Scalar(Scalar {
                unit: Some(currency(sign).ok_or(fault)?),
                form: Form::Currency,
                ..scalar
            })),
            _ => Err(fault),
        }
    }

    pub(super) fn with_unit(
        &self,
        expr: Pair<'_, Rule>,
        suffix: Pair<'_, Rule>,
    ) -> Result<Typed, Fault> {
        let fault = unparsed(&suffix);
        let mut scalar = self.scalar(expr.clone())?;
        if !matches!(scalar.form, Form::Plain | Form::Decimal(_)) {
            return Err(fault);
        }
        let written = suffix.as_str();
        let mut parts = suffix.into_inner();
        let Some(text) = parts.next().filter(|part| part.as_rule() == Rule::text) else {
            let sign = written.chars().next().ok_or(fault)?;
            scalar.unit = Some(currency(sign).ok_or(fault)?);
            scalar.form = Form::Currency;
            return Ok(Typed::Scalar(scalar));
        };
        let words = text.into_inner().next().ok_or(fault)?.as_str();
        let power = parts.next();
        if !matches!(power.as_ref().map(Pair::as_str), None | Some("2" | "3"))
            || parts.next().is_some()
        {
            return labelled(scalar, written).ok_or(fault);
        }
        let power = power.map(|power| power.as_str() == "3");
        if let Some(time) = time(&fold_words(&format!("{}{}", expr.as_str(), words))) {
            return Ok(time);
        }
        if is_classifier(words) && power.is_none() {
            return Ok(Typed::Scalar(scalar));
        }
        let Some(unit) = unit_of(words, power) else {
            return labelled(scalar, written).ok_or(fault);
        };
        match unit.dimension {
            Dimension::Angle => scalar.form = Form::Degrees,
            _ => scalar.unit = Some(unit),
        }
        Ok(Typed::Scalar(scalar))
    }

    /// A scalar and how it was written.
    pub(super) fn scalar(&self, expr: Pair<'_, Rule>) -> Result<Scalar, Fault> {
        let form = form(&expr)?;
        let value = match form {
            Form::Degrees => self.with(|s| s.degrees = Degrees::Keep).expression(expr)?,
            _ => self.expression(expr)?,
        };
        Ok(Scalar {
            value,
            form,
            unit: None,
        })
    }
}

/// `2:30\text{ p.m.}`
pub(super) fn clock(sides: &[Pair<'_, Rule>]) -> Option<Typed> {
    let last = sides
        .last()?
        .clone()
        .into_inner()
        .find(|part| part.as_rule() == Rule::unit)?;
    let words = last.into_inner().next()?.into_inner().next()?.as_str();
    let mut text = String::new();
    for side in sides {
        if !text.is_empty() {
            text.push(':');
        }
        text.push_str(side.clone().into_inner().next()?.as_str().trim());
    }
    time(&fold_words(&format!("{text}{words}")))
}

/// How an expression was written; a mark counts where it is on all of it.
pub(super) fn form(expr: &Pair<'_, Rule>) -> Result<Form, Fault> {
    let mut operands = expr
        .clone()
        .into_inner()
        .filter(|part| part.as_rule() != Rule::signs);
    let (Some(operand), None) = (operands.next(), operands.next()) else {
        return Ok(Form::Plain);
    };
    let mut parts = operand.into_inner();
    let Some(primary) = parts.next() else {
        return Ok(Form::Plain);
    };
    let many = expr.as_str().matches('°').count() > 1;
    match parts.last().map(|mark| mark.as_rule()) {
        Some(Rule::percent) => return Ok(Form::Percent),
        Some(Rule::degrees) if !many => return Ok(Form::Degrees),
        Some(_) => return Ok(Form::Plain),
        None => {}
    }
    Ok(match primary.as_rule() {
        Rule::number => number::number(primary)?.form,
        Rule::based => number::based(primary)?.form,
        Rule::minutes => Form::Degrees,
        _ => Form::Plain,
    })
}

/// A unit of the table, squared or cubed in words or by an exponent.
pub(super) fn unit_of(words: &str, cubed: Option<bool>) -> Option<Unit> {
    let words = words.trim().trim_end_matches('.');
    let (words, inner) = match words.split_once('^') {
        Some((words, power)) => (words, Some(power.trim().parse::<u8>().ok()?)),
        None => (words, None),
    };
    let exponent = match (cubed, inner) {
        (None, None) => 1,
        (None, Some(power @ 2..=3)) => power,
        (Some(cubed), None) => 2 + u8::from(cubed),
        _ => return None,
    };
    let spelling: String = words.split_whitespace().collect();
    unit(&spelling, exponent)
}

/// The negative of an expression.
pub(super) fn negated(mut value: Expr) -> Expr {
    let node = match value.arena.node(value.root) {
        Node::Number(n) => Node::Number(-n),
        _ => {
            let minus = value
                .arena
                .add(Node::Number(BigRational::from_integer(BigInt::from(-1))));
            Node::Mul(Box::new([minus, value.root]))
        }
    };
    value.root = value.arena.add(node);
    value
}
