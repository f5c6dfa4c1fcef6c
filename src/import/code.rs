//! Data sets of programming tasks, their tests in the forms of the code verifier.

use serde_json::{Map, Value, json};

use super::ImportError;
use super::fields::{Fields, row};
use crate::rollout::has_long_number;

type Row = Result<Map<String, Value>, ImportError>;

/// The guest for tests that need numpy.
const SCIENTIFIC: &str = "python-scientific";

pub(super) fn human_eval(fields: &Fields<'_>) -> Row {
    let prompt = fields.text(&["prompt"])?;
    let test = fields.text(&["test"])?;
    let tests = json!({
        "type": "check",
        "entry_point": fields.text(&["entry_point"])?,
        "code": test,
        // Some tests call what the prompt defines; never what an answer defines.
        "prelude": prompt,
    });
    let solution = fields.any(&["canonical_solution"]).and_then(Value::as_str);
    Ok(task(
        fields,
        &["task_id"],
        prompt,
        tests,
        solution.map(|body| format!("{prompt}{body}")),
    ))
}

pub(super) fn mbpp(fields: &Fields<'_>) -> Row {
    let mut asserts = list(fields, "test_list")?;
    if let Some(more) = fields.any(&["challenge_test_list"]) {
        asserts.extend(more.as_array().into_iter().flatten().cloned());
    }
    let imports = fields.any(&["test_imports"]).and_then(Value::as_array);
    let imports = imports.into_iter().flatten().filter_map(Value::as_str);
    let setup = fields.any(&["test_setup_code"]).and_then(Value::as_str);
    let setup: Vec<&str> = imports
        .chain(setup)
        .filter(|part| !part.is_empty())
        .collect();
    let question = fields.text(&["text", "prompt"])?;
    let shown: Vec<&str> = asserts.iter().filter_map(Value::as_str).take(3).collect();
    // The name of the function stands in the tests alone: the paper shows three.
    let prompt = format!(
        "{question}\nYour code should satisfy these tests:\n\n{}\n",
        shown.join("\n")
    );
    let solution = fields.any(&["code"]).and_then(Value::as_str);
    let mut tests = json!({"type": "asserts", "setup": setup.join("\n"), "asserts": asserts});
    if let Some(name) = solution.and_then(|code| asserted(code, &tests["asserts"])) {
        tests["entry_point"] = json!(name);
    }
    Ok(task(
        fields,
        &["task_id"],
        &prompt,
        tests,
        solution.map(str::to_owned),
    ))
}

pub(super) fn eval_plus(fields: &Fields<'_>) -> Row {
    let prompt = fields.text(&["prompt"])?;
    if fields.any(&["test"]).is_none() && fields.any(&["plus_input"]).is_some() {
        return Err(fields.error(
            "the row has inputs without expected values, which EvalPlus computes when it runs",
        ));
    }
    let test = fields.text(&["test"])?;
    let solution = fields.any(&["code"]).and_then(Value::as_str);
    let mut tests = match solution {
        // MBPP+: a program that calls the solution by its name.
        Some(code) => {
            let test_text = json!([test]);
            let name = asserted(code, &test_text)
                .ok_or_else(|| fields.error("`test` calls no function of `code`"))?;
            if ["\"\"\"", "'''"].iter().any(|quotes| test.contains(quotes)) {
                return Err(fields.error("`test` has text in triple quotes"));
            }
            json!({"type": "unittest", "code": as_test(test, name), "module": "solution"})
        }
        None => json!({
            "type": "check",
            "entry_point": fields.text(&["entry_point"])?,
            "code": test,
            "prelude": prompt,
        }),
    };
    if test.contains("import numpy") {
        tests["guest"] = json!(SCIENTIFIC);
    }
    let body = fields.any(&["canonical_solution"]).and_then(Value::as_str);
    let whole = solution
        .map(str::to_owned)
        .or(body.map(|body| format!("{prompt}{body}")));
    let mut native = task(fields, &["task_id"], prompt, tests, whole);
    // The Hub has the number alone, EvalPlus and its samples `Mbpp/2`.
    if let (Some(_), Some(Value::String(id))) = (solution, native.get("id"))
        && !id.contains('/')
    {
        let id = format!("Mbpp/{id}");
        native.insert("id".to_owned(), json!(id));
    }
    Ok(native)
}

pub(super) fn live_code_bench(fields: &Fields<'_>) -> Row {
    let question = fields.text(&["question_content"])?;
    let starter = fields.any(&["starter_code"]).and_then(Value::as_str);
    let prompt = match starter.filter(|code| !code.trim().is_empty()) {
        Some(code) => format!("{question}\n\nBegin with this code:\n\n```python\n{code}\n```\n"),
        None => format!("{question}\n\nRead from standard input and print the answer.\n"),
    };
    let mut tests = Map::new();
    tests.insert("type".to_owned(), json!("livecodebench"));
    for name in ["public_test_cases", "private_test_cases", "metadata"] {
        if let Some(value) = fields.any(&[name]) {
            tests.insert(name.to_owned(), value.clone());
        }
    }
    if tests.len() == 1 {
        return Err(fields.missing(&["public_test_cases", "private_test_cases"]));
    }
    let tests = Value::Object(tests);
    let mut native = task(fields, &["question_id"], &prompt, tests, None);
    let kept = ["platform", "contest_date", "difficulty"];
    let kept = kept.iter().filter_map(|name| {
        let value = fields.any(&[name])?;
        Some(((*name).to_owned(), value.clone()))
    });
    native.insert("extra".to_owned(), Value::Object(kept.collect()));
    Ok(native)
}

/// Public and private tests; the generated ones break the statements of some tasks.
pub(super) fn code_contests(fields: &Fields<'_>) -> Row {
    let description = fields.text(&["description"])?;
    let mut inputs: Vec<Value> = Vec::new();
    let mut outputs: Vec<Value> = Vec::new();
    for name in ["public_tests", "private_tests"] {
        let Some(cases) = fields.any(&[name]) else {
            continue;
        };
        let side = |side: &str| cases.get(side).and_then(Value::as_array).cloned();
        let (Some(input), Some(output)) = (side("input"), side("output")) else {
            return Err(fields.error(format!("`{name}` has no lists `input` and `output`")));
        };
        if input.len() != output.len() {
            let (input, output) = (input.len(), output.len());
            return Err(fields.error(format!("`{name}` has {input} inputs and {output} outputs")));
        }
        inputs.extend(input);
        outputs.extend(output);
    }
    if inputs.is_empty() {
        return Err(fields.error("there is no public or private test"));
    }
    let cases: Vec<Value> = inputs
        .into_iter()
        .zip(outputs)
        .map(|(input, output)| json!({"input": input, "output": output}))
        .collect();
    let prompt = format!("{description}\n\nRead from standard input and print the answer.\n");
    let tests = json!({"type": "stdio", "cases": cases});
    Ok(task(fields, &["name"], &prompt, tests, None))
}

pub(super) fn apps(fields: &Fields<'_>) -> Row {
    let question = fields.text(&["question"])?;
    let given = fields
        .any(&["input_output"])
        .ok_or_else(|| fields.missing(&["input_output"]))?;
    // Beyond 64 bits the text keeps what JSON that was read would round.
    let long = given.as_str().filter(|text| has_long_number(text));
    let parsed = match given.as_str() {
        Some(text) => serde_json::from_str(text)
            .map_err(|error| fields.error(format!("`input_output` is not JSON: {error}")))?,
        None => given.clone(),
    };
    let Value::Object(mut tests) = parsed else {
        return Err(fields.error("`input_output` is not an object"));
    };
    if !tests.contains_key("inputs") || !tests.contains_key("outputs") {
        return Err(fields.error("`input_output` has no `inputs` and `outputs`"));
    }
    let tests = match long {
        Some(text) => json!(text),
        None => {
            tests.insert("type".to_owned(), json!("stdio"));
            Value::Object(tests)
        }
    };
    let starter = fields.any(&["starter_code"]).and_then(Value::as_str);
    let prompt = match starter.filter(|code| !code.trim().is_empty()) {
        Some(code) => format!("{question}\n\nBegin with this code:\n\n```python\n{code}\n```\n"),
        None => format!("{question}\n\nRead from standard input and print the answer.\n"),
    };
    Ok(task(fields, &["problem_id", "id"], &prompt, tests, None))
}

fn task(
    fields: &Fields<'_>,
    id: &[&str],
    prompt: &str,
    mut tests: Value,
    solution: Option<String>,
) -> Map<String, Value> {
    if let Some(solution) = solution {
        tests["reference_solution"] = json!(solution);
    }
    row([
        ("id", json!(fields.name(id))),
        ("task", json!("code")),
        ("prompt", json!(prompt)),
        ("tests", tests),
    ])
}

/// The last function of the solution that every assertion calls.
fn asserted<'c>(code: &'c str, asserts: &Value) -> Option<&'c str> {
    let asserts: Vec<&str> = asserts
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let mut names = code.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("def ")?.split_once('(')?;
        Some(name.trim())
    });
    names.rfind(|name| {
        let is_called = |text: &&str| {
            let mut found = text.match_indices(name);
            found.any(|(at, _)| {
                // `f` within `my_f(` or before `_2(` is another function.
                let before = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                !before && text[at + name.len()..].trim_start().starts_with('(')
            })
        };
        !name.is_empty() && asserts.iter().all(is_called)
    })
}

fn list(fields: &Fields<'_>, name: &str) -> Result<Vec<Value>, ImportError> {
    let value = fields.any(&[name]).ok_or_else(|| fields.missing(&[name]))?;
    match value.as_array() {
        Some(list) if !list.is_empty() => Ok(list.clone()),
        _ => Err(fields.error(format!("`{name}` is not a list of tests"))),
    }
}

/// A program of assertions as one test function. It takes the one name that it calls
/// from the solution: whatever else that defines must not reach the test.
fn as_test(program: &str, name: &str) -> String {
    let mut test = format!("from solution import {name}\n\ndef test_all():\n");
    for line in program.lines() {
        test.push_str("    ");
        test.push_str(line);
        test.push('\n');
    }
    test
}
