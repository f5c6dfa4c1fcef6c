//! LiveCodeBench: public and private cases, the private ones packed.
//!
//! Source: LiveCodeBench commit 28fef95, `lcb_runner/benchmarks/code_generation.py`:
//! JSON, or base64 of zlib of a pickle of JSON in a string. The pickle is read by
//! a reader of that one shape.

use std::io::Read;

use super::json::{Json, python};
use super::{BadTask, Fields, Tests, pickle};
use crate::code::compare::Compare;
use crate::code::oracle::Oracle;
use crate::code::task::{Call, Stdio, StdioCase};

/// Bytes that a packed list may unpack to.
const MAX_UNPACKED: u64 = 256 << 20;

/// `{"public_test_cases": …, "private_test_cases": …, "metadata": …}`, or
/// `{"encoded": …}`.
pub(super) fn read(fields: &Fields, fn_name: Option<String>) -> Result<Tests, BadTask> {
    let fn_name = match fn_name {
        Some(name) => Some(name),
        None => metadata_name(fields)?,
    };
    if let Some(packed) = fields.text("encoded")? {
        let text = unpacked(&packed).map_err(|problem| BadTask::new("encoded", problem))?;
        let inner = Json::parse(&text)
            .map_err(|error| BadTask::new("encoded", format!("holds no JSON: {error}")))?;
        return match &inner {
            Json::Array(items) => cases(items, fn_name),
            Json::Object(fields) => {
                let fields = Fields { fields };
                let name = fn_name.or(fields.text("fn_name")?);
                super::stdio::read(&fields, name)
            }
            _ => Err(BadTask::new("encoded", "holds neither cases nor inputs")),
        };
    }
    let mut items = Vec::new();
    for name in ["public_test_cases", "private_test_cases"] {
        items.extend(read_list(fields, name)?);
    }
    cases(&items, fn_name)
}

fn metadata_name(fields: &Fields) -> Result<Option<String>, BadTask> {
    let metadata = match fields.get("metadata") {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::String(text)) => Json::parse(text)
            .map_err(|error| BadTask::new("metadata", format!("is no JSON: {error}")))?,
        Some(value) => value.clone(),
    };
    match metadata.get("func_name") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(name)) => Ok(Some(name.clone())),
        Some(_) => Err(BadTask::new("metadata.func_name", "is no text")),
    }
}

fn read_list(fields: &Fields, name: &str) -> Result<Vec<Json>, BadTask> {
    let list = match fields.get(name) {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::String(text)) if text.trim_start().starts_with('[') => {
            Json::parse(text).map_err(|error| BadTask::new(name, format!("is no JSON: {error}")))?
        }
        Some(Json::String(text)) => {
            let text = unpacked(text).map_err(|problem| BadTask::new(name, problem))?;
            Json::parse(&text)
                .map_err(|error| BadTask::new(name, format!("holds no JSON: {error}")))?
        }
        Some(value) => value.clone(),
    };
    match list {
        Json::Array(items) => Ok(items),
        _ => Err(BadTask::new(name, "is no list")),
    }
}

/// `[{"input": …, "output": …, "testtype": "stdin" | "functional"}]`.
pub(super) fn cases(items: &[Json], fn_name: Option<String>) -> Result<Tests, BadTask> {
    super::distinct_ids(items)?;
    if items.is_empty() {
        return Err(BadTask::new("cases", "are empty"));
    }
    let text = |index: usize, name: &str| {
        items[index]
            .get(name)
            .and_then(Json::as_str)
            .ok_or_else(|| BadTask::new(format!("cases[{index}].{name}"), "is no text"))
    };
    let is_functional = |item: &Json| match item.get("testtype").and_then(Json::as_str) {
        Some(kind) => kind == "functional",
        None => fn_name.is_some(),
    };
    let functional = items.iter().filter(|item| is_functional(item)).count();
    if functional != 0 && functional != items.len() {
        return Err(BadTask::new("testtype", "differs between cases"));
    }
    if functional == 0 {
        let cases = (0..items.len())
            .map(|index| {
                Ok(StdioCase {
                    input: text(index, "input")?.to_owned(),
                    output: text(index, "output")?.to_owned(),
                    group: None,
                })
            })
            .collect::<Result<_, _>>()?;
        let compare = Compare::default();
        return Ok(Tests::Stdio(Stdio { cases, compare }));
    }
    let entry_point = super::identifier(fn_name)?;
    let cases = (0..items.len())
        .map(|index| {
            call(text(index, "input")?, text(index, "output")?)
                .ok_or_else(|| BadTask::new(format!("cases[{index}]"), "is no JSON of a call"))
        })
        .collect::<Result<_, _>>()?;
    Ok(Tests::Calls { entry_point, cases })
}

/// One JSON value a line for the arguments, one for the result.
pub(super) fn call(input: &str, output: &str) -> Option<Call> {
    Some(Call {
        args: input
            .split('\n')
            .filter(|line| !line.trim().is_empty())
            .map(python)
            .collect::<Option<_>>()?,
        oracle: Oracle::Json(python(output)?),
    })
}

fn unpacked(packed: &str) -> Result<String, &'static str> {
    let bytes = base64(packed).ok_or("is neither JSON nor base64")?;
    let mut unpacked = Vec::new();
    flate2::read::ZlibDecoder::new(&bytes[..])
        .take(MAX_UNPACKED + 1)
        .read_to_end(&mut unpacked)
        .map_err(|_| "is no zlib stream")?;
    if unpacked.len() as u64 > MAX_UNPACKED {
        return Err("unpacks to more than 256 MiB");
    }
    pickle::text(&unpacked).ok_or("is no pickle of a text")
}

/// Standard base64 with its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0);
    for sign in text.bytes() {
        let digit = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    (held == 0).then_some(bytes)
}
