//! From assertions to calls and what they should return.

use num_traits::ToPrimitive;

use super::fold::fold;
use super::parse::{Expr, Statement, statements};
use crate::code::oracle::Oracle;
use crate::code::task::Call;
use crate::code::value::Value;

/// The calls that the assertions make, one each; nothing where one of them is
/// not understood.
pub(in crate::code) fn from_asserts(asserts: &[String], entry_point: &str) -> Option<Vec<Call>> {
    asserts
        .iter()
        .map(|text| match statements(text)?.as_slice() {
            [Statement::Assert(test)] => demand(test, &[entry_point]),
            _ => None,
        })
        .collect()
}

/// The calls that `check(candidate)` makes; nothing where a statement of the text
/// is not understood.
pub(in crate::code) fn from_check(code: &str, entry_point: &str) -> Option<Vec<Call>> {
    let mut calls = None;
    for statement in statements(code)? {
        match statement {
            Statement::Def {
                name,
                parameter,
                body,
            } if name == "check" && calls.is_none() => {
                let names = [parameter.as_str(), entry_point];
                let mut found = Vec::new();
                for statement in body {
                    match statement {
                        // `assert True` tests nothing.
                        Statement::Assert(Expr::Literal(Value::Bool(true))) => {}
                        Statement::Assert(test) => found.push(demand(&test, &names)?),
                        other => is_idle(&other).then_some(())?,
                    }
                }
                calls = Some(found);
            }
            Statement::Expression(Expr::Call {
                function,
                args,
                named,
            }) => {
                // The text may call `check` itself, once it is defined.
                let is_check = is_name(&function, "check")
                    && named.is_empty()
                    && matches!(args.as_slice(), [arg] if is_name(arg, entry_point));
                if !is_check || calls.is_none() {
                    return None;
                }
            }
            other => is_idle(&other).then_some(())?,
        }
    }
    calls.filter(|calls| !calls.is_empty())
}

/// Statements that change nothing that assertions could notice.
fn is_idle(statement: &Statement) -> bool {
    match statement {
        Statement::Pass => true,
        Statement::Import(name) => name == "math",
        Statement::Assign(name, value) => name == "METADATA" && fold(value).is_some(),
        Statement::Expression(expr) => matches!(expr, Expr::Literal(_)),
        Statement::Assert(_) | Statement::Def { .. } => false,
    }
}

fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Name(found) if found == name)
}

/// The call in a test, and what the test asks of its result.
fn demand(test: &Expr, names: &[&str]) -> Option<Call> {
    match test {
        Expr::Not(inner) => match &**inner {
            Expr::Compare(operator, left, right) => {
                let opposite = match *operator {
                    "==" => "!=",
                    "!=" => "==",
                    "is" => "is not",
                    "is not" => "is",
                    // A `nan` is on neither side and fails both; the test meant to
                    // bound the value, and so do we.
                    ">" => "<=",
                    ">=" => "<",
                    _ => return None,
                };
                compared(opposite, left, right, names)
            }
            inner => Some(Call {
                args: arguments(inner, names)?,
                oracle: Oracle::Truth(false),
            }),
        },
        Expr::Compare(operator, left, right) => compared(operator, left, right, names),
        Expr::Call {
            function,
            args,
            named,
        } if is_math(function, "isclose") => close(args, named, names),
        test => Some(Call {
            args: arguments(test, names)?,
            oracle: Oracle::Truth(true),
        }),
    }
}

fn compared(operator: &str, left: &Expr, right: &Expr, names: &[&str]) -> Option<Call> {
    if matches!(operator, "<" | "<=") {
        return within(operator, left, right, names);
    }
    let (args, expected) = match arguments(left, names) {
        Some(args) => (args, fold(right)?),
        None => (arguments(right, names)?, fold(left)?),
    };
    let oracle = match operator {
        "==" => Oracle::Equals(expected),
        "!=" => Oracle::Differs(expected),
        "is" | "is not" if !matches!(expected, Value::None | Value::Bool(_)) => return None,
        "is" => Oracle::Is(expected),
        "is not" => Oracle::IsNot(expected),
        _ => return None,
    };
    Some(Call { args, oracle })
}

/// `abs(f(x) - y) < eps`.
fn within(operator: &str, left: &Expr, right: &Expr, names: &[&str]) -> Option<Call> {
    let Expr::Call {
        function,
        args,
        named,
    } = left
    else {
        return None;
    };
    let is_abs = is_name(function, "abs") || is_math(function, "fabs");
    let ([Expr::Binary("-", one, other)], true, true) = (args.as_slice(), named.is_empty(), is_abs)
    else {
        return None;
    };
    let (args, center) = match arguments(one, names) {
        Some(args) => (args, fold(other)?),
        None => (arguments(other, names)?, fold(one)?),
    };
    Some(Call {
        args,
        oracle: Oracle::Within {
            center: number(&center)?,
            limit: number(&fold(right)?)?,
            inclusive: operator == "<=",
        },
    })
}

/// `math.isclose(f(x), y, rel_tol=…, abs_tol=…)`.
fn close(args: &[Expr], named: &[(String, Expr)], names: &[&str]) -> Option<Call> {
    let [one, other] = args else { return None };
    let (args, expected) = match arguments(one, names) {
        Some(args) => (args, fold(other)?),
        None => (arguments(other, names)?, fold(one)?),
    };
    let (mut rel, mut abs) = (1e-9, 0.0);
    for (name, value) in named {
        match name.as_str() {
            "rel_tol" => rel = number(&fold(value)?)?,
            "abs_tol" => abs = number(&fold(value)?)?,
            _ => return None,
        }
    }
    (rel >= 0.0 && abs >= 0.0).then_some(())?;
    Some(Call {
        args,
        oracle: Oracle::Close {
            expected: number(&expected)?,
            rel,
            abs,
        },
    })
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        Value::Int(number) if number.bits() <= 53 => number.to_f64(),
        _ => None,
    }
}

fn is_math(function: &Expr, name: &str) -> bool {
    matches!(function, Expr::Attribute(base, found) if found == name && is_name(base, "math"))
}

/// The arguments of a call of the function under test.
fn arguments(expr: &Expr, names: &[&str]) -> Option<Vec<Value>> {
    match expr {
        Expr::Call {
            function,
            args,
            named,
        } if named.is_empty() && names.iter().any(|name| is_name(function, name)) => {
            args.iter().map(fold).collect()
        }
        _ => None,
    }
}
