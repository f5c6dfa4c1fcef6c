//! Calls: arguments and results as Python literals, with EvalPlus's oracles.

use num_traits::ToPrimitive;

use super::evalplus::Special;
use super::json::Json;
use super::{BadTask, Fields, Tests, distinct_ids};
use crate::code::literal;
use crate::code::oracle::Oracle;
use crate::code::task::Call;
use crate::code::value::Value;

/// EvalPlus's tolerances for floats.
const ABS: f64 = 1e-6;
const REL: f64 = 1e-7;

/// `{"entry_point": …, "cases": [{"args": "(1, [2])", "expected": "3"}]}`.
pub(super) fn read(fields: &Fields, entry_point: &str) -> Result<Tests, BadTask> {
    let cases = fields.list("cases")?;
    distinct_ids(cases)?;
    let rule = Rule::read(fields)?;
    let cases = cases
        .iter()
        .enumerate()
        .map(|(index, case)| call(index, case, &rule))
        .collect::<Result<_, _>>()?;
    Ok(Tests::Calls {
        entry_point: entry_point.to_owned(),
        cases,
    })
}

/// How results are compared.
enum Rule {
    Equal,
    Floats { abs: f64, rel: f64 },
    SameMembers,
    Present,
    Root { limit: f64 },
    Special(Special),
}

impl Rule {
    fn read(fields: &Fields) -> Result<Self, BadTask> {
        let (mut abs, mut rel) = (fields.number("atol")?, fields.number("rtol")?);
        let oracle = fields.text("oracle")?;
        match fields.get("compare") {
            None | Some(Json::Null) => {}
            Some(Json::Object(compare)) => {
                let compare = Fields { fields: compare };
                let mut names = compare.fields.iter().map(|(name, _)| name);
                if let Some(other) = names.find(|name| *name != "abs" && *name != "rel") {
                    return Err(BadTask::new(
                        format!("compare.{other}"),
                        "is unknown; calls have `abs` and `rel`",
                    ));
                }
                if oracle.is_some() {
                    return Err(BadTask::new("compare", "stands beside an `oracle`"));
                }
                abs = compare.number("abs")?;
                rel = compare.number("rel")?;
                return Ok(Rule::Floats {
                    abs: abs.unwrap_or(0.0),
                    rel: rel.unwrap_or(0.0),
                });
            }
            Some(_) => return Err(BadTask::new("compare", "is no object")),
        }
        Ok(match oracle.as_deref() {
            None | Some("eq") => Rule::Equal,
            Some("float") => Rule::Floats {
                abs: abs.unwrap_or(ABS),
                rel: rel.unwrap_or(REL),
            },
            Some("set_eq") => Rule::SameMembers,
            Some("not_none") => Rule::Present,
            Some("poly_root") => Rule::Root {
                limit: abs.unwrap_or(1e-4),
            },
            Some(other) => match other.strip_prefix("special:").and_then(Special::named) {
                Some(special) => Rule::Special(special),
                None => {
                    return Err(BadTask::new(
                        "oracle",
                        format!("`{other}` is none of eq, float, set_eq, not_none, poly_root"),
                    ));
                }
            },
        })
    }

    fn oracle(&self, args: &[Value], expected: Value) -> Option<Oracle> {
        Some(match self {
            Rule::Equal => Oracle::Equals(expected),
            Rule::Floats { abs, rel } => Oracle::Floats {
                expected,
                abs: *abs,
                rel: *rel,
            },
            Rule::SameMembers => match expected {
                Value::List(_) | Value::Tuple(_) | Value::Set(_) | Value::FrozenSet(_) => {
                    Oracle::SameMembers(expected)
                }
                _ => return None,
            },
            Rule::Present => match expected {
                Value::Bool(expected) => Oracle::Present(expected),
                expected => Oracle::Present(!matches!(expected, Value::None)),
            },
            Rule::Special(special) => special.oracle(args, expected)?,
            Rule::Root { limit } => {
                let [Value::List(coefficients)] = args else {
                    return None;
                };
                let coefficients = coefficients
                    .iter()
                    .map(|value| match value {
                        Value::Int(number) => number.to_f64().filter(|number| number.is_finite()),
                        Value::Float(number) => Some(*number),
                        _ => None,
                    })
                    .collect::<Option<_>>()?;
                Oracle::Root {
                    coefficients,
                    limit: *limit,
                }
            }
        })
    }
}

fn call(index: usize, case: &Json, rule: &Rule) -> Result<Call, BadTask> {
    let field = |name: &str| format!("cases[{index}].{name}");
    let value = |name: &str| match case.get(name) {
        None => Err(BadTask::new(field(name), "is missing")),
        Some(Json::String(text)) => {
            literal::value(text).ok_or_else(|| BadTask::new(field(name), "is no Python literal"))
        }
        Some(other) => other
            .python()
            .ok_or_else(|| BadTask::new(field(name), "cannot be read")),
    };
    let args = match value("args")? {
        Value::Tuple(args) | Value::List(args) => args,
        _ => {
            return Err(BadTask::new(
                field("args"),
                "is no tuple; one argument is written `(1,)`",
            ));
        }
    };
    let expected = value("expected")?;
    let oracle = rule
        .oracle(&args, expected)
        .ok_or_else(|| BadTask::new(field("expected"), "does not suit the oracle"))?;
    Ok(Call { args, oracle })
}
